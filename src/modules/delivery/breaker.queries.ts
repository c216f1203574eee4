import { Injectable } from '@nestjs/common';
import { affected, row, type Tx } from '../../database/index.js';
import { BREAKER, type Tally } from './domain/breaker.js';

export type BreakerState = 'closed' | 'open' | 'half_open';

const BACKOFF = `make_interval(secs => least(${BREAKER.longestRetrySeconds}, ${BREAKER.firstRetrySeconds} * 2 ^ least(h.openings, 10)))`;

/** The breaker of an account as one row; system scope, because an account may serve many tenants. */
@Injectable()
export class BreakerQueries {
  /** Null: never failed. */
  find(tx: Tx, accountKey: string): Promise<{ state: BreakerState; mayProbe: boolean } | null> {
    const sql = `SELECT state, coalesce(retry_at <= clock_timestamp(), false) AS "mayProbe" FROM provider_health WHERE account_key = $1`;
    return row(tx, sql, [accountKey]);
  }

  async ensure(tx: Tx, accountKey: string): Promise<void> {
    const sql = `INSERT INTO provider_health (account_key, window_started_at) VALUES ($1, clock_timestamp()) ON CONFLICT DO NOTHING`;
    await affected(tx, sql, [accountKey]);
  }

  /** Adds to the window (a new one if the last is over) and opens the breaker if that is too much. Null if the account has no row. */
  count(tx: Tx, accountKey: string, t: Tally): Promise<{ state: BreakerState; hasOpened: boolean } | null> {
    return row(
      tx,
      `WITH held AS MATERIALIZED (SELECT * FROM provider_health WHERE account_key = $1 FOR UPDATE),
       sums AS (
         SELECT state, CASE WHEN fresh THEN window_started_at ELSE clock_timestamp() END AS started,
                CASE WHEN fresh THEN attempts ELSE 0 END + $2::int + $3::int AS attempts, CASE WHEN fresh THEN failures ELSE 0 END + $3::int AS failures
           FROM held CROSS JOIN LATERAL (SELECT window_started_at > clock_timestamp() - interval '${BREAKER.windowSeconds} s' AS fresh) f),
       judged AS (
         SELECT *, state = 'closed' AND ($4::boolean OR (attempts >= ${BREAKER.minAttempts} AND failures >= ${BREAKER.failureShare} * attempts)) AS opens
           FROM sums)
       UPDATE provider_health h SET window_started_at = j.started,
              attempts = CASE WHEN j.opens THEN 0 ELSE j.attempts END, failures = CASE WHEN j.opens THEN 0 ELSE j.failures END,
              state = CASE WHEN j.opens THEN 'open' ELSE h.state END,
              openings = CASE WHEN j.opens THEN 1 ELSE h.openings END,
              opened_at = CASE WHEN j.opens THEN clock_timestamp() ELSE h.opened_at END,
              retry_at = CASE WHEN j.opens THEN clock_timestamp() + make_interval(secs => ${BREAKER.firstRetrySeconds}) ELSE h.retry_at END,
              reason = $5, detail = $6
         FROM judged j WHERE h.account_key = $1
       RETURNING h.state, j.opens AS "hasOpened"`,
      [accountKey, t.ok, t.failed, t.isRefused, t.reason, t.detail?.slice(0, 500) ?? null],
    );
  }

  /**
   * Of all processes one gets the probe; unless it is renewed, another may try after `leaseSeconds`. The lease names its end, to the microsecond, and
   * with it its holder; null for all others.
   */
  async takeProbe(tx: Tx, accountKey: string, leaseSeconds: number): Promise<string | null> {
    const sql = `WITH taken AS (
        UPDATE provider_health SET state = 'half_open', retry_at = clock_timestamp() + make_interval(secs => $2)
         WHERE account_key = $1 AND state <> 'closed' AND retry_at <= clock_timestamp() RETURNING retry_at)
      SELECT retry_at::text AS lease FROM taken`;
    return (await row<{ lease: string }>(tx, sql, [accountKey, leaseSeconds]))?.lease ?? null;
  }

  /** The lease anew, or null: it has run out and been taken, or the probe is over. */
  async renewProbe(tx: Tx, accountKey: string, lease: string, leaseSeconds: number): Promise<string | null> {
    const sql = `WITH renewed AS (
        UPDATE provider_health SET retry_at = clock_timestamp() + make_interval(secs => $3)
         WHERE account_key = $1 AND state = 'half_open' AND retry_at = $2::timestamptz RETURNING retry_at)
      SELECT retry_at::text AS lease FROM renewed`;
    return (await row<{ lease: string }>(tx, sql, [accountKey, lease, leaseSeconds]))?.lease ?? null;
  }

  async close(tx: Tx, accountKey: string): Promise<boolean> {
    const sql = `UPDATE provider_health SET state = 'closed', retry_at = NULL, openings = 0, attempts = 0, failures = 0,
                        window_started_at = clock_timestamp() WHERE account_key = $1 AND state = 'half_open'`;
    return (await affected(tx, sql, [accountKey])) > 0;
  }

  async reopen(tx: Tx, accountKey: string, reason: string | null, detail: string | null): Promise<void> {
    const sql = `UPDATE provider_health h SET state = 'open', retry_at = clock_timestamp() + ${BACKOFF}, openings = h.openings + 1, reason = $2, detail = $3
                  WHERE account_key = $1 AND state = 'half_open'`;
    await affected(tx, sql, [accountKey, reason, detail?.slice(0, 500) ?? null]);
  }

  /** The probe found nothing to send: whoever has a message may try at once. */
  async giveProbeBack(tx: Tx, accountKey: string): Promise<void> {
    const sql = `UPDATE provider_health SET state = 'open', retry_at = clock_timestamp() WHERE account_key = $1 AND state = 'half_open'`;
    await affected(tx, sql, [accountKey]);
  }
}
