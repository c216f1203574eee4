import { Injectable } from '@nestjs/common';
import { affected, prepared, row, rows, type Tx } from '../../database/index.js';
import type { ClaimedEmail, Refusal, SendingCampaign, Settlement } from './delivery.types.js';

/** What a claimed batch needs. */
export interface ClaimRequest {
  campaignId: string;
  token: string;
  now: Date;
  limit: number;
  leaseSeconds: number;
  /** Only rows behind this one, so that the rows just claimed are not read over again. */
  after: { dueAt: Date; id: string } | null;
}

export interface FireRequest {
  campaignId: string;
  token: string;
  now: Date;
  leaseSeconds: number;
  provider: string;
  accountKey: string;
  /** The one message that may pass an open breaker. */
  isProbe: boolean;
  /** The rows, with the address each was rendered for. */
  ids: string[];
  emails: string[];
}

/** An address suppressed for anything but an unsubscription gets no transactional mail either. */
const SUPPRESSED = `EXISTS (SELECT FROM suppressions x WHERE x.tenant_id = k.tenant_id AND x.email_norm = k.email_norm
  AND (c.category = 'marketing' OR x.reason <> 'unsubscribed'))`;

const FIRST: NonNullable<ClaimRequest['after']> = { dueAt: new Date(0), id: '00000000-0000-0000-0000-000000000000' };

/**
 * The life of a ledger row in a worker: claim, fire, finish. Every change after the claim is conditional on the claim's token.
 *
 * Not prepared: one plan for all parameters is made when tables may still be small or empty, and would scan them whole for every row after they have
 * grown. Planning anew costs about 2 ms for a statement over hundreds of rows.
 */
@Injectable()
export class DeliveryQueries {
  /** Null unless the campaign is active and inside its dates. */
  async findSendingCampaign(tx: Tx, tenantId: string, campaignId: string, now: Date): Promise<SendingCampaign | null> {
    return row(
      tx,
      `SELECT c.tenant_id AS "tenantId", c.id AS "campaignId", c.name, c.from_email AS "fromEmail", c.from_name AS "fromName",
              c.reply_to_email AS "replyToEmail", c.category, c.unsubscribe_enabled AS "unsubscribeEnabled",
              c.provider_account_id AS "providerAccountId",
              t.name AS "tenantName", t.postal_address AS "postalAddress",
              c.timezone, c.launched_at AS "launchedAt", coalesce(c.enroll_total, c.total_contacts) AS audience,
              c.send_rate_per_minute AS "sendRatePerMinute", c.ramp_plan AS "rampPlan", c.frequency_cap AS "frequencyCap",
              c.send_window AS "sendWindow", p.settings
         FROM campaigns c JOIN tenants t ON t.id = c.tenant_id LEFT JOIN pacing_settings p ON p.tenant_id = c.tenant_id
        WHERE c.tenant_id = $1 AND c.id = $2 AND c.status = 'active'
          AND (c.start_date IS NULL OR c.start_in_contact_zone OR c.start_date <= $3) AND (c.end_date IS NULL OR c.end_date > $3)`,
      [tenantId, campaignId, now],
    );
  }

