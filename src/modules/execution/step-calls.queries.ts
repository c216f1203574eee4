import { Injectable } from '@nestjs/common';
import { affected, preparedRows, prepared, row, rows, type Tx } from '../../database/index.js';
import type { CallStatus } from './entities/index.js';

/** A contact that got to an action "webhook". */
export interface Reached {
  enrollmentId: string;
  entryNumber: number;
}

/** A call as the API shows it. */
export interface CallRow {
  id: string;
  enrollmentId: string;
  contactId: string;
  entryNumber: number;
  occurredAt: Date;
  status: CallStatus;
  attempts: number;
  dueAt: Date;
  lastAttemptAt: Date | null;
  statusCode: number | null;
  durationMs: number | null;
  error: string | null;
}

/** A call in the hands of this process, with what its request needs. `attempts` counts the one to be made. */
export interface ClaimedCall {
  tenantId: string;
  id: string;
  token: string;
  attempts: number;
  occurredAt: Date;
  campaignId: string;
  campaignName: string;
  stepId: string;
  stepName: string | null;
  /** The step's; of type "webhook". */
  action: { url: string; sealedSecret?: string };
  enrollmentId: string;
  entryNumber: number;
  /** Null once the contact has been erased. */
  contact: {
    id: string;
    email: string;
    firstName: string | null;
    lastName: string | null;
    timezone: string | null;
    leadScore: number;
    attributes: Record<string, unknown>;
  } | null;
}

export interface CallClaim {
  now: Date;
  token: string;
  leaseSeconds: number;
  limit: number;
  /** Requests at a time to a step's receiver that works; to one that fails it is one. */
  perStep: number;
  /** Receivers that fail which may be tried now. */
  failingLimit: number;
  /** Steps whose last call has failed. */
  failing: readonly string[];
  /** Steps this process is busy with, and by how many requests. */
  busy: ReadonlyMap<string, number>;
}

/** What an attempt leads to. */
export interface CallResult {
  tenantId: string;
  campaignId: string;
  stepId: string;
  id: string;
  token: string;
  status: CallStatus;
  at: Date;
  dueAt: Date;
  statusCode: number | null;
  durationMs: number;
  error: string | null;
}

const FREE = `m.status = 'pending' AND m.due_at <= $1 AND (m.lease_expires_at IS NULL OR m.lease_expires_at < clock_timestamp())`;

/** The only writer of `step_calls`. */
@Injectable()
export class StepCallsQueries {
  /** One statement for the whole group; idempotent by (enrolment, step, entry), in whatever version the step was passed. */
  async record(tx: Tx, tenantId: string, c: { campaignId: string; stepId: string; reached: Reached[]; now: Date }): Promise<number> {
    const { affected: recorded } = await prepared(
      tx,
      'step-calls-record',
      `INSERT INTO step_calls (tenant_id, campaign_id, step_id, enrollment_id, entry_number, occurred_at, due_at)
       SELECT $1, $2, $3, v.enrollment_id, v.entry_number, $4, $4 FROM unnest($5::uuid[], $6::int[]) AS v (enrollment_id, entry_number)
        WHERE NOT EXISTS (SELECT FROM step_calls former WHERE former.tenant_id = $1 AND former.enrollment_id = v.enrollment_id
          AND former.entry_number = v.entry_number AND former.step_id = ANY (ARRAY(
            SELECT line.id FROM campaign_steps step JOIN campaign_steps line ON line.tenant_id = $1 AND line.lineage_id = step.lineage_id AND line.id <> step.id
             WHERE step.tenant_id = $1 AND step.id = $3)))
       ON CONFLICT (tenant_id, enrollment_id, step_id, entry_number) DO NOTHING`,
      [
        tenantId,
        c.campaignId,
        c.stepId,
        c.now,
        c.reached.map(({ enrollmentId }) => enrollmentId),
        c.reached.map(({ entryNumber }) => entryNumber),
      ],
    );
    return recorded;
  }

  /** System scope. One look into the index: planning {@link claim} alone takes milliseconds, and most of the time there is nothing to claim. */
  async anyPending(tx: Tx): Promise<boolean> {
    const [{ found }] = await rows<{ found: boolean }>(tx, `SELECT EXISTS (SELECT FROM step_calls WHERE status = 'pending') AS found`);
    return found;
  }

