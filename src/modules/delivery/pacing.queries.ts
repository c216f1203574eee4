import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { Limit } from './domain/budget.js';
import type { BudgetScope, PacingSettings } from './domain/pacing-settings.js';

export interface TakenRow {
  scope: BudgetScope;
  key: string;
  granted: number;
  tokens: number;
  spreadUntil: Date | null;
}

/** Budgets, and what the caps look at. Runs in the transaction that fires, so that tokens are taken exactly when messages are committed as `sending`. */
@Injectable()
export class PacingQueries {
  /**
   * Refills the buckets by the time that has passed and takes up to `wanted` whole tokens of each. Holds the rows until the transaction ends, in one
   * order for all. Buckets that do not exist yet are missing in the answer.
   */
  async take(tx: Tx, tenantId: string, now: Date, asked: { limit: Limit; wanted: number }[]): Promise<TakenRow[]> {
    return rows(
      tx,
      `WITH held AS MATERIALIZED (
         SELECT b.scope, b.key, v.wanted,
                least(v.capacity, b.tokens + greatest(0, extract(epoch FROM $2::timestamptz - b.refilled_at))::float8 * v.per_second) AS available
           FROM send_budgets b JOIN unnest($3::text[], $4::text[], $5::int[], $6::float8[], $7::float8[]) AS v(scope, key, wanted, capacity, per_second)
             ON b.scope = v.scope AND b.key = v.key
          WHERE b.tenant_id = $1 ORDER BY b.scope, b.key FOR UPDATE OF b),
       granted AS (SELECT *, least(wanted, greatest(0, floor(available + 1e-6)))::int AS granted FROM held)
       UPDATE send_budgets b SET tokens = g.available - g.granted, refilled_at = greatest(b.refilled_at, $2)
         FROM granted g WHERE b.tenant_id = $1 AND b.scope = g.scope AND b.key = g.key
       RETURNING b.scope, b.key, g.granted, b.tokens, b.spread_until AS "spreadUntil"`,
      [
        tenantId,
        now,
        asked.map(({ limit }) => limit.scope),
        asked.map(({ limit }) => limit.key),
        asked.map(({ wanted }) => wanted),
        asked.map(({ limit }) => limit.capacity),
        asked.map(({ limit }) => limit.perSecond),
      ],
    );
  }

  /** New buckets are full. */
  async open(tx: Tx, tenantId: string, now: Date, limits: Limit[]): Promise<void> {
    const sorted = [...limits].sort((a, b) => (a.scope + a.key < b.scope + b.key ? -1 : 1));
    await affected(
      tx,
      `INSERT INTO send_budgets (tenant_id, scope, key, tokens, refilled_at)
       SELECT $1, v.scope, v.key, v.tokens, $2 FROM unnest($3::text[], $4::text[], $5::float8[]) AS v(scope, key, tokens) ON CONFLICT DO NOTHING`,
      [tenantId, now, sorted.map(({ scope }) => scope), sorted.map(({ key }) => key), sorted.map(({ capacity }) => capacity)],
    );
  }

  /** Puts tokens back that were not used, and notes how far messages over the budget are spread. */
  async adjust(tx: Tx, tenantId: string, changes: { limit: Limit; back: number; spreadUntil: Date | null }[]): Promise<void> {
    await affected(
      tx,
      `UPDATE send_budgets b SET tokens = b.tokens + v.back, spread_until = coalesce(v.spread_until, b.spread_until)
         FROM unnest($2::text[], $3::text[], $4::float8[], $5::timestamptz[]) AS v(scope, key, back, spread_until)
        WHERE b.tenant_id = $1 AND b.scope = v.scope AND b.key = v.key`,
      [
        tenantId,
        changes.map(({ limit }) => limit.scope),
        changes.map(({ limit }) => limit.key),
        changes.map(({ back }) => back),
        changes.map(({ spreadUntil }) => spreadUntil),
      ],
    );
  }

  /** Gives the campaign's due rows that nobody holds times of their own: the n-th at `base + n · seconds`. Returns how many. */
  async spreadDue(
    tx: Tx,
    tenantId: string,
    s: { campaignId: string; now: Date; base: Date; seconds: number; reason: string; limit: number },
  ): Promise<number> {
    return affected(
      tx,
      `WITH due AS MATERIALIZED (
         SELECT id, due_at FROM emails
          WHERE tenant_id = $1 AND campaign_id = $2 AND status = 'queued' AND due_at <= $3
            AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp())
          ORDER BY due_at, id LIMIT $7 FOR UPDATE SKIP LOCKED),
       placed AS (SELECT id, row_number() OVER (ORDER BY due_at, id) AS n FROM due)
       UPDATE emails e SET due_at = $4::timestamptz + make_interval(secs => p.n * $5::float8), reason = $6
         FROM placed p WHERE e.tenant_id = $1 AND e.id = p.id AND e.status = 'queued'`,
      [tenantId, s.campaignId, s.now, s.base, s.seconds, s.reason, s.limit],
    );
  }

  /** One after another for each contact: two campaigns that fire at once must see each other's messages. */
  async lockContacts(tx: Tx, tenantId: string, contactIds: string[]): Promise<void> {
    await rows(tx, `SELECT 1 FROM contacts WHERE tenant_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR NO KEY UPDATE`, [
      tenantId,
      contactIds,
    ]);
  }

  /** When these contacts were sent marketing mail after `since`, by any campaign, ascending; messages on their way and in doubt count. */
  async mailSince(tx: Tx, tenantId: string, contactIds: string[], since: Date): Promise<{ contactId: string; times: Date[] }[]> {
    return rows(
      tx,
      `SELECT n.contact_id AS "contactId", array_agg(t.at ORDER BY t.at) AS times
         FROM campaign_contacts n
         JOIN campaigns c ON c.tenant_id = n.tenant_id AND c.id = n.campaign_id AND c.category = 'marketing'
         JOIN emails e ON e.tenant_id = n.tenant_id AND e.enrollment_id = n.id
          AND e.status IN ('sending', 'sent', 'delivered', 'bounced', 'unknown')
        CROSS JOIN LATERAL (SELECT coalesce(e.sent_at, e.sending_at) AS at) t
        WHERE n.tenant_id = $1 AND n.contact_id = ANY($2::uuid[]) AND t.at > $3
        GROUP BY n.contact_id`,
      [tenantId, contactIds, since],
    );
  }

  /** Buckets nobody has used for a while are full again, or of a day that is over. */
  async forgetIdle(tx: Tx, before: Date): Promise<number> {
    return affected(tx, `DELETE FROM send_budgets WHERE refilled_at < $1 AND (spread_until IS NULL OR spread_until < $1)`, [before]);
  }

  settings(tx: Tx, tenantId: string): Promise<{ settings: PacingSettings } | null> {
    return row(tx, `SELECT settings FROM pacing_settings WHERE tenant_id = $1`, [tenantId]);
  }

  async saveSettings(tx: Tx, tenantId: string, settings: PacingSettings, now: Date): Promise<void> {
    await affected(
      tx,
      `INSERT INTO pacing_settings (tenant_id, settings, updated_at) VALUES ($1, $2, $3)
       ON CONFLICT (tenant_id) DO UPDATE SET settings = EXCLUDED.settings, updated_at = EXCLUDED.updated_at`,
      [tenantId, JSON.stringify(settings), now],
    );
  }
}
