import { Injectable } from '@nestjs/common';
import { affected, preparedRows, row, rows, type Tx } from '../../database/index.js';
import type { SqlFragment } from '../segments/index.js';
import { MOST_TRACE_CHARACTERS, traceOf } from '../../shared/trace.js';
import type { DueEnrollment, EmailStepResult, EnrollmentMove } from './enrollment.types.js';

export interface EnrollChunk {
  campaignId: string;
  firstStepId: string;
  /** Contacts after this id; null begins at the first. */
  cursor: string | null;
  limit: number;
  now: Date;
  /** Due time where the contact's zone has none of its own in `dueByZone`. */
  dueAt: Date;
  dueByZone: Map<string, Date>;
  /** Transactional mail goes to people who unsubscribed from marketing as well. */
  includeUnsubscribed: boolean;
}

const MARKETING = `AND EXISTS (SELECT FROM campaigns c WHERE c.tenant_id = $1 AND c.id = campaign_contacts.campaign_id AND c.category = 'marketing')`;

/** Parameters of `enrollChunk` and of `countAudience` that stand before those of the audience's predicate. */
export const ENROLL_PARAMS = 9;
export const COUNT_PARAMS = 3;

/**
 * Contacts created later than the launch do not belong to the audience (`$2` is the campaign). Both moments are the database's: with those of processes
 * whose clocks differ, people would be dropped in silence.
 */
const AT_LAUNCH = `c.created_at <= (SELECT coalesce(l.audience_at, l.launched_at) FROM campaigns l WHERE l.tenant_id = $1 AND l.id = $2)`;

/**
 * The engine's statements on `campaign_contacts`: enrol a set, claim what is due, write where an advance left it. Each method is one
 * statement; none reads more than its limit.
 */
@Injectable()
export class EnrollmentEngineQueries {
  /**
   * Enrols the next `limit` contacts of the audience after the cursor. Repeating a chunk enrols nobody twice (`ON CONFLICT DO NOTHING` on
   * (tenant, campaign, contact)). People who may not be mailed are not enrolled; the gate checks again at every message.
   */
  async enrollChunk(
    tx: Tx,
    tenantId: string,
    c: EnrollChunk,
    audience: SqlFragment,
  ): Promise<{ enrolled: number; seen: number; cursor: string | null }> {
    const result = await row<{ enrolled: number; seen: number; cursor: string | null }>(
      tx,
      `WITH chunk AS MATERIALIZED (
         SELECT c.id, c.timezone FROM contacts c
         WHERE c.tenant_id = $1 AND ($4::uuid IS NULL OR c.id > $4) AND c.deleted_at IS NULL AND ${AT_LAUNCH}
           AND (c.subscribed OR $9::boolean)
           AND NOT EXISTS (SELECT FROM suppressions s WHERE s.tenant_id = c.tenant_id AND s.email_norm = c.email_norm
             AND NOT ($9::boolean AND s.reason = 'unsubscribed'))
           AND (${audience.sql})
         ORDER BY c.id LIMIT $5
       ), enrolled AS (
         INSERT INTO campaign_contacts (tenant_id, campaign_id, contact_id, status, current_step_id, enrolled_at, next_email_scheduled_at)
         SELECT $1, $2, chunk.id, 'enrolled', $3, $6, coalesce(zone.due, $7::timestamptz)
         FROM chunk LEFT JOIN (SELECT key, value::timestamptz AS due FROM json_each_text($8::json)) zone ON zone.key = chunk.timezone
         ON CONFLICT (tenant_id, campaign_id, contact_id) DO NOTHING
         RETURNING 1
       )
       SELECT (SELECT count(*)::int FROM enrolled) AS enrolled, (SELECT count(*)::int FROM chunk) AS seen,
              (SELECT id FROM chunk ORDER BY id DESC LIMIT 1) AS cursor`,
      [
        tenantId,
        c.campaignId,
        c.firstStepId,
        c.cursor,
        c.limit,
        c.now,
        c.dueAt,
        JSON.stringify(Object.fromEntries([...c.dueByZone].map(([zone, due]) => [zone, due.toISOString()]))),
        c.includeUnsubscribed,
        ...audience.params,
      ],
    );
    return result!;
  }

