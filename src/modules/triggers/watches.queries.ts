import { Injectable } from '@nestjs/common';
import { affected, preparedRows, row, type Tx } from '../../database/index.js';
import type { Piece } from '../enrollment/index.js';
import type { SqlFragment } from '../segments/index.js';

export type WatchKind = 'entry' | 'inside';

export interface WatchRef {
  tenantId: string;
  campaignId: string;
  kind: WatchKind;
  /** The campaign has ended: what the watch has kept is to be cleared away. */
  isOver: boolean;
}

export interface WatchState {
  cursor: string | null;
  rounds: number;
  workedMs: number;
}

/** Parameters of `lookForNewcomers` that stand before those of the predicate. */
export const ENTRY_WATCH_PARAMS = 5;

/** Rounds through audiences, a bounded piece at a time. Predicates come compiled over `contacts c`. */
@Injectable()
export class WatchesQueries {
  /** Watches that are due, or whose campaign has ended, of all tenants (system scope). The order is drawn anew, so that none starves. */
  listDue(tx: Tx, now: Date, limit: number): Promise<WatchRef[]> {
    return preparedRows<WatchRef>(
      tx,
      'watches-due',
      `SELECT w.tenant_id AS "tenantId", w.campaign_id AS "campaignId", w.kind, c.status IN ('completed', 'cancelled') AS "isOver"
         FROM campaign_watches w JOIN campaigns c ON c.tenant_id = w.tenant_id AND c.id = w.campaign_id
        WHERE (w.next_at <= $1 AND c.status IN ('active', 'paused') AND c.launch_state = 'enrolled') OR c.status IN ('completed', 'cancelled')
        ORDER BY random() LIMIT $2`,
      [now, limit],
    );
  }

  async start(tx: Tx, tenantId: string, campaignId: string, kinds: WatchKind[], now: Date): Promise<void> {
    await affected(
      tx,
      `INSERT INTO campaign_watches (tenant_id, campaign_id, kind, next_at) SELECT $1, $2, k, $4 FROM unnest($3::text[]) AS k
       ON CONFLICT (tenant_id, campaign_id, kind) DO UPDATE SET cursor = NULL, rounds = 0, worked_ms = 0, next_at = excluded.next_at`,
      [tenantId, campaignId, kinds, now],
    );
  }

  /** Those that are not there yet; the others go on with their rounds. */
  async add(tx: Tx, tenantId: string, campaignId: string, kinds: WatchKind[], now: Date): Promise<void> {
    await affected(
      tx,
      `INSERT INTO campaign_watches (tenant_id, campaign_id, kind, next_at) SELECT $1, $2, k, $4 FROM unnest($3::text[]) AS k ON CONFLICT DO NOTHING`,
      [tenantId, campaignId, kinds, now],
    );
  }

  /** Null if another worker is at it, or it is not due any more. Held until the transaction ends. */
  lock(tx: Tx, { tenantId, campaignId, kind }: WatchRef, now: Date): Promise<WatchState | null> {
    return row<WatchState>(
      tx,
      `SELECT cursor, rounds, worked_ms AS "workedMs" FROM campaign_watches
        WHERE tenant_id = $1 AND campaign_id = $2 AND kind = $3 AND next_at <= $4 FOR UPDATE SKIP LOCKED`,
      [tenantId, campaignId, kind, now],
    );
  }

  async move(tx: Tx, { tenantId, campaignId, kind }: WatchRef, to: WatchState & { nextAt: Date }): Promise<void> {
    await affected(
      tx,
      `UPDATE campaign_watches SET cursor = $4, rounds = $5, worked_ms = $6, next_at = $7 WHERE tenant_id = $1 AND campaign_id = $2 AND kind = $3`,
      [tenantId, campaignId, kind, to.cursor, to.rounds, to.workedMs, to.nextAt],
    );
  }

  /**
   * Looks at the next `limit` contacts of the tenant: who is in the segment and was not is remembered and returned, who was and is not is forgotten.
   * `enter` are those of the newcomers who may count as such: all, or with `onlyYounger` contacts created after the launch, by the database's clock.
   */
  async lookForNewcomers(
    tx: Tx,
    tenantId: string,
    w: Piece & { limit: number; onlyYounger: boolean },
    segment: SqlFragment,
  ): Promise<{ enter: string[]; seen: number; cursor: string | null }> {
    const found = await row<{ enter: string[]; seen: number; cursor: string | null }>(
      tx,
      `WITH piece AS MATERIALIZED (
         SELECT c.id FROM contacts c WHERE c.tenant_id = $1 AND ($3::uuid IS NULL OR c.id > $3) ORDER BY c.id LIMIT $4
       ), inside AS MATERIALIZED (
         SELECT c.id, c.created_at FROM piece JOIN contacts c ON c.tenant_id = $1 AND c.id = piece.id WHERE c.deleted_at IS NULL AND (${segment.sql})
       ), known AS MATERIALIZED (
         SELECT m.contact_id FROM campaign_watch_members m
          WHERE m.tenant_id = $1 AND m.campaign_id = $2 AND ($3::uuid IS NULL OR m.contact_id > $3)
            AND m.contact_id <= (SELECT id FROM piece ORDER BY id DESC LIMIT 1)
       ), come AS (
         INSERT INTO campaign_watch_members (tenant_id, campaign_id, contact_id)
         SELECT $1, $2, i.id FROM inside i WHERE NOT EXISTS (SELECT FROM known k WHERE k.contact_id = i.id) ORDER BY i.id
         ON CONFLICT DO NOTHING RETURNING contact_id
       ), gone AS (
         DELETE FROM campaign_watch_members m USING known k
          WHERE m.tenant_id = $1 AND m.campaign_id = $2 AND m.contact_id = k.contact_id AND NOT EXISTS (SELECT FROM inside i WHERE i.id = k.contact_id)
       )
       SELECT coalesce((SELECT array_agg(i.id) FROM come JOIN inside i ON i.id = come.contact_id
                         WHERE NOT $5::boolean OR i.created_at > (SELECT coalesce(audience_at, launched_at) FROM campaigns WHERE tenant_id = $1 AND id = $2)), '{}') AS enter,
              (SELECT count(*)::int FROM piece) AS seen, (SELECT id FROM piece ORDER BY id DESC LIMIT 1) AS cursor`,
      [tenantId, w.campaignId, w.after, w.limit, w.onlyYounger, ...segment.params],
    );
    return found!;
  }

  /** Clears away what a watch has kept, up to `limit` rows; true once nothing is left of it. */
  async clear(tx: Tx, { tenantId, campaignId, kind }: WatchRef, limit: number): Promise<boolean> {
    const removed =
      kind === 'inside'
        ? 0
        : await affected(
            tx,
            `DELETE FROM campaign_watch_members m USING (
               SELECT contact_id FROM campaign_watch_members WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY contact_id LIMIT $3
             ) piece WHERE m.tenant_id = $1 AND m.campaign_id = $2 AND m.contact_id = piece.contact_id`,
            [tenantId, campaignId, limit],
          );
    if (removed === limit) return false;
    await affected(tx, `DELETE FROM campaign_watches WHERE tenant_id = $1 AND campaign_id = $2 AND kind = $3`, [
      tenantId,
      campaignId,
      kind,
    ]);
    return true;
  }
}