  /**
   * Leases due rows to `token`, oldest first; rows that another worker holds are passed over. Changes unindexed columns only, so the update
   * stays on its page (HOT). Losing the batch is harmless: when the lease runs out the rows can be claimed again.
   */
  async claim(tx: Tx, tenantId: string, request: ClaimRequest): Promise<ClaimedEmail[]> {
    const { campaignId, now, limit, token, leaseSeconds } = request;
    const after = request.after ?? FIRST;
    const claimed = await rows<ClaimedEmail>(
      tx,
      `WITH due AS MATERIALIZED (
         SELECT id FROM emails
          WHERE tenant_id = $1 AND campaign_id = $2 AND status = 'queued' AND due_at <= $3 AND (due_at, id) > ($7::timestamptz, $8::uuid)
            AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp())
          ORDER BY due_at, id LIMIT $4 FOR UPDATE SKIP LOCKED),
       claimed AS (
         UPDATE emails e SET lease_token = $5, lease_expires_at = clock_timestamp() + make_interval(secs => $6)
           FROM due WHERE e.tenant_id = $1 AND e.id = due.id
         RETURNING e.id, e.step_id, e.variant_id, e.contact_id, e.enrollment_id, e.entry_number, e.attempts, e.created_at, e.first_fired_at, e.due_at)
       SELECT m.id, $5::uuid AS token, m.step_id AS "stepId", m.variant_id AS "variantId", m.contact_id AS "contactId", m.enrollment_id AS "enrollmentId",
              m.entry_number AS "entryNumber", m.attempts, m.created_at AS "createdAt", m.first_fired_at AS "firstFiredAt", m.due_at AS "dueAt",
              k.email, k.first_name AS "firstName", k.last_name AS "lastName", k.timezone, k.lead_score AS "leadScore", k.attributes,
              (SELECT array_agg(g.tag ORDER BY g.tag) FROM contact_tags g WHERE g.tenant_id = $1 AND g.contact_id = m.contact_id) AS tags
         FROM claimed m JOIN contacts k ON k.tenant_id = $1 AND k.id = m.contact_id`,
      [tenantId, campaignId, now, limit, token, leaseSeconds, after.dueAt, after.id],
    );
    return claimed.sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime() || (a.id < b.id ? -1 : 1));
  }

  /** Gives rows back that were claimed and not fired. */
  async release(tx: Tx, tenantId: string, token: string, ids: string[]): Promise<number> {
    return affected(
      tx,
      `UPDATE emails SET lease_token = NULL, lease_expires_at = NULL
        WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND lease_token = $3 AND status = 'queued'`,
      [tenantId, ids, token],
    );
  }

  /**
   * Waits for whoever pauses, cancels or completes the campaign. A statement of its own, before the gate: the gate's snapshot must be taken
   * after the lock, or it would still see the campaign as it was before the pause.
   */
  async shareCampaign(tx: Tx, namespace: number, campaignId: string): Promise<void> {
    await prepared(tx, 'campaign_share', `SELECT pg_advisory_xact_lock_shared($1, hashtext($2))`, [namespace, campaignId]);
  }

  /**
   * The gate: `queued → sending` for the rows that may go out at this moment, and their ids. Everything that may stop a message is looked at
   * here, in the statement that commits it as `sending`; the provider is called afterwards and only for the ids returned.
   *
   * Written so that every plan looks rows up by their keys: CASE and the scalar subqueries keep the planner from joining by way of everything
   * queued or everybody enrolled, which it did for each group where its statistics were from before the launch.
   */
  async fire(tx: Tx, tenantId: string, request: FireRequest): Promise<string[]> {
    const fired = await rows<{ id: string }>(
      tx,
      `WITH c AS MATERIALIZED (
         SELECT category FROM campaigns
          WHERE tenant_id = $1 AND id = $2 AND status = 'active'
            AND (start_date IS NULL OR start_in_contact_zone OR start_date <= $4) AND (end_date IS NULL OR end_date > $4)
            AND ($10::boolean OR NOT EXISTS (SELECT FROM provider_health h WHERE h.account_key = $9 AND h.state <> 'closed')))
       UPDATE emails e SET status = 'sending', attempts = e.attempts + 1, sending_at = $4, first_fired_at = coalesce(e.first_fired_at, $4), to_email = v.email, provider = $6,
              lease_expires_at = clock_timestamp() + make_interval(secs => $5)
         FROM unnest($7::uuid[], $8::text[]) AS v(id, email), c
        WHERE e.tenant_id = $1 AND e.id = v.id
          AND CASE WHEN e.status = 'queued' AND e.campaign_id = $2 THEN e.lease_token = $3 END
          AND (SELECT n.status IN ('enrolled', 'active') AND n.entry_number = e.entry_number
                 FROM campaign_contacts n WHERE n.tenant_id = $1 AND n.id = e.enrollment_id)
          AND (SELECT k.deleted_at IS NULL AND k.email = v.email AND (k.subscribed OR c.category = 'transactional') AND NOT ${SUPPRESSED}
                 FROM contacts k WHERE k.tenant_id = $1 AND k.id = e.contact_id)
       RETURNING e.id`,
      [
        tenantId,
        request.campaignId,
        request.token,
        request.now,
        request.leaseSeconds,
        request.provider,
        request.ids,
        request.emails,
        request.accountKey,
        request.isProbe,
      ],
    );
    return fired.map(({ id }) => id);
  }

  /** Why rows did not pass the gate; in the transaction of `fire`. Reads only. */
  async explainRefusals(
    tx: Tx,
    tenantId: string,
    request: FireRequest,
    refused: { id: string; email: string }[],
  ): Promise<(Refusal & { id: string })[]> {
    return rows(
      tx,
      `SELECT v.id, r.verdict, r.reason, r.due_at AS "dueAt"
         FROM unnest($5::uuid[], $6::text[]) AS v(id, email)
         LEFT JOIN emails e ON e.tenant_id = $1 AND e.id = v.id AND e.lease_token = $3 AND e.status = 'queued'
         LEFT JOIN campaigns c ON c.tenant_id = $1 AND c.id = e.campaign_id
         LEFT JOIN campaign_contacts n ON n.tenant_id = $1 AND n.id = e.enrollment_id
         LEFT JOIN contacts k ON k.tenant_id = $1 AND k.id = e.contact_id
         CROSS JOIN LATERAL (SELECT * FROM (VALUES
           (1, e.id IS NULL OR e.campaign_id <> $2::uuid, 'lost', NULL, NULL::timestamptz),
           (2, c.status = 'cancelled', 'cancel', 'campaign_cancelled', NULL),
           (3, c.status = 'completed' OR c.end_date <= $4, 'skip', 'campaign_ended', NULL),
           (4, c.status <> 'active', 'keep', 'campaign_not_active', NULL),
           (5, c.start_date > $4 AND NOT c.start_in_contact_zone, 'keep', 'not_started', c.start_date),
           (6, n.entry_number <> e.entry_number, 'skip', 'superseded', NULL),
           (7, k.deleted_at IS NOT NULL, 'skip', 'contact_deleted', NULL),
           (8, NOT k.subscribed AND c.category = 'marketing', 'skip', 'unsubscribed', NULL),
           (9, ${SUPPRESSED}, 'skip', 'suppressed', NULL),
           (10, n.status IN ('completed', 'exited', 'failed'), 'skip', 'enrollment_ended', NULL),
           (11, n.status = 'paused', 'keep', 'enrollment_paused', $4::timestamptz + interval '1 minute'),
           (12, k.email IS DISTINCT FROM v.email, 'keep', 'address_changed', NULL),
           (13, true, 'keep', 'provider_unavailable', NULL)) AS t(rank, holds, verdict, reason, due_at) WHERE holds ORDER BY rank LIMIT 1) r`,
      [tenantId, request.campaignId, request.token, request.now, refused.map(({ id }) => id), refused.map(({ email }) => email)],
    );
  }

  /**
   * Ends rows in flight, each only if its token still holds it, and returns the ids that were. A row of another state has been decided by
   * somebody else (an event, a sweep, another worker) and stays as it is; a late success may still turn `unknown` into `sent`.
   */
  async finish(tx: Tx, tenantId: string, settlements: Settlement[]): Promise<string[]> {
    // In the order of ids, so that two workers that meet on rows wait for each other instead of deadlocking.
    const s = [...settlements].sort((a, b) => (a.id < b.id ? -1 : 1));
    const finished = await rows<{ id: string }>(
      tx,
      `UPDATE emails e SET status = v.status, reason = v.reason, detail = v.detail, provider_message_id = v.provider_message_id,
              sent_at = CASE WHEN v.status = 'sent' THEN v.at END,
              settled_at = CASE WHEN v.status IN ('queued', 'unknown') THEN NULL ELSE v.at END,
              due_at = coalesce(v.due_at, e.due_at), attempts = coalesce(v.attempts, e.attempts),
              lease_token = CASE WHEN v.status = 'unknown' THEN e.lease_token END, lease_expires_at = NULL
         FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::timestamptz[], $10::int[])
           AS v(id, token, status, reason, detail, at, provider_message_id, due_at, attempts)
        WHERE e.tenant_id = $1 AND e.id = v.id AND e.lease_token = v.token
          AND (e.status IN ('queued', 'sending') OR (e.status = 'unknown' AND v.status = 'sent'))
       RETURNING e.id`,
      [
        tenantId,
        s.map((v) => v.id),
        s.map((v) => v.token),
        s.map((v) => v.status),
        s.map((v) => v.reason),
        s.map((v) => v.detail),
        s.map((v) => v.at),
        s.map((v) => v.providerMessageId ?? null),
        s.map((v) => v.dueAt ?? null),
        s.map((v) => v.attemptsBefore ?? null),
      ],
    );
    return finished.map(({ id }) => id);
  }
}
