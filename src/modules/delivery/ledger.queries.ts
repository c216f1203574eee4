import { Injectable } from '@nestjs/common';
import { affected, prepared, rows, type Tx } from '../../database/index.js';
import type { LedgerStatus } from './domain/ledger-state.js';
import type { CampaignWithMail, PlannedEmail } from './delivery.types.js';

/** Counting further than this would make looking for work as dear as the work. */
export const QUEUED_CAP = 8_001;

/** Planning, counting, cancelling and settling ledger rows, outside the hands of a worker. */
@Injectable()
export class LedgerQueries {
  /** One statement for all rows. Idempotent by (enrolment, step, entry): invariant I1. */
  async plan(tx: Tx, tenantId: string, p: { campaignId: string; stepId: string; now: Date; emails: PlannedEmail[] }): Promise<number> {
    const { affected: planned } = await prepared(
      tx,
      'emails_plan',
      `INSERT INTO emails (tenant_id, campaign_id, step_id, enrollment_id, contact_id, entry_number, due_at, created_at, variant_id)
       SELECT $1, $2, $3, v.enrollment_id, v.contact_id, v.entry_number, v.due_at, $4, v.variant_id
         FROM unnest($5::uuid[], $6::uuid[], $7::int[], $8::timestamptz[], $9::uuid[]) AS v(enrollment_id, contact_id, entry_number, due_at, variant_id)
       ON CONFLICT (tenant_id, enrollment_id, step_id, entry_number) DO NOTHING`,
      [
        tenantId,
        p.campaignId,
        p.stepId,
        p.now,
        p.emails.map((e) => e.enrollmentId),
        p.emails.map((e) => e.contactId),
        p.emails.map((e) => e.entryNumber),
        p.emails.map((e) => e.dueAt),
        p.emails.map((e) => e.variantId ?? null),
      ],
    );
    return planned;
  }

  /** Messages of any version of a step, for these enrolments in this entry of theirs. */
  ofLine(
    tx: Tx,
    tenantId: string,
    step: { campaignId: string; lineageId: string },
    people: Pick<PlannedEmail, 'enrollmentId' | 'entryNumber'>[],
  ): Promise<{ enrollmentId: string; isOpen: boolean }[]> {
    return rows(
      tx,
      `WITH line AS MATERIALIZED (SELECT id FROM campaign_steps WHERE tenant_id = $1 AND lineage_id = $3 AND campaign_id = $2)
       SELECT p.enrollment_id AS "enrollmentId", bool_or(e.settled_at IS NULL) AS "isOpen"
         FROM unnest($4::uuid[], $5::int[]) AS p (enrollment_id, entry_number) CROSS JOIN line
         JOIN emails e ON e.tenant_id = $1 AND e.enrollment_id = p.enrollment_id AND e.step_id = line.id AND e.entry_number = p.entry_number
        GROUP BY p.enrollment_id`,
      [
        tenantId,
        step.campaignId,
        step.lineageId,
        people.map(({ enrollmentId }) => enrollmentId),
        people.map(({ entryNumber }) => entryNumber),
      ],
    );
  }

  /** First opens by people since `since`, the newest `limit` of each contact that has any. */
  async opensOf(tx: Tx, tenantId: string, contactIds: string[], since: Date, limit: number): Promise<Map<string, number[]>> {
    const found = await rows<{ id: string; opens: number[] }>(
      tx,
      `SELECT asked.id, o.opens FROM unnest($2::uuid[]) AS asked (id) CROSS JOIN LATERAL (
         SELECT array_agg(at) AS opens FROM (
           SELECT (extract(epoch FROM e.first_human_opened_at) * 1000)::float8 AS at
             FROM campaign_contacts n JOIN emails e ON e.tenant_id = $1 AND e.enrollment_id = n.id
            WHERE n.tenant_id = $1 AND n.contact_id = asked.id AND e.first_human_opened_at >= $3
            ORDER BY e.first_human_opened_at DESC LIMIT $4) newest) o
        WHERE o.opens IS NOT NULL`,
      [tenantId, contactIds, since, limit],
    );
    return new Map(found.map(({ id, opens }) => [id, opens]));
  }