  /** How many contacts the audience has now, by the same rules as `enrollChunk`. */
  async countAudience(
    tx: Tx,
    tenantId: string,
    c: { campaignId: string; includeUnsubscribed: boolean },
    audience: SqlFragment,
  ): Promise<number> {
    const result = await row<{ count: number }>(
      tx,
      `SELECT count(*)::int AS count FROM contacts c
       WHERE c.tenant_id = $1 AND c.deleted_at IS NULL AND ${AT_LAUNCH} AND (c.subscribed OR $3::boolean)
         AND NOT EXISTS (SELECT FROM suppressions s WHERE s.tenant_id = c.tenant_id AND s.email_norm = c.email_norm
           AND NOT ($3::boolean AND s.reason = 'unsubscribed'))
         AND (${audience.sql})`,
      [tenantId, c.campaignId, c.includeUnsubscribed, ...audience.params],
    );
    return result?.count ?? 0;
  }

  /** The zones the tenant's contacts have: a few hundred at most. */
  async listZones(tx: Tx, tenantId: string): Promise<string[]> {
    const found = await rows<{ timezone: string }>(
      tx,
      `SELECT DISTINCT timezone FROM contacts WHERE tenant_id = $1 AND timezone IS NOT NULL AND deleted_at IS NULL`,
      [tenantId],
    );
    return found.map(({ timezone }) => timezone);
  }

  /**
   * Locks up to `limit` due enrolments for this transaction, the longest due first, passing over those another worker holds. Never waits.
   * With `ids` only among those (to take a failing batch apart).
   */
  async claimDue(tx: Tx, tenantId: string, campaignId: string, now: Date, limit: number, ids: string[] | null): Promise<DueEnrollment[]> {
    return preparedRows<DueEnrollment>(
      tx,
      ids ? 'claim-due-of' : 'claim-due',
      `SELECT cc.id, cc.contact_id AS "contactId", cc.status, cc.current_step_id AS "stepId", cc.entry_number AS "entryNumber",
              cc.steps_completed AS "stepsCompleted", cc.next_email_scheduled_at AS "dueAt", cc.step_entered_at AS "stepEnteredAt", c.timezone
       FROM campaign_contacts cc JOIN contacts c ON c.tenant_id = cc.tenant_id AND c.id = cc.contact_id
       WHERE cc.tenant_id = $1 AND cc.campaign_id = $2 AND cc.status IN ('enrolled', 'active') AND cc.next_email_scheduled_at <= $3
         ${ids ? 'AND cc.id = ANY($5::uuid[])' : ''}
       ORDER BY cc.next_email_scheduled_at, cc.id LIMIT $4
       FOR NO KEY UPDATE OF cc SKIP LOCKED`,
      ids ? [tenantId, campaignId, now, limit, ids] : [tenantId, campaignId, now, limit],
    );
  }

  /** Writes where the advance left each claimed row. Call in the transaction that holds the claim. */
  async applyMoves(tx: Tx, tenantId: string, now: Date, moves: EnrollmentMove[]): Promise<number> {
    if (moves.length === 0) return 0;
    const updated = await preparedRows<{ n: number }>(
      tx,
      'apply-moves',
      `WITH moved AS (
         UPDATE campaign_contacts cc
         SET status = m.status, current_step_id = m.step_id, steps_completed = m.steps_completed, attempts = 0, last_error = NULL,
             next_email_scheduled_at = m.due_at, step_entered_at = m.entered_at, started_at = coalesce(cc.started_at, $2),
             completed_at = CASE WHEN m.status = 'completed' THEN $2::timestamptz END,
             exited_at = CASE WHEN m.status = 'exited' THEN $2::timestamptz END, exit_reason = m.exit_reason,
             trace = right(cc.trace || m.trace, ${MOST_TRACE_CHARACTERS})
         FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::int[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[])
           AS m (id, status, step_id, steps_completed, due_at, entered_at, exit_reason, trace)
         WHERE cc.tenant_id = $1 AND cc.id = m.id
         RETURNING 1
       ) SELECT count(*)::int AS n FROM moved`,
      [
        tenantId,
        now,
        moves.map((m) => m.id),
        moves.map((m) => m.status),
        moves.map((m) => m.stepId),
        moves.map((m) => m.stepsCompleted),
        moves.map((m) => m.dueAt),
        moves.map((m) => m.stepEnteredAt),
        moves.map((m) => m.exitReason),
        moves.map((m) => traceOf(now, m.trace ?? '')),
      ],
    );
    return updated[0].n;
  }

