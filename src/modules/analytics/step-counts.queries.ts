import { Injectable } from '@nestjs/common';
import { rows, type Tx } from '../../database/index.js';

/** The counters that stand on `campaign_steps`, as counted. */
export interface StepTally {
  stepId: string;
  emailsSent: number;
  emailsDelivered: number;
  opens: number;
  clicks: number;
  replies: number;
  unsubscribes: number;
}

/** The fate of an email step's messages. */
export interface StepMail extends StepTally {
  /** Rows in the ledger: contacts whose message of this step was planned. */
  planned: number;
  bounces: number;
  uniqueOpens: number;
  uniqueClicks: number;
  spamComplaints: number;
  /** Still queued or with the provider, or of unknown outcome and undecided. */
  pending: number;
  unknown: number;
  skipped: number;
  failed: number;
  cancelled: number;
}

/** Who stands where, or ended there. */
export interface StepPeople {
  stepId: string | null;
  waiting: number;
  exited: number;
  failed: number;
  completed: number;
  /** Of the above, those for whom no message of this step was planned (yet). Means something on email steps only. */
  unplanned: number;
  reentered: number;
}

const MAIL = `count(sent_at)::int AS "emailsSent", count(delivered_at)::int AS "emailsDelivered", count(replied_at)::int AS replies,
  count(unsubscribed_at)::int AS unsubscribes`;

/** Human openings and clicks per step. `$1` tenant, `$2` campaigns. */
const HITS = `
  SELECT e.step_id, count(*) FILTER (WHERE v.type = 'opened')::int AS opens, count(*) FILTER (WHERE v.type = 'clicked')::int AS clicks
    FROM email_events v JOIN emails e ON e.tenant_id = v.tenant_id AND e.id = v.email_id
   WHERE v.tenant_id = $1 AND v.campaign_id = ANY ($2::uuid[]) AND v.type IN ('opened', 'clicked') AND NOT v.is_machine
   GROUP BY e.step_id`;

/** Counts per step, from the ledger, the events and the enrolments. Reads only. */
@Injectable()
export class StepCountsQueries {
  /** The counters of every email step of these campaigns, zeros included. */
  tally(tx: Tx, tenantId: string, campaignIds: string[]): Promise<StepTally[]> {
    return rows<StepTally>(
      tx,
      `WITH mail AS (
         SELECT step_id, ${MAIL} FROM emails WHERE tenant_id = $1 AND campaign_id = ANY ($2::uuid[]) AND sent_at IS NOT NULL GROUP BY step_id
       ), hits AS (${HITS})
       SELECT s.id AS "stepId", coalesce(mail."emailsSent", 0) AS "emailsSent", coalesce(mail."emailsDelivered", 0) AS "emailsDelivered",
              coalesce(hits.opens, 0) AS opens, coalesce(hits.clicks, 0) AS clicks, coalesce(mail.replies, 0) AS replies,
              coalesce(mail.unsubscribes, 0) AS unsubscribes
         FROM campaign_steps s LEFT JOIN mail ON mail.step_id = s.id LEFT JOIN hits ON hits.step_id = s.id
        WHERE s.tenant_id = $1 AND s.campaign_id = ANY ($2::uuid[]) AND s.step_type = 'email' ORDER BY s.id`,
      [tenantId, campaignIds],
    );
  }

  /**
   * Everything about the messages of each email step. Goes from the enrolments to the ledger: its rows that were never sent are in no index by
   * campaign, and a small campaign must not pay for a tenant's big ones.
   */
  mail(tx: Tx, tenantId: string, campaignId: string): Promise<StepMail[]> {
    const status = (...names: string[]) => `count(*) FILTER (WHERE e.status IN (${names.map((name) => `'${name}'`).join(', ')}))::int`;
    return rows<StepMail>(
      tx,
      `WITH mail AS (
         SELECT e.step_id, count(*)::int AS planned, ${MAIL}, count(bounced_at)::int AS bounces, count(first_human_opened_at)::int AS "uniqueOpens",
                count(first_human_clicked_at)::int AS "uniqueClicks", count(complained_at)::int AS "spamComplaints",
                ${status('queued', 'sending')} AS pending, ${status('unknown')} AS unknown, ${status('skipped')} AS skipped,
                ${status('failed')} AS failed, ${status('cancelled')} AS cancelled
           FROM campaign_contacts cc JOIN emails e ON e.tenant_id = cc.tenant_id AND e.enrollment_id = cc.id
          WHERE cc.tenant_id = $1 AND cc.campaign_id = ANY ($2::uuid[]) GROUP BY e.step_id
       ), hits AS (${HITS})
       SELECT mail.step_id AS "stepId", mail.*, coalesce(hits.opens, 0) AS opens, coalesce(hits.clicks, 0) AS clicks
         FROM mail LEFT JOIN hits USING (step_id)`,
      [tenantId, [campaignId]],
    );
  }

  people(tx: Tx, tenantId: string, campaignId: string): Promise<StepPeople[]> {
    return rows<StepPeople>(
      tx,
      `SELECT cc.current_step_id AS "stepId", count(*) FILTER (WHERE cc.status IN ('enrolled', 'active', 'paused'))::int AS waiting,
              count(*) FILTER (WHERE cc.status = 'exited')::int AS exited, count(*) FILTER (WHERE cc.status = 'failed')::int AS failed,
              count(*) FILTER (WHERE cc.status = 'completed')::int AS completed, count(*) FILTER (WHERE cc.entry_number > 1)::int AS reentered,
              count(*) FILTER (WHERE CASE WHEN cc.status IN ('exited', 'failed') THEN NOT EXISTS (
                SELECT FROM emails e WHERE e.tenant_id = cc.tenant_id AND e.enrollment_id = cc.id AND e.step_id = cc.current_step_id)
                ELSE cc.next_email_scheduled_at IS NOT NULL END)::int AS unplanned
         FROM campaign_contacts cc WHERE cc.tenant_id = $1 AND cc.campaign_id = $2 GROUP BY cc.current_step_id`,
      [tenantId, campaignId],
    );
  }
}
