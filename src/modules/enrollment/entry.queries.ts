import { Injectable } from '@nestjs/common';
import { row, rows, type Tx } from '../../database/index.js';
import { MOST_TRACE_CHARACTERS } from '../../shared/trace.js';
import type { SqlFragment } from '../segments/index.js';

export interface EntryRequest {
  campaignId: string;
  firstStepId: string;
  /** Whom, and when that happened which lets them in; one entry per contact. */
  entrants: { contactId: string; at: Date; depth?: number }[];
  now: Date;
  /** Due time where the contact's zone has none of its own in `dueByZone`. */
  dueAt: Date;
  dueByZone: Map<string, Date>;
  /** Transactional mail goes to people who unsubscribed from marketing as well. */
  includeUnsubscribed: boolean;
  /** How long after an entry the next is possible; null: never. */
  cooldownMs: number | null;
  /** What let them in, as a trace begins with it. */
  trace: string;
}

/** Parameters that stand before those of the audience's predicate. */
export const ENTRY_PARAMS = 12;

/** One who entered: `isNew` for the first time, else again. */
export interface Entered {
  contactId: string;
  isNew: boolean;
}

/** Ends of an enrolment after which nobody comes back by themselves. */
const FOR_GOOD = `('removed', 'contact_deleted')`;

/** How single contacts enter a running campaign, in sets. */
@Injectable()
export class EntryQueries {
  /**
   * Enrols those who may be mailed and match the predicate over `contacts c`. Somebody who is inside is passed over; somebody who is through
   * begins again with the next entry number, if that which lets them in happened after their way had ended and the cooldown is over. The decision about an enrolment that exists is made on its locked row,
   * so of any number of concurrent callers one starts it again.
   */
  async enter(tx: Tx, tenantId: string, e: EntryRequest, audience: SqlFragment): Promise<Entered[]> {
    return rows<Entered>(
      tx,
      `WITH entrant AS MATERIALIZED (
         SELECT c.id, c.timezone, p.at, p.depth
           FROM unnest($4::uuid[], $5::timestamptz[], $11::smallint[]) AS p (contact_id, at, depth)
           JOIN contacts c ON c.tenant_id = $1 AND c.id = p.contact_id
          WHERE c.deleted_at IS NULL AND (c.subscribed OR $9::boolean)
            AND NOT EXISTS (SELECT FROM suppressions s WHERE s.tenant_id = c.tenant_id AND s.email_norm = c.email_norm
              AND NOT ($9::boolean AND s.reason = 'unsubscribed'))
            AND NOT EXISTS (SELECT FROM campaign_contacts cc
              WHERE cc.tenant_id = $1 AND cc.campaign_id = $2 AND cc.contact_id = c.id
                AND ($10::bigint IS NULL OR cc.status IN ('enrolled', 'active', 'paused')))
            AND (${audience.sql})
       )
       INSERT INTO campaign_contacts AS cc (tenant_id, campaign_id, contact_id, status, current_step_id, enrolled_at, next_email_scheduled_at, entry_depth, trace)
       SELECT $1, $2, e.id, 'enrolled', $3, least(e.at, $6::timestamptz), coalesce(zone.due, $7::timestamptz), e.depth, $12
         FROM entrant e LEFT JOIN (SELECT key, value::timestamptz AS due FROM json_each_text($8::json)) zone ON zone.key = e.timezone
        ORDER BY e.id
       ON CONFLICT (tenant_id, campaign_id, contact_id) DO UPDATE
          SET status = 'enrolled', current_step_id = excluded.current_step_id, entry_number = cc.entry_number + 1, steps_completed = 0, attempts = 0,
              enrolled_at = excluded.enrolled_at, next_email_scheduled_at = excluded.next_email_scheduled_at, entry_depth = excluded.entry_depth,
              started_at = NULL, completed_at = NULL, exited_at = NULL, exit_reason = NULL, last_error = NULL, step_entered_at = NULL,
              trace = right(cc.trace || '#' || (cc.entry_number + 1) || ';' || excluded.trace, ${MOST_TRACE_CHARACTERS})
        WHERE cc.status IN ('completed', 'exited', 'failed') AND coalesce(cc.exit_reason, '') NOT IN ${FOR_GOOD}
          AND cc.enrolled_at + $10::bigint * interval '1 millisecond' <= excluded.enrolled_at
          AND coalesce(cc.completed_at, cc.exited_at, cc.enrolled_at) <= excluded.enrolled_at
       RETURNING cc.contact_id AS "contactId", cc.entry_number = 1 AS "isNew"`,
      [
        tenantId,
        e.campaignId,
        e.firstStepId,
        e.entrants.map(({ contactId }) => contactId),
        e.entrants.map(({ at }) => at),
        e.now,
        e.dueAt,
        JSON.stringify(Object.fromEntries([...e.dueByZone].map(([zone, due]) => [zone, due.toISOString()]))),
        e.includeUnsubscribed,
        e.cooldownMs,
        e.entrants.map(({ depth }) => depth ?? 0),
        e.trace,
        ...audience.params,
      ],
    );
  }

  /** Waits for whoever pauses, cancels or completes the campaign, and keeps it as it is until the transaction ends. */
  async shareCampaign(tx: Tx, namespace: number, campaignId: string): Promise<void> {
    await row(tx, `SELECT pg_advisory_xact_lock_shared($1, hashtext($2))`, [namespace, campaignId]);
  }
}