  /**
   * Moves contacts off the email step they are parked on. Conditional on the step and the entry, so a result reported twice, or late, changes
   * nothing. A contact held on purpose (`paused`) moves on too and stays held. One that was moved to another version of the step while its message was
   * under way goes on from there: the rows are locked before it is seen which step they are on, in the order in which `exit` and `letGo` lock them.
   */
  async leaveEmailStep(tx: Tx, tenantId: string, results: EmailStepResult[]): Promise<number> {
    const updated = await preparedRows<{ n: number }>(
      tx,
      'leave-email-step',
      `WITH result AS (
         SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::timestamptz[], $7::text[], $8::text[])
           AS r (enrollment_id, step_id, entry_number, outcome, at, exit_reason, error)
       ), held AS MATERIALIZED (
         SELECT cc.id, cc.current_step_id, r.step_id, r.outcome, r.at, r.exit_reason, r.error
           FROM result r JOIN campaign_contacts cc ON cc.tenant_id = $1 AND cc.id = r.enrollment_id AND cc.entry_number = r.entry_number
          WHERE cc.status IN ('active', 'paused') AND cc.next_email_scheduled_at IS NULL
          ORDER BY cc.id FOR NO KEY UPDATE OF cc
       ), step AS MATERIALIZED (
         SELECT s.id, s.lineage_id, CASE WHEN s.is_end THEN NULL ELSE coalesce(s.next_step_id, (
           SELECT n.id FROM campaign_steps n
           WHERE n.tenant_id = s.tenant_id AND n.campaign_id = s.campaign_id AND n.version = s.version AND n.step_order > s.step_order
           ORDER BY n.step_order LIMIT 1)) END AS next_step_id
         FROM campaign_steps s WHERE s.tenant_id = $1 AND s.id IN (SELECT DISTINCT current_step_id FROM held)
       ), r AS (
         SELECT held.*, step.next_step_id,
                CASE WHEN outcome = 'failed' THEN 'failed' WHEN outcome = 'exited' THEN 'exited' WHEN next_step_id IS NULL THEN 'completed' END AS ended
         FROM held JOIN step ON step.id = held.current_step_id
         WHERE held.step_id = held.current_step_id
            OR step.lineage_id = (SELECT m.lineage_id FROM campaign_steps m WHERE m.tenant_id = $1 AND m.id = held.step_id)
       ), moved AS (
         UPDATE campaign_contacts cc
         SET status = coalesce(r.ended, cc.status),
             current_step_id = CASE WHEN r.outcome IN ('sent', 'skipped') THEN r.next_step_id ELSE cc.current_step_id END,
             steps_completed = cc.steps_completed + CASE WHEN r.outcome = 'sent' OR r.outcome = 'skipped' THEN 1 ELSE 0 END,
             next_email_scheduled_at = CASE WHEN r.ended IS NULL THEN r.at END,
             step_entered_at = NULL,
             last_email_sent_at = CASE WHEN r.outcome = 'sent' THEN r.at ELSE cc.last_email_sent_at END,
             completed_at = CASE WHEN r.ended = 'completed' THEN r.at END,
             exited_at = CASE WHEN r.ended = 'exited' THEN r.at END,
             exit_reason = CASE WHEN r.ended = 'exited' THEN r.exit_reason END,
             last_error = CASE WHEN r.ended = 'failed' THEN coalesce(r.error, 'the message failed') END
         FROM r
         WHERE cc.tenant_id = $1 AND cc.id = r.id
         RETURNING 1
       ) SELECT count(*)::int AS n FROM moved`,
      [
        tenantId,
        results.map((r) => r.enrollmentId),
        results.map((r) => r.stepId),
        results.map((r) => r.entryNumber),
        results.map((r) => r.outcome),
        results.map((r) => r.at),
        results.map((r) => r.exitReason ?? null),
        results.map((r) => r.error ?? null),
      ],
    );
    return updated[0].n;
  }

  /**
   * Records that one contact could not be advanced, and tries again later, each time twice as late; after `maxAttempts` the enrolment has
   * failed for good.
   */
  async recordFailure(
    tx: Tx,
    tenantId: string,
    failure: { id: string; error: string; retryAfterMs: number; maxAttempts: number; now: Date },
  ): Promise<number> {
    return affected(
      tx,
      `UPDATE campaign_contacts
       SET attempts = attempts + 1, last_error = $3, started_at = coalesce(started_at, $6),
           status = CASE WHEN attempts + 1 >= $5 THEN 'failed' ELSE 'active' END,
           next_email_scheduled_at = CASE WHEN attempts + 1 < $5 THEN $6::timestamptz + $4 * power(2, attempts) * interval '1 millisecond' END
       WHERE tenant_id = $1 AND id = $2 AND status IN ('enrolled', 'active')`,
      [tenantId, failure.id, failure.error, failure.retryAfterMs, failure.maxAttempts, failure.now],
    );
  }

