import { Injectable } from '@nestjs/common';
import { rows, type Tx } from '../../database/index.js';

/** A row that was decided without its worker, and the contact that waits for it. */
export interface DecidedEmail {
  tenantId: string;
  id: string;
  enrollmentId: string;
  stepId: string;
  entryNumber: number;
  status: 'unknown' | 'failed' | 'queued';
  reason: string | null;
  /** Set once nothing waits for the row any more. */
  settledAt: Date | null;
}

const DECIDED = `e.tenant_id AS "tenantId", e.id, e.enrollment_id AS "enrollmentId", e.step_id AS "stepId", e.entry_number AS "entryNumber", e.status, e.reason, e.settled_at AS "settledAt"`;

/** Rows that their worker will not finish: it died, or nobody can know what became of its call. System scope. */
@Injectable()
export class RecoveryQueries {
  /**
   * Rows still `sending` when their lease has run out become `unknown`: their worker died between firing and finishing. One to which that
   * happens a second time running is taken for what kills workers, and fails. The token stays, so that a worker that was only slow can still report success.
   */
  async expireSending(tx: Tx, now: Date, limit: number): Promise<DecidedEmail[]> {
    return rows(
      tx,
      `WITH lost AS MATERIALIZED (
         SELECT tenant_id, id FROM emails WHERE status = 'sending' AND lease_expires_at < clock_timestamp()
          ORDER BY tenant_id, id LIMIT $2 FOR UPDATE SKIP LOCKED)
       UPDATE emails e SET
         status = CASE WHEN e.reason = 'lease_expired' THEN 'failed' ELSE 'unknown' END,
         reason = CASE WHEN e.reason = 'lease_expired' THEN 'poison' ELSE 'lease_expired' END,
         detail = CASE WHEN e.reason = 'lease_expired' THEN 'The worker ended twice while sending this message.'
                  ELSE 'The worker ended while sending; the message may or may not have been handed over.' END,
         settled_at = CASE WHEN e.reason = 'lease_expired' THEN $1::timestamptz END, lease_expires_at = NULL
         FROM lost WHERE e.tenant_id = lost.tenant_id AND e.id = lost.id
       RETURNING ${DECIDED}`,
      [now, limit],
    );
  }

  /**
   * What the campaign's policy says about rows that stayed `unknown` for the grace period: `hold` settles them as they are, `resend` puts them
   * back into the queue, at most `maxAttempts` times.
   */
  async settleUnknown(tx: Tx, now: Date, firedBefore: Date, maxAttempts: number, limit: number): Promise<DecidedEmail[]> {
    return rows(
      tx,
      `WITH doubtful AS MATERIALIZED (
         SELECT u.tenant_id, u.id, CASE WHEN c.unknown_policy = 'hold' THEN 'unknown' WHEN u.attempts >= $3 THEN 'failed' ELSE 'queued' END AS status
           FROM emails u JOIN campaigns c ON c.tenant_id = u.tenant_id AND c.id = u.campaign_id
          WHERE u.status = 'unknown' AND u.settled_at IS NULL AND u.sending_at <= $2
          ORDER BY u.tenant_id, u.id LIMIT $4 FOR UPDATE OF u SKIP LOCKED)
       UPDATE emails e SET status = d.status, settled_at = CASE WHEN d.status <> 'queued' THEN $1::timestamptz END,
         due_at = CASE WHEN d.status = 'queued' THEN $1 ELSE e.due_at END, lease_expires_at = NULL,
         reason = CASE WHEN d.status = 'failed' THEN 'retries_exhausted' ELSE e.reason END
         FROM doubtful d WHERE e.tenant_id = d.tenant_id AND e.id = d.id
       RETURNING ${DECIDED}`,
      [now, firedBefore, maxAttempts, limit],
    );
  }
}
