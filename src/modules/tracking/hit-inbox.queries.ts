import { Injectable } from '@nestjs/common';
import { Database, rows, type Tx } from '../../database/index.js';

export interface TakenBatch {
  hits: string;
}

/** The only writer of `hit_batches`; system scope, because hits of all tenants are committed together. */
@Injectable()
export class HitInboxQueries {
  /** A transaction of its own. */
  async insert(db: Database, hitCount: number, hits: string): Promise<void> {
    await db.statement('hit_batches_insert', `INSERT INTO hit_batches (hit_count, hits) VALUES ($1, $2)`, [hitCount, hits]);
  }

  /** Removes the oldest batches, `maxBatches` at most and no more than it takes to have `enoughHits`; those another worker holds are passed over. */
  take(tx: Tx, maxBatches: number, enoughHits: number): Promise<TakenBatch[]> {
    return rows(
      tx,
      `WITH locked AS MATERIALIZED (SELECT id, hit_count FROM hit_batches ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED),
       chosen AS MATERIALIZED (
         SELECT id FROM (SELECT id, sum(hit_count) OVER (ORDER BY id) - hit_count AS earlier FROM locked) l WHERE earlier < $2)
       DELETE FROM hit_batches b USING chosen WHERE b.id = chosen.id RETURNING b.hits`,
      [maxBatches, enoughHits],
    );
  }
}