  /**
   * System scope. Leases due calls of campaigns that are not paused, tenants by turns, of each the step that has waited longest first. Hops through the index
   * from step to step, so that the cost depends on how many have something waiting, not on how much.
   */
  claim(tx: Tx, c: CallClaim): Promise<ClaimedCall[]> {
    return preparedRows(
      tx,
      'step-calls-claim',
      `WITH RECURSIVE waiting AS (
         (SELECT tenant_id, campaign_id, step_id FROM step_calls WHERE status = 'pending' ORDER BY tenant_id, campaign_id, step_id LIMIT 1)
         UNION ALL
         SELECT n.tenant_id, n.campaign_id, n.step_id FROM waiting w CROSS JOIN LATERAL (
           SELECT tenant_id, campaign_id, step_id FROM step_calls
            WHERE status = 'pending' AND (tenant_id, campaign_id, step_id) > (w.tenant_id, w.campaign_id, w.step_id)
            ORDER BY tenant_id, campaign_id, step_id LIMIT 1) n),
       ready AS (
         SELECT w.*, f.due_at, w.step_id = ANY ($9::uuid[]) AS failing,
                CASE WHEN w.step_id = ANY ($9::uuid[]) THEN 1 ELSE $5::int END - coalesce(b.count, 0) AS room
           FROM waiting w JOIN campaigns c ON c.tenant_id = w.tenant_id AND c.id = w.campaign_id AND c.status IN ('active', 'completed')
           LEFT JOIN unnest($7::uuid[], $8::int[]) AS b (id, count) ON b.id = w.step_id
          CROSS JOIN LATERAL (SELECT m.due_at FROM step_calls m
            WHERE m.tenant_id = w.tenant_id AND m.campaign_id = w.campaign_id AND m.step_id = w.step_id AND ${FREE} ORDER BY m.due_at, m.id LIMIT 1) f),
       ranked AS (
         SELECT *, row_number() OVER (PARTITION BY failing ORDER BY due_at, step_id) AS rank,
                row_number() OVER (PARTITION BY tenant_id ORDER BY due_at, step_id) AS turn FROM ready WHERE room > 0),
       due AS MATERIALIZED (
         SELECT l.tenant_id, l.id FROM (SELECT * FROM ranked WHERE NOT failing OR rank <= $6 ORDER BY turn, due_at) r CROSS JOIN LATERAL (
           SELECT m.tenant_id, m.id FROM step_calls m
            WHERE m.tenant_id = r.tenant_id AND m.campaign_id = r.campaign_id AND m.step_id = r.step_id AND ${FREE}
            ORDER BY m.due_at, m.id LIMIT r.room FOR UPDATE SKIP LOCKED) l
          LIMIT $4)
       UPDATE step_calls m SET lease_token = $2, lease_expires_at = clock_timestamp() + make_interval(secs => $3), attempts = m.attempts + 1
         FROM due, campaigns c, campaign_steps s, campaign_contacts cc, contacts k
        WHERE m.tenant_id = due.tenant_id AND m.id = due.id AND c.tenant_id = m.tenant_id AND c.id = m.campaign_id
          AND s.tenant_id = m.tenant_id AND s.id = m.step_id AND cc.tenant_id = m.tenant_id AND cc.id = m.enrollment_id
          AND k.tenant_id = m.tenant_id AND k.id = cc.contact_id
       RETURNING m.tenant_id AS "tenantId", m.id, m.lease_token AS token, m.attempts, m.occurred_at AS "occurredAt", c.id AS "campaignId",
         c.name AS "campaignName", s.id AS "stepId", s.step_name AS "stepName", s.action_config AS action, cc.id AS "enrollmentId",
         m.entry_number AS "entryNumber",
         CASE WHEN k.deleted_at IS NULL THEN json_build_object('id', k.id, 'email', k.email, 'firstName', k.first_name, 'lastName', k.last_name,
           'timezone', k.timezone, 'leadScore', k.lead_score, 'attributes', k.attributes) END AS contact`,
      [c.now, c.token, c.leaseSeconds, c.limit, c.perStep, c.failingLimit, [...c.busy.keys()], [...c.busy.values()], c.failing],
    );
  }

