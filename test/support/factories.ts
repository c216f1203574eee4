import { type Database, affected, row, rows } from '../../src/database/index.js';

export interface MadeCampaign {
  tenantId: string;
  campaignId: string;
  /** In order. */
  stepIds: string[];
}

export interface MadeEmail {
  tenantId: string;
  campaignId: string;
  emailId: string;
  contactId: string;
  enrollmentId: string;
}

type Instant = string | Date;
type StepKind = 'email' | 'wait' | 'condition' | 'action';
export interface MadeStep {
  type: StepKind;
  name?: string;
  /** Places in the list, from 0; null ends. */
  trueNext?: number | null;
  falseNext?: number | null;
  next?: number;
}

/** Which moments on a ledger row an event sets. What a person does proves that the message arrived. */
const MOMENTS: Record<string, string[]> = {
  delivered: ['delivered_at'],
  opened: ['delivered_at', 'first_opened_at'],
  clicked: ['delivered_at', 'first_clicked_at'],
  replied: ['delivered_at', 'replied_at'],
  complained: ['delivered_at', 'complained_at'],
  unsubscribed: ['delivered_at', 'unsubscribed_at'],
  bounced: ['bounced_at'],
};
const HUMAN: Record<string, string> = { opened: 'first_human_opened_at', clicked: 'first_human_clicked_at' };

/**
 * Writes rows as the engine would leave them, straight into the tables: a state brings the times and reasons that belong to it. For tests of
 * what is read and counted, where running the engine would only be slow.
 */
export class Factory {
  private made = 0;

  constructor(private readonly db: Database) {}

  async tenant(): Promise<string> {
    const sql = `INSERT INTO tenants (name, postal_address) VALUES ('Acme', '1 Main Street') RETURNING id`;
    return (await this.db.asSystem((tx) => row<{ id: string }>(tx, sql)))!.id;
  }

  /** A launched campaign; one email step unless given. */
  async campaign(
    tenantId: string,
    o: { launchedAt: Instant; timezone?: string; status?: 'active' | 'paused' | 'completed'; steps?: MadeStep[] },
  ): Promise<MadeCampaign> {
    const { timezone = 'UTC', status = 'active', steps = [{ type: 'email' }] } = o;
    return this.db.inTenant(tenantId, async (tx) => {
      const campaign = await row<{ id: string }>(
        tx,
        `INSERT INTO campaigns (tenant_id, name, campaign_type, status, timezone, from_email, from_name, launched_at, launch_state, completed_at, paused_at)
         VALUES ($1, 'Spring', 'drip', $2::text, $3, 'news@acme.example', 'Acme', $4::timestamptz, 'enrolled',
                 CASE WHEN $2::text = 'completed' THEN $4::timestamptz END, CASE WHEN $2::text = 'paused' THEN $4::timestamptz END) RETURNING id`,
        [tenantId, status, timezone, o.launchedAt],
      );
      const campaignId = campaign!.id;
      const made = await rows<{ id: string }>(
        tx,
        `INSERT INTO campaign_steps (tenant_id, campaign_id, step_order, step_type, step_name, subject_line, wait_duration_value, wait_duration_unit, condition_rules, action_config)
         SELECT $1, $2, s.place, s.type, s.name, CASE s.type WHEN 'email' THEN 'Hello' END, CASE s.type WHEN 'wait' THEN 1 END,
                CASE s.type WHEN 'wait' THEN 'days' END, CASE s.type WHEN 'condition' THEN '{"all":[]}'::jsonb END,
                CASE s.type WHEN 'action' THEN '{"type":"add_tag","tag":"x"}'::jsonb END
           FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS s (type, name, place) ORDER BY s.place RETURNING id`,
        [tenantId, campaignId, steps.map(({ type }) => type), steps.map(({ name }) => name ?? null)],
      );
      const stepIds = made.map(({ id }) => id);
      const edge = (place: number | null | undefined) => (place == null ? null : stepIds[place]);
      for (const [index, { trueNext, falseNext, next }] of steps.entries()) {
        await affected(
          tx,
          `UPDATE campaign_steps SET true_next_step_id = $3, false_next_step_id = $4, next_step_id = $5 WHERE tenant_id = $1 AND id = $2`,
          [tenantId, stepIds[index], edge(trueNext), edge(falseNext), edge(next)],
        );
      }
      return { tenantId, campaignId, stepIds };
    });
  }

  /** An enrolment with a contact of its own, counted on the campaign; due at `dueAt` if it is live and that is given. */
  async enroll(
    { tenantId, campaignId }: MadeCampaign,
    o: {
      at: Instant;
      status?: 'enrolled' | 'active' | 'paused' | 'completed' | 'exited' | 'failed';
      stepId?: string | null;
      dueAt?: Instant;
      endedAt?: Instant;
      exitReason?: string;
    },
  ): Promise<{ enrollmentId: string; contactId: string }> {
    const { at, status = 'active', stepId = null, endedAt = at, exitReason = 'unsubscribed' } = o;
    const email = `person${++this.made}@example.com`;
    return this.db.inTenant(tenantId, async (tx) => {
      const contact = await row<{ id: string }>(
        tx,
        `INSERT INTO contacts (tenant_id, email, email_norm) VALUES ($1, $2, $2) RETURNING id`,
        [tenantId, email],
      );
      const enrollment = await row<{ id: string }>(
        tx,
        `INSERT INTO campaign_contacts (tenant_id, campaign_id, contact_id, status, current_step_id, enrolled_at, started_at, completed_at, exited_at,
                                        exit_reason, last_error, next_email_scheduled_at)
         VALUES ($1, $2, $3, $4::text, $5, $6::timestamptz, CASE WHEN $4::text <> 'enrolled' THEN $6::timestamptz END,
                 CASE WHEN $4::text = 'completed' THEN $7::timestamptz END, CASE WHEN $4::text = 'exited' THEN $7::timestamptz END,
                 CASE WHEN $4::text = 'exited' THEN $8::text END, CASE WHEN $4::text = 'failed' THEN 'it broke' END, $9) RETURNING id`,
        [tenantId, campaignId, contact!.id, status, stepId, at, endedAt, exitReason, o.dueAt ?? null],
      );
      await affected(tx, 'UPDATE campaigns SET total_contacts = total_contacts + 1 WHERE tenant_id = $1 AND id = $2', [
        tenantId,
        campaignId,
      ]);
      return { enrollmentId: enrollment!.id, contactId: contact!.id };
    });
  }

