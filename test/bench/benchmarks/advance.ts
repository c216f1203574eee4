import type { Benchmark } from '../lib/benchmark.js';
import { simpleEmail } from '../lib/campaigns.js';
import { totalCpu } from '../lib/meter.js';
import { seedContacts } from '../lib/seed.js';
import { Stage } from '../lib/stage.js';
import { seconds, until } from '../lib/wait.js';

const BATCH = 2_000;
const PLAN = { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' };
const STEPS = [
  { stepType: 'wait', stepName: 'first wait', waitDuration: { value: 1, unit: 'hours' } },
  { stepType: 'condition', stepName: 'pro?', conditionRules: PLAN, trueNextRef: 'pro', falseNextRef: 'free' },
  { ref: 'pro', stepType: 'action', stepName: 'tag pro', actionConfig: { type: 'add_tag', tag: 'reader-pro' }, nextRef: 'later' },
  { ref: 'free', stepType: 'action', stepName: 'tag free', actionConfig: { type: 'add_tag', tag: 'reader-free' }, nextRef: 'later' },
  { ref: 'later', stepType: 'wait', stepName: 'last wait', waitDuration: { value: 30, unit: 'days' } },
  simpleEmail,
];

/** Everybody stands on the first wait, which ended a minute ago. */
async function park({ cluster, tenantId }: Stage, campaignId: string, firstWait: string): Promise<void> {
  await cluster.sql.query('TRUNCATE campaign_contacts CASCADE');
  await cluster.sql.query('TRUNCATE contact_tags');
  await cluster.sql.query(
    `INSERT INTO campaign_contacts (tenant_id, campaign_id, contact_id, status, current_step_id, started_at, step_entered_at, next_email_scheduled_at)
     SELECT tenant_id, $2, id, 'active', $3, now() - interval '1 hour', now() - interval '61 minutes', now() - interval '1 minute'
     FROM contacts WHERE tenant_id = $1`,
    [tenantId, campaignId, firstWait],
  );
  await cluster.settle('campaign_contacts', 'contact_tags');
}

/** The same changes of rows by hand: claim, decide, tag and move in one statement, one transaction for each batch. */
async function byHand({ cluster, tenantId }: Stage, campaignId: string, lastWait: string): Promise<void> {
  for (;;) {
    const moved = await cluster.value<number>(
      `WITH due AS MATERIALIZED (
         SELECT cc.id, cc.contact_id, c.attributes->>'plan' = 'pro' AS is_pro
         FROM campaign_contacts cc JOIN contacts c ON c.tenant_id = cc.tenant_id AND c.id = cc.contact_id
         WHERE cc.tenant_id = $1 AND cc.campaign_id = $2 AND cc.status IN ('enrolled', 'active') AND cc.next_email_scheduled_at <= now()
         ORDER BY cc.next_email_scheduled_at, cc.id LIMIT ${BATCH} FOR NO KEY UPDATE OF cc SKIP LOCKED
       ), tagged AS (
         INSERT INTO contact_tags (tenant_id, contact_id, tag)
         SELECT $1, contact_id, CASE WHEN is_pro THEN 'reader-pro' ELSE 'reader-free' END FROM due ON CONFLICT DO NOTHING
       ), moved AS (
         UPDATE campaign_contacts cc SET current_step_id = $3, steps_completed = cc.steps_completed + 3, step_entered_at = now(),
           next_email_scheduled_at = now() + interval '30 days'
         FROM due WHERE cc.tenant_id = $1 AND cc.id = due.id RETURNING 1
       ) SELECT count(*)::int FROM moved`,
      [tenantId, campaignId, lastWait],
    );
    if (moved === 0) return;
  }
}

export const advance: Benchmark = {
  name: 'advance',
  about: 'everybody through wait → condition → action → wait',
  size: 200_000,
  run: (size, options) =>
    Stage.use({ options, prepare: ({ cluster, tenantId }) => seedContacts(cluster, tenantId, size) }, async (stage) => {
      const { api, cluster, tenantId } = stage;
      // Launched over an empty audience and paused, so that everybody can be put on the first wait and start at the same moment.
      const segmentId = await api.segment('Nobody', { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'none' });
      const campaignId = await api.campaign({ name: 'Series', segmentId, campaignType: 'drip', endDate: inDays(90) }, STEPS);
      await api.post(`/api/campaigns/${campaignId}/launch`);
      await api.post(`/api/campaigns/${campaignId}/pause`).catch((error: Error) => {
        throw new Error(`the campaign with nobody in it must still be active: ${error.message}`);
      });
      const step = (name: string) =>
        cluster.value<string>('SELECT id FROM campaign_steps WHERE tenant_id = $1 AND campaign_id = $2 AND step_name = $3', [
          tenantId,
          campaignId,
          name,
        ]);
      const [firstWait, lastWait] = [await step('first wait'), await step('last wait')];
      await cluster.settle('contacts');

      for (let warmUp = 0; warmUp < 1; warmUp++) {
        await park(stage, campaignId, firstWait);
        await byHand(stage, campaignId, lastWait);
      }
      await park(stage, campaignId, firstWait);
      const floorMeter = stage.meter();
      const floor = await seconds(() => byHand(stage, campaignId, lastWait));
      const floorCpu = totalCpu(floorMeter.read());

      await park(stage, campaignId, firstWait);
      const nobodyDue = () =>
        cluster.value<boolean>(
          `SELECT NOT EXISTS (SELECT FROM campaign_contacts WHERE tenant_id = $1 AND campaign_id = $2 AND status IN ('enrolled', 'active')
             AND next_email_scheduled_at <= now())`,
          [tenantId, campaignId],
        );
      const meter = stage.meter();
      const ours = await seconds(async () => {
        await api.post(`/api/campaigns/${campaignId}/resume`);
        await until('everybody to be advanced', nobodyDue);
      });
      const processes = meter.read();
      const arrived = await cluster.value<number>(
        'SELECT count(*)::int FROM campaign_contacts JOIN contact_tags USING (tenant_id, contact_id) WHERE campaign_id = $1 AND current_step_id = $2',
        [campaignId, lastWait],
      );
      if (arrived !== size) throw new Error(`${arrived} of ${size} have arrived with their tag`);
      return {
        lines: [
          { what: 'advanced through four steps', unit: 'contacts/s', ours: size / ours, floor: size / floor, target: { atLeast: 0.6 } },
          { what: 'CPU of all processes', unit: 'µs/contact', ours: (totalCpu(processes) / size) * 1e6, floor: (floorCpu / size) * 1e6 },
        ],
        processes,
        notes: await stage.notes(),
      };
    }),
};

const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();