  /** System scope. Writes what came of attempts; a call that was claimed anew meanwhile stays as it is. */
  async finish(tx: Tx, results: readonly CallResult[]): Promise<number> {
    const r = [...results].sort((a, b) => (a.id < b.id ? -1 : 1));
    return affected(
      tx,
      `UPDATE step_calls m SET status = v.status, last_attempt_at = v.at, due_at = v.due_at, status_code = v.status_code,
              duration_ms = v.duration_ms, error = v.error, lease_token = NULL, lease_expires_at = NULL
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[], $8::int[], $9::text[])
           AS v (tenant_id, id, token, status, at, due_at, status_code, duration_ms, error)
        WHERE m.tenant_id = v.tenant_id AND m.id = v.id AND m.lease_token = v.token`,
      [
        r.map((v) => v.tenantId),
        r.map((v) => v.id),
        r.map((v) => v.token),
        r.map((v) => v.status),
        r.map((v) => v.at),
        r.map((v) => v.dueAt),
        r.map((v) => v.statusCode),
        r.map((v) => v.durationMs),
        r.map((v) => v.error),
      ],
    );
  }

  /** System scope. Gives up what a receiver that fails has not taken since `before`, also what was never tried; nobody's lease is touched. */
  async giveUp(tx: Tx, step: { tenantId: string; campaignId: string; stepId: string }, before: Date, error: string): Promise<number> {
    return affected(
      tx,
      `UPDATE step_calls m SET status = 'failed', error = $5
        WHERE m.tenant_id = $1 AND m.campaign_id = $2 AND m.step_id = $3 AND m.status = 'pending' AND m.occurred_at < $4
          AND (m.lease_expires_at IS NULL OR m.lease_expires_at < clock_timestamp())`,
      [step.tenantId, step.campaignId, step.stepId, before, error],
    );
  }

  /** Ends up to `limit` waiting calls of a campaign; those on their way end by themselves. */
  async cancel(tx: Tx, tenantId: string, campaignId: string, reason: string, limit: number): Promise<number> {
    return affected(
      tx,
      `WITH waiting AS MATERIALIZED (
         SELECT m.id FROM step_calls m WHERE m.tenant_id = $1 AND m.campaign_id = $2 AND m.status = 'pending'
            AND (m.lease_expires_at IS NULL OR m.lease_expires_at < clock_timestamp()) ORDER BY m.id LIMIT $4 FOR UPDATE SKIP LOCKED)
       UPDATE step_calls m SET status = 'cancelled', error = $3, lease_token = NULL FROM waiting w WHERE m.tenant_id = $1 AND m.id = w.id`,
      [tenantId, campaignId, reason, limit],
    );
  }

  /** Whether the campaign has such a step, in whatever version, and it is an action "webhook". */
  async isCallingStep(tx: Tx, tenantId: string, campaignId: string, stepId: string): Promise<boolean | null> {
    const found = await row<{ calls: boolean }>(
      tx,
      `SELECT coalesce(action_config ->> 'type' = 'webhook', false) AS calls FROM campaign_steps WHERE tenant_id = $1 AND campaign_id = $2 AND id = $3`,
      [tenantId, campaignId, stepId],
    );
    return found && found.calls;
  }

  list(
    tx: Tx,
    tenantId: string,
    step: { campaignId: string; stepId: string },
    page: { before: string | null; status: CallStatus | null; limit: number },
  ): Promise<CallRow[]> {
    return rows(
      tx,
      `SELECT m.id, m.enrollment_id AS "enrollmentId", cc.contact_id AS "contactId", m.entry_number AS "entryNumber", m.occurred_at AS "occurredAt",
              m.status, m.attempts, m.due_at AS "dueAt", m.last_attempt_at AS "lastAttemptAt", m.status_code AS "statusCode",
              m.duration_ms AS "durationMs", m.error
         FROM step_calls m JOIN campaign_contacts cc ON cc.tenant_id = m.tenant_id AND cc.id = m.enrollment_id
        WHERE m.tenant_id = $1 AND m.campaign_id = $2 AND m.step_id = $3 AND ($4::uuid IS NULL OR m.id < $4) AND ($5::text IS NULL OR m.status = $5)
        ORDER BY m.id DESC LIMIT $6`,
      [tenantId, step.campaignId, step.stepId, page.before, page.status, page.limit],
    );
  }
}
