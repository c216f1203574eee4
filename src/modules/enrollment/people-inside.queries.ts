import { Injectable } from '@nestjs/common';
import { affected, row, type Tx } from '../../database/index.js';
import type { SqlFragment } from '../segments/index.js';

/** Parameters of `apply` that stand before those of the predicate. */
export const INSIDE_PARAMS = 6;

/** A piece of a campaign's people (or of a tenant's contacts) in the order of contacts. */
export interface Piece {
  campaignId: string;
  /** Contacts after this id; null begins at the first. */
  after: string | null;
}

/** What a predicate decides about somebody inside: that their way ends, or that they are due at the step they wait at. */
export type InsideEffect = { exit: 'goal' | 'left_segment' } | { wakeAtStep: string };

/** What may happen to people inside a campaign from outside their flow, in sets. Terminal enrolments stay as they are. */
@Injectable()
export class PeopleInside {
  /** Ends the way of those who were inside when it happened. */
  async reachGoal(tx: Tx, tenantId: string, campaignId: string, people: { contactId: string; at: Date }[], now: Date): Promise<number> {
    return affected(
      tx,
      `UPDATE campaign_contacts cc
          SET status = 'exited', exited_at = $5, exit_reason = 'goal', next_email_scheduled_at = NULL, step_entered_at = NULL
         FROM unnest($3::uuid[], $4::timestamptz[]) AS p (contact_id, at)
        WHERE cc.tenant_id = $1 AND cc.campaign_id = $2 AND cc.contact_id = p.contact_id AND cc.status IN ('enrolled', 'active', 'paused')
          AND cc.enrolled_at <= p.at`,
      [tenantId, campaignId, people.map(({ contactId }) => contactId), people.map(({ at }) => at), now],
    );
  }

  /**
   * Makes people due who wait at this step. Their rows are locked before it is seen which step they are on: somebody who is just arriving is waited
   * for, so that nobody is overlooked between looking and waiting.
   */
  async wakeContacts(
    tx: Tx,
    tenantId: string,
    w: { campaignId: string; stepId: string; contactIds: string[] },
    now: Date,
  ): Promise<number> {
    return affected(
      tx,
      `WITH held AS MATERIALIZED (
         SELECT cc.id, cc.current_step_id, cc.next_email_scheduled_at FROM campaign_contacts cc
          WHERE cc.tenant_id = $1 AND cc.campaign_id = $2 AND cc.contact_id = ANY ($4::uuid[]) AND cc.status IN ('enrolled', 'active', 'paused')
          ORDER BY cc.id FOR NO KEY UPDATE
       )
       UPDATE campaign_contacts cc SET next_email_scheduled_at = $5
         FROM held WHERE cc.tenant_id = $1 AND cc.id = held.id AND held.current_step_id = $3 AND held.next_email_scheduled_at > $5`,
      [tenantId, w.campaignId, w.stepId, w.contactIds, now],
    );
  }

  /** The same for enrolments that wait at any of these steps. */
  async wakeEnrollments(tx: Tx, tenantId: string, enrollmentIds: string[], stepIds: string[], now: Date): Promise<number> {
    return affected(
      tx,
      `WITH held AS MATERIALIZED (
         SELECT cc.id, cc.current_step_id, cc.next_email_scheduled_at FROM campaign_contacts cc
          WHERE cc.tenant_id = $1 AND cc.id = ANY ($2::uuid[]) AND cc.status IN ('enrolled', 'active', 'paused')
          ORDER BY cc.id FOR NO KEY UPDATE
       )
       UPDATE campaign_contacts cc SET next_email_scheduled_at = $4
         FROM held WHERE cc.tenant_id = $1 AND cc.id = held.id AND held.current_step_id = ANY ($3::uuid[]) AND held.next_email_scheduled_at > $4`,
      [tenantId, enrollmentIds, stepIds, now],
    );
  }

  /** Where the next `limit` people of the campaign end, in the order of their contacts. */
  async nextPiece(tx: Tx, tenantId: string, w: Piece & { limit: number }): Promise<{ seen: number; cursor: string | null }> {
    const found = await row<{ seen: number; cursor: string | null }>(
      tx,
      `WITH piece AS MATERIALIZED (
         SELECT contact_id FROM campaign_contacts
          WHERE tenant_id = $1 AND campaign_id = $2 AND ($3::uuid IS NULL OR contact_id > $3) ORDER BY contact_id LIMIT $4
       ) SELECT (SELECT count(*)::int FROM piece) AS seen, (SELECT contact_id FROM piece ORDER BY contact_id DESC LIMIT 1) AS cursor`,
      [tenantId, w.campaignId, w.after, w.limit],
    );
    return found!;
  }

  /** Does this to the live people of the piece for whom the predicate holds; those a worker is just moving are passed over until the next round. */
  async apply(
    tx: Tx,
    tenantId: string,
    w: Piece & { until: string },
    effect: InsideEffect,
    now: Date,
    predicate: SqlFragment,
  ): Promise<number> {
    const isExit = 'exit' in effect;
    return affected(
      tx,
      `UPDATE campaign_contacts cc
          SET ${
            isExit
              ? `status = 'exited', exited_at = $5, exit_reason = $6::text, next_email_scheduled_at = NULL, step_entered_at = NULL`
              : 'next_email_scheduled_at = $5'
          }
         FROM (
           SELECT cc.id FROM campaign_contacts cc JOIN contacts c ON c.tenant_id = $1 AND c.id = cc.contact_id
            WHERE cc.tenant_id = $1 AND cc.campaign_id = $2 AND ($3::uuid IS NULL OR cc.contact_id > $3) AND cc.contact_id <= $4
              AND cc.status IN ('enrolled', 'active', 'paused')
              AND ${isExit ? '$6::text IS NOT NULL' : 'cc.current_step_id = $6::uuid AND cc.next_email_scheduled_at > $5 AND cc.step_entered_at IS NOT NULL'}
              AND (${predicate.sql})
            ORDER BY cc.id FOR NO KEY UPDATE OF cc SKIP LOCKED
         ) live
        WHERE cc.tenant_id = $1 AND cc.id = live.id`,
      [tenantId, w.campaignId, w.after, w.until, now, isExit ? effect.exit : effect.wakeAtStep, ...predicate.params],
    );
  }
}
