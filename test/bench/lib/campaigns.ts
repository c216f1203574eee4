import { SUBJECT, MJML } from './message.js';
import type { Stage } from './stage.js';
import { until } from './wait.js';

export const simpleEmail = {
  stepType: 'email',
  stepName: 'News',
  subjectLine: 'Hello {{ contact.first_name | default: "there" }}',
  contentFormat: 'html',
  emailContent:
    '<html><body><p>Hi {{ contact.first_name | default: "there" }}. <a href="https://shop.example/">The shop</a></p></body></html>',
};

/** The step with the benchmark's message, from an MJML template. */
export async function templateEmail(stage: Stage): Promise<Record<string, unknown>> {
  const template = { name: 'Spring news', subjectLine: SUBJECT, content: MJML, contentFormat: 'mjml' };
  // On a machine that is busy with other things a compilation may run out of its time, the first one above all.
  for (let attempt = 1; ; attempt++) {
    try {
      const { id } = await stage.api.post<{ id: string }>('/api/templates', template);
      return { stepType: 'email', stepName: 'News', templateId: id };
    } catch (error) {
      if (attempt === 5 || !/too_slow/.test((error as Error).message)) throw error;
    }
  }
}

/** A campaign that starts then makes nobody due yet, so that enrolling can be measured alone, without the advancing and sending behind it. */
export function nextWeek(): string {
  return new Date(Date.now() + 7 * 86_400_000).toISOString();
}

export const isEnrolled = (stage: Stage, campaignId: string) => () =>
  stage.cluster.value<boolean>(`SELECT launch_state = 'enrolled' FROM campaigns WHERE id = $1 AND tenant_id = $2`, [
    campaignId,
    stage.tenantId,
  ]);

/** All messages of the campaign are with the provider: enrolled, planned and sent, nothing left that is due. */
export async function untilSent(stage: Stage, campaignId: string, count: number, deadlineMs: number, everyMs = 50): Promise<void> {
  const scope = [stage.tenantId, campaignId];
  await until(`campaign ${campaignId} to be sent`, isEnrolled(stage, campaignId), { deadlineMs, everyMs });
  const open = (): Promise<boolean> =>
    stage.cluster.value<boolean>(
      `SELECT NOT EXISTS (SELECT FROM campaign_contacts WHERE tenant_id = $1 AND campaign_id = $2 AND status IN ('enrolled', 'active'))`,
      scope,
    );
  const state = (): Promise<unknown> => ledger(stage, campaignId);
  await until(`campaign ${campaignId} to be sent`, open, { deadlineMs, everyMs, state });
  const { sent } = await ledger(stage, campaignId);
  if (sent !== count) throw new Error(`${count} messages expected, the ledger says ${JSON.stringify(await state())}`);
}

export async function ledger(stage: Stage, campaignId: string): Promise<Record<string, number>> {
  const { rows } = await stage.cluster.sql.query<{ status: string; n: number }>(
    `SELECT status, count(*)::int AS n FROM emails WHERE tenant_id = $1 AND campaign_id = $2 GROUP BY status`,
    [stage.tenantId, campaignId],
  );
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
}