  /** A ledger row of an enrolment. `sent` by default, at `at`; a state before sending has no `sent_at`. */
  async email(
    { tenantId, campaignId, stepIds }: MadeCampaign,
    { enrollmentId, contactId }: { enrollmentId: string; contactId: string },
    o: { at: Instant; stepId?: string; status?: string; reason?: string; settled?: boolean },
  ): Promise<MadeEmail> {
    const { at, status = 'sent', stepId = stepIds[0], settled = status !== 'queued' && status !== 'sending' } = o;
    const isAccepted = ['sent', 'delivered', 'bounced', 'dropped'].includes(status);
    const isUnderWay = isAccepted || status === 'sending' || status === 'unknown';
    const hasReason = !['queued', 'sending', 'sent', 'delivered'].includes(status);
    const made = await this.db.inTenant(tenantId, (tx) =>
      row<{ id: string }>(
        tx,
        `INSERT INTO emails (tenant_id, campaign_id, step_id, contact_id, enrollment_id, status, reason, due_at, created_at, sending_at, sent_at,
                             settled_at, delivered_at, lease_token, lease_expires_at, to_email)
         VALUES ($1, $2, $3, $4, $5, $6::text, $7, $8::timestamptz, $8::timestamptz, CASE WHEN $9 THEN $8::timestamptz END,
                 CASE WHEN $10 THEN $8::timestamptz END, CASE WHEN $11 THEN $8::timestamptz END,
                 CASE WHEN $6::text = 'delivered' THEN $8::timestamptz END, CASE WHEN $6::text = 'sending' THEN gen_random_uuid() END,
                 CASE WHEN $6::text = 'sending' THEN clock_timestamp() + interval '1 minute' END, 'ada@example.com') RETURNING id`,
        [
          tenantId,
          campaignId,
          stepId,
          contactId,
          enrollmentId,
          status,
          hasReason ? (o.reason ?? 'because') : null,
          at,
          isUnderWay,
          isAccepted,
          settled,
        ],
      ),
    );
    return { tenantId, campaignId, emailId: made!.id, contactId, enrollmentId };
  }

  /** Ends an enrolment whose messages are there: in this order, as the engine does it. */
  async exit({ tenantId }: MadeCampaign, { enrollmentId }: { enrollmentId: string }, at: Instant, exitReason: string): Promise<void> {
    await this.db.inTenant(tenantId, (tx) =>
      affected(
        tx,
        `UPDATE campaign_contacts SET status = 'exited', exited_at = $3, exit_reason = $4, next_email_scheduled_at = NULL WHERE tenant_id = $1 AND id = $2`,
        [tenantId, enrollmentId, at, exitReason],
      ),
    );
  }

  /** A contact who completed the campaign, and the message that was sent to it. */
  async sent(campaign: MadeCampaign, at: Instant, stepId?: string): Promise<MadeEmail> {
    const enrollment = await this.enroll(campaign, { at, status: 'completed', stepId: stepId ?? campaign.stepIds.at(-1) });
    return this.email(campaign, enrollment, { at, stepId });
  }

  /** An event, applied: its ledger row knows of it. */
  async fact(
    email: MadeEmail,
    type: string,
    at: Instant,
    o: { isMachine?: boolean; appliedAt?: Instant; url?: string; bounceClass?: 'hard' | 'soft'; source?: string } = {},
  ): Promise<void> {
    const { isMachine = false, appliedAt = at, url = null, bounceClass = type === 'bounced' ? 'hard' : null, source = 'pixel' } = o;
    const moments = [...(MOMENTS[type] ?? []), ...(HUMAN[type] && !isMachine ? [HUMAN[type]] : [])];
    await this.db.inTenant(email.tenantId, async (tx) => {
      await affected(
        tx,
        `INSERT INTO email_events (tenant_id, email_id, campaign_id, type, source, occurred_at, received_at, applied_at, dedupe_key, is_machine, url, bounce_class)
         VALUES ($1, $2, $3, $4, $5, $6, $7::timestamptz, $7::timestamptz, $8, $9, $10, $11)`,
        [
          email.tenantId,
          email.emailId,
          email.campaignId,
          type,
          source,
          at,
          appliedAt,
          `${type}-${++this.made}`,
          isMachine,
          url,
          bounceClass,
        ],
      );
      const status = type === 'bounced' ? `, status = 'bounced', reason = 'bounce_hard'` : '';
      if (moments.length > 0) {
        const sets = moments.map((column) => `${column} = least(${column}, $3::timestamptz)`).join(', ');
        await affected(tx, `UPDATE emails SET ${sets}${status} WHERE tenant_id = $1 AND id = $2`, [email.tenantId, email.emailId, at]);
      }
    });
  }
}