  async counts(tx: Tx, tenantId: string, campaignId: string): Promise<{ status: LedgerStatus; count: number }[]> {
    return rows(tx, `SELECT status, count(*)::int AS count FROM emails WHERE tenant_id = $1 AND campaign_id = $2 GROUP BY status`, [
      tenantId,
      campaignId,
    ]);
  }

  /** Rows on their way to the provider at this moment. */
  async countSending(tx: Tx, tenantId: string, campaignId: string): Promise<number> {
    const [found] = await rows<{ count: number }>(
      tx,
      `SELECT count(*)::int AS count FROM emails WHERE tenant_id = $1 AND campaign_id = $2 AND status = 'sending'`,
      [tenantId, campaignId],
    );
    return found.count;
  }

  /** Closes queued rows, leased ones too: the gate then finds them not queued any more. Waits for rows that are being fired. */
  async closeQueued(
    tx: Tx,
    tenantId: string,
    c: { campaignId: string; status: 'cancelled' | 'skipped'; reason: string; now: Date; limit: number },
  ): Promise<number> {
    return affected(
      tx,
      `WITH waiting AS MATERIALIZED (
         SELECT id FROM emails WHERE tenant_id = $1 AND campaign_id = $2 AND status = 'queued' ORDER BY id LIMIT $6 FOR UPDATE)
       UPDATE emails e SET status = $3, reason = $4, settled_at = $5, lease_expires_at = NULL
         FROM waiting WHERE e.tenant_id = $1 AND e.id = waiting.id`,
      [tenantId, c.campaignId, c.status, c.reason, c.now, c.limit],
    );
  }

  /** Makes waiting rows of these enrolments due now: somebody who was held may go on. */
  async hasten(tx: Tx, tenantId: string, enrollmentIds: string[], now: Date): Promise<number> {
    return affected(
      tx,
      `UPDATE emails SET due_at = $3 WHERE tenant_id = $1 AND enrollment_id = ANY($2::uuid[]) AND status = 'queued' AND due_at > $3`,
      [tenantId, enrollmentIds, now],
    );
  }

  /**
   * System scope. Active campaigns with due rows that nobody holds. Hops through the index from campaign to campaign, so the cost depends on how
   * many campaigns have mail waiting, not on how much mail there is (I11).
   */
  async listCampaignsWithMail(tx: Tx, now: Date, limit: number): Promise<CampaignWithMail[]> {
    const found = await rows<CampaignWithMail>(
      tx,
      `WITH RECURSIVE waiting AS (
         (SELECT tenant_id, campaign_id FROM emails WHERE status = 'queued' ORDER BY tenant_id, campaign_id LIMIT 1)
         UNION ALL
         SELECT n.tenant_id, n.campaign_id FROM waiting w CROSS JOIN LATERAL (
           SELECT tenant_id, campaign_id FROM emails
            WHERE status = 'queued' AND (tenant_id, campaign_id) > (w.tenant_id, w.campaign_id) ORDER BY tenant_id, campaign_id LIMIT 1) n)
       SELECT w.tenant_id AS "tenantId", w.campaign_id AS "campaignId", q.queued, a.id AS "accountId",
              coalesce((extract(epoch FROM date_trunc('milliseconds', a.updated_at)) * 1000)::float8, 0) AS "accountVersion"
         FROM waiting w
         JOIN campaigns c ON c.tenant_id = w.tenant_id AND c.id = w.campaign_id AND c.status = 'active'
          AND (c.start_date IS NULL OR c.start_in_contact_zone OR c.start_date <= $1) AND (c.end_date IS NULL OR c.end_date > $1)
         LEFT JOIN provider_accounts a ON a.tenant_id = c.tenant_id
          AND (a.id = c.provider_account_id OR (c.provider_account_id IS NULL AND a.is_default))
        CROSS JOIN LATERAL (SELECT count(*)::int AS queued FROM (
          SELECT FROM emails e WHERE e.tenant_id = w.tenant_id AND e.campaign_id = w.campaign_id AND e.status = 'queued' AND e.due_at <= $1
             AND (e.lease_expires_at IS NULL OR e.lease_expires_at < clock_timestamp()) ORDER BY e.due_at LIMIT ${QUEUED_CAP}) x) q
        WHERE q.queued > 0 LIMIT $2`,
      [now, limit],
    );
    return found;
  }
}
