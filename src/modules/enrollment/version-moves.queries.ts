import { Injectable } from '@nestjs/common';
import { affected, rows, type Tx } from '../../database/index.js';
import { mark, MOST_TRACE_CHARACTERS, traceOf } from '../../shared/trace.js';

/**
 * What becomes of a contact's due time when it moves to a step of another version. `keep`: nothing · `hasten`: whoever waits at the step is looked at
 * at once · `place`: the contact comes to the step anew, now; one that had not begun its step before comes when that was due.
 */
export type MoveKind = 'keep' | 'hasten' | 'place';

export interface StepMove {
  from: string;
  to: string;
  kind: MoveKind;
}

/** How many contacts are at a step, and how many of them came there and wait. */
export interface Standing {
  stepId: string;
  contacts: number;
}

export interface WaitingContact {
  id: string;
  contactId: string;
  /** When its wait began. */
  since: Date;
  dueAt: Date;
  /** The contact's own zone, where it has one. */
  timezone: string | null;
  /** Of the attribute that was asked for. */
  value: unknown;
}

const INSIDE = `status IN ('enrolled', 'active', 'paused')`;

/** How the people inside a campaign get from the steps of one version to those of another, in sets. Terminal enrolments stay where they ended. */
@Injectable()
export class VersionMoves {
  /** Where everybody inside is. */
  standing(tx: Tx, tenantId: string, campaignId: string): Promise<Standing[]> {
    return rows<Standing>(
      tx,
      `SELECT current_step_id AS "stepId", count(*)::int AS contacts FROM campaign_contacts
        WHERE tenant_id = $1 AND campaign_id = $2 AND ${INSIDE} AND current_step_id IS NOT NULL GROUP BY current_step_id`,
      [tenantId, campaignId],
    );
  }

  /**
   * Locks everybody inside until the transaction ends, in the order of ids. A statement of its own, before those that look at the step: somebody who is
   * just leaving an email is waited for, and the next statement sees where they went.
   */
  async lock(tx: Tx, tenantId: string, campaignId: string): Promise<void> {
    await rows(
      tx,
      `SELECT count(*) FROM (
         SELECT FROM campaign_contacts WHERE tenant_id = $1 AND campaign_id = $2 AND ${INSIDE} ORDER BY id FOR NO KEY UPDATE) locked`,
      [tenantId, campaignId],
    );
  }

  /** Contacts whose wait at the step has begun and goes on, in the order of contacts after `after`. */
  waitingAt(
    tx: Tx,
    tenantId: string,
    w: { campaignId: string; stepId: string; attribute: string | null; after: string | null; limit: number },
  ): Promise<WaitingContact[]> {
    return rows<WaitingContact>(
      tx,
      `SELECT cc.id, cc.contact_id AS "contactId", cc.step_entered_at AS since, cc.next_email_scheduled_at AS "dueAt", c.timezone,
              CASE WHEN $6::text = 'createdAt' THEN to_jsonb(c.created_at) ELSE c.attributes -> $6::text END AS value
         FROM campaign_contacts cc JOIN contacts c ON c.tenant_id = $1 AND c.id = cc.contact_id
        WHERE cc.tenant_id = $1 AND cc.campaign_id = $2 AND cc.current_step_id = $3 AND cc.${INSIDE}
          AND cc.step_entered_at IS NOT NULL AND cc.next_email_scheduled_at IS NOT NULL AND ($4::uuid IS NULL OR cc.contact_id > $4)
        ORDER BY cc.contact_id LIMIT $5`,
      [tenantId, w.campaignId, w.stepId, w.after, w.limit, w.attribute],
    );
  }

  /** Moves these contacts to the step, each with a due time of its own; their wait stays begun. Call with `lock`. */
  async moveWaiting(tx: Tx, tenantId: string, to: string, due: readonly { id: string; dueAt: Date }[], now: Date): Promise<number> {
    if (due.length === 0) return 0;
    return affected(
      tx,
      `UPDATE campaign_contacts cc
          SET current_step_id = $2, next_email_scheduled_at = d.due_at, trace = right(cc.trace || $5, ${MOST_TRACE_CHARACTERS})
         FROM unnest($3::uuid[], $4::timestamptz[]) AS d (id, due_at) WHERE cc.tenant_id = $1 AND cc.id = d.id`,
      [tenantId, to, due.map(({ id }) => id), due.map(({ dueAt }) => dueAt), traceOf(now, mark.moved(to, true))],
    );
  }

  /** Moves everybody inside by these pairs of steps; returns how many. Call with `lock`. */
  async move(tx: Tx, tenantId: string, campaignId: string, moves: readonly StepMove[], now: Date): Promise<number> {
    if (moves.length === 0) return 0;
    return affected(
      tx,
      `UPDATE campaign_contacts cc
          SET current_step_id = m.to_id,
              next_email_scheduled_at = CASE m.kind
                WHEN 'keep' THEN cc.next_email_scheduled_at
                WHEN 'hasten' THEN CASE WHEN cc.step_entered_at IS NOT NULL AND cc.next_email_scheduled_at > $3
                  THEN $3::timestamptz ELSE cc.next_email_scheduled_at END
                ELSE CASE WHEN cc.step_entered_at IS NULL AND cc.next_email_scheduled_at > $3 THEN cc.next_email_scheduled_at ELSE $3::timestamptz END END,
              step_entered_at = CASE WHEN m.kind <> 'place' THEN cc.step_entered_at END,
              attempts = CASE WHEN m.kind <> 'place' THEN cc.attempts ELSE 0 END,
              trace = right(cc.trace || m.trace, ${MOST_TRACE_CHARACTERS})
         FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[]) AS m (from_id, to_id, kind, trace)
        WHERE cc.tenant_id = $1 AND cc.campaign_id = $2 AND cc.current_step_id = m.from_id AND cc.${INSIDE}`,
      [
        tenantId,
        campaignId,
        now,
        moves.map(({ from }) => from),
        moves.map(({ to }) => to),
        moves.map(({ kind }) => kind),
        moves.map(({ to, kind }) => traceOf(now, mark.moved(to, kind !== 'place'))),
      ],
    );
  }

  /** Ends the way of everybody at these steps, because the steps are no more; returns how many. Call with `lock`. */
  async exitFrom(tx: Tx, tenantId: string, campaignId: string, stepIds: readonly string[], now: Date): Promise<number> {
    if (stepIds.length === 0) return 0;
    return affected(
      tx,
      `UPDATE campaign_contacts SET status = 'exited', exited_at = $4, exit_reason = 'step_removed', next_email_scheduled_at = NULL, step_entered_at = NULL
        WHERE tenant_id = $1 AND campaign_id = $2 AND current_step_id = ANY ($3::uuid[]) AND ${INSIDE}`,
      [tenantId, campaignId, stepIds, now],
    );
  }
}
