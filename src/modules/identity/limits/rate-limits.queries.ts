import { Injectable } from '@nestjs/common';
import { affected, type Database, type Tx } from '../../../database/index.js';

export interface Window {
  /** With what was just taken. */
  used: number;
  resetsAt: Date;
}

@Injectable()
export class RateLimitsQueries {
  /**
   * Takes `amount` out of the window of `key`, or opens its next one. One statement and one row: of processes that take at once, each sees what those
   * before it took. A repetition takes again.
   */
  async take(
    db: Database,
    { key, amount, now, windowSeconds }: { key: Buffer; amount: number; now: Date; windowSeconds: number },
  ): Promise<Window> {
    const { records } = await db.statement<Window>(
      'rate_limits_take',
      `INSERT INTO rate_limits AS r (key, used, resets_at) VALUES ($1, $2, $3::timestamptz + make_interval(secs => $4))
       ON CONFLICT (key) DO UPDATE
          SET used = CASE WHEN r.resets_at <= $3 THEN excluded.used ELSE r.used + excluded.used END,
              resets_at = CASE WHEN r.resets_at <= $3 THEN excluded.resets_at ELSE r.resets_at END
       RETURNING used, resets_at AS "resetsAt"`,
      [key, amount, now, windowSeconds],
    );
    return records[0];
  }

  /** Deletes windows that are over, at most `limit` at once. System scope. */
  async deleteExpired(tx: Tx, now: Date, limit: number): Promise<number> {
    return affected(
      tx,
      `DELETE FROM rate_limits WHERE ctid IN (SELECT ctid FROM rate_limits WHERE resets_at <= $1 LIMIT $2) AND resets_at <= $1`,
      [now, limit],
    );
  }
}