  /**
   * Makes those due now who have begun this step and wait at it for a later time; up to `limit`. Not those who have yet to begin it (a start of
   * their own), nor those whose message is under way.
   */
  async letGo(tx: Tx, tenantId: string, w: { campaignId: string; stepId: string; now: Date; limit: number }): Promise<number> {
    return affected(
      tx,
      `UPDATE campaign_contacts cc SET next_email_scheduled_at = $4
         FROM (SELECT id FROM campaign_contacts
                WHERE tenant_id = $1 AND campaign_id = $2 AND current_step_id = $3 AND status IN ('active', 'paused')
                  AND step_entered_at IS NOT NULL AND next_email_scheduled_at > $4
                ORDER BY id LIMIT $5 FOR NO KEY UPDATE) held
        WHERE cc.tenant_id = $1 AND cc.id = held.id`,
      [tenantId, w.campaignId, w.stepId, w.now, w.limit],
    );
  }

  /** The earliest due time of a campaign's enrolments, or null when nobody waits for a time. */
  async nextDueAt(tx: Tx, tenantId: string, campaignId: string): Promise<Date | null> {
    const next = await row<{ due: Date }>(
      tx,
      `SELECT next_email_scheduled_at AS due FROM campaign_contacts
       WHERE tenant_id = $1 AND campaign_id = $2 AND status IN ('enrolled', 'active') AND next_email_scheduled_at IS NOT NULL
       ORDER BY next_email_scheduled_at, id LIMIT 1`,
      [tenantId, campaignId],
    );
    return next?.due ?? null;
  }

  /** Moves the due times of everybody in the campaign; how a resume with `shift` gives back the time of the pause. */
  async shiftDueTimes(tx: Tx, tenantId: string, campaignId: string, byMs: number): Promise<number> {
    return affected(
      tx,
      `UPDATE campaign_contacts SET next_email_scheduled_at = next_email_scheduled_at + $3 * interval '1 millisecond',
              step_entered_at = step_entered_at + $3 * interval '1 millisecond'
       WHERE tenant_id = $1 AND campaign_id = $2 AND status IN ('enrolled', 'active', 'paused') AND next_email_scheduled_at IS NOT NULL`,
      [tenantId, campaignId, byMs],
    );
  }

  /** Forgets what was decided about a contact, and why. */
  async forgetTraces(tx: Tx, tenantId: string, contactId: string): Promise<number> {
    return affected(tx, `UPDATE campaign_contacts SET trace = '' WHERE tenant_id = $1 AND contact_id = $2 AND trace <> ''`, [
      tenantId,
      contactId,
    ]);
  }

  /** Ends up to `limit` live enrolments; 0 when none is left. Terminal ones stay as they are, so it may be repeated. */
  async exit(
    tx: Tx,
    tenantId: string,
    sel: { campaignId: string | null; contactIds: string[] | null; enrollmentIds: string[] | null; marketingOnly: boolean; limit: number },
    reason: string,
    at: Date,
  ): Promise<number> {
    return affected(
      tx,
      `UPDATE campaign_contacts cc
       SET status = 'exited', exited_at = $6, exit_reason = $5, next_email_scheduled_at = NULL, step_entered_at = NULL
       FROM (
         SELECT id FROM campaign_contacts
         WHERE tenant_id = $1 AND status IN ('enrolled', 'active', 'paused')
           ${sel.campaignId ? 'AND campaign_id = $2::uuid' : 'AND $2::uuid IS NULL'}
           ${sel.contactIds ? 'AND contact_id = ANY($3::uuid[])' : 'AND $3::uuid[] IS NULL'}
           ${sel.enrollmentIds ? 'AND id = ANY($4::uuid[])' : 'AND $4::uuid[] IS NULL'}
           ${sel.marketingOnly ? MARKETING : ''}
         ORDER BY id LIMIT $7 FOR NO KEY UPDATE
       ) live
       WHERE cc.tenant_id = $1 AND cc.id = live.id`,
      [tenantId, sel.campaignId, sel.contactIds, sel.enrollmentIds, reason, at, sel.limit],
    );
  }
}
