import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { SuppressionReason } from './domain/suppression.js';

export interface NewSuppression {
  email: string;
  reason: SuppressionReason;
  /** Who said so: `page`, `one_click`, `api`, `import`, `provider`, `erasure`. */
  source: string;
  detail?: string;
}

/** Who did it. `contact` is the person of the address, through a link in a message. */
export interface SuppressionActor {
  type: 'user' | 'api_key' | 'system' | 'contact';
  id: string | null;
}

export interface SuppressionRow {
  email: string;
  reason: SuppressionReason;
  source: string;
  detail: string | null;
  createdAt: Date;
}

export interface SuppressionEventRow extends Omit<SuppressionRow, 'email' | 'createdAt'> {
  action: 'added' | 'changed' | 'removed';
  actor: SuppressionActor;
  at: Date;
}

export interface SuppressionFilter {
  email?: string;
  reason?: SuppressionReason[];
}

const SYSTEM: SuppressionActor = { type: 'system', id: null };
const COLUMNS = `email_norm AS email, reason, source, detail, created_at AS "createdAt"`;
/** The highest limit a tenant can set (`soft_bounce_limit`). */
const MAX_SOFT_BOUNCES = 100;
const EVENT_COLUMNS = 'tenant_id, email_norm, action, reason, source, detail, actor_type, actor_id, at';

/** Reads and writes `suppressions` and its history. Addresses are compared without regard to case. */
@Injectable()
export class SuppressionsQueries {
  /**
   * Adds what is new, in the order of addresses. The first reason stays, except that anything stronger replaces `unsubscribed`: a person may take
   * that back, and a complaint behind it must not vanish with it. Idempotent; what changes stands in the history.
   */
  async add(
    tx: Tx,
    tenantId: string,
    entries: NewSuppression[],
    now: Date,
    actor: SuppressionActor = SYSTEM,
  ): Promise<{ added: number; changed: number }> {
    const counts = await row<{ added: number; changed: number }>(
      tx,
      `WITH written AS (
         INSERT INTO suppressions AS s (tenant_id, email_norm, reason, source, detail, created_at)
         SELECT DISTINCT ON (lower(e.email)) $1, lower(e.email), e.reason, left(e.source, 50), e.detail, $3
           FROM json_to_recordset($2::json) AS e (email text, reason text, source text, detail text)
          ORDER BY lower(e.email), e.reason = 'unsubscribed'
         ON CONFLICT (tenant_id, email_norm) DO UPDATE
            SET reason = excluded.reason, source = excluded.source, detail = excluded.detail, created_at = excluded.created_at
          WHERE s.reason = 'unsubscribed' AND excluded.reason <> 'unsubscribed'
         RETURNING email_norm, reason, source, detail, xmax = 0 AS is_new
       ), told AS (
         INSERT INTO suppression_events (${EVENT_COLUMNS})
         SELECT $1, email_norm, CASE WHEN is_new THEN 'added' ELSE 'changed' END, reason, source, detail, $4, $5, $3 FROM written
       )
       SELECT count(*) FILTER (WHERE is_new)::int AS added, count(*) FILTER (WHERE NOT is_new)::int AS changed FROM written`,
      [tenantId, JSON.stringify(entries), now, actor.type, actor.id],
    );
    return counts!;
  }

  /** Whatever stood there, `erased` stands there now, and nothing else about the person: the history begins anew. */
  async markErased(tx: Tx, tenantId: string, email: string, now: Date, actor: SuppressionActor): Promise<void> {
    await affected(tx, `DELETE FROM suppression_events WHERE tenant_id = $1 AND email_norm = lower($2)`, [tenantId, email]);
    await affected(tx, `DELETE FROM soft_bounces WHERE tenant_id = $1 AND email_norm = lower($2)`, [tenantId, email]);
    await affected(
      tx,
      `WITH written AS (
         INSERT INTO suppressions (tenant_id, email_norm, reason, source, created_at) VALUES ($1, lower($2), 'erased', 'erasure', $3)
         ON CONFLICT (tenant_id, email_norm) DO UPDATE SET reason = 'erased', source = 'erasure', detail = NULL
         RETURNING email_norm)
       INSERT INTO suppression_events (${EVENT_COLUMNS}) SELECT $1, email_norm, 'added', 'erased', 'erasure', NULL, $4, $5, $3 FROM written`,
      [tenantId, email, now, actor.type, actor.id],
    );
  }

  /** In the order of addresses. `after` is the last address of the page before. */
  list(tx: Tx, tenantId: string, { email, reason }: SuppressionFilter, after: string | null, limit: number): Promise<SuppressionRow[]> {
    return rows(
      tx,
      `SELECT ${COLUMNS} FROM suppressions
        WHERE tenant_id = $1 AND ($2::text IS NULL OR email_norm = lower($2)) AND ($3::text[] IS NULL OR reason = ANY ($3))
          AND ($4::text IS NULL OR email_norm > $4)
        ORDER BY email_norm LIMIT $5`,
      [tenantId, email ?? null, reason ?? null, after, limit],
    );
  }

  find(tx: Tx, tenantId: string, email: string): Promise<SuppressionRow | null> {
    return row(tx, `SELECT ${COLUMNS} FROM suppressions WHERE tenant_id = $1 AND email_norm = lower($2)`, [tenantId, email]);
  }

  /** The latest of these reasons for which the address was put on the list since it was last taken off, or null: another may stand there by now. */
  async saidSince(tx: Tx, tenantId: string, email: string, reasons: readonly SuppressionReason[]): Promise<SuppressionReason | null> {
    const found = await row<{ reason: SuppressionReason }>(
      tx,
      `SELECT e.reason FROM suppression_events e
        WHERE e.tenant_id = $1 AND e.email_norm = lower($2) AND e.action <> 'removed' AND e.reason = ANY ($3::text[])
          AND NOT EXISTS (SELECT FROM suppression_events r WHERE r.tenant_id = $1 AND r.email_norm = lower($2) AND r.action = 'removed' AND r.id > e.id)
        ORDER BY e.id DESC LIMIT 1`,
      [tenantId, email, reasons],
    );
    return found?.reason ?? null;
  }

  /** What happened to an address, the latest first. */
  history(tx: Tx, tenantId: string, email: string, limit: number): Promise<SuppressionEventRow[]> {
    return rows(
      tx,
      `SELECT action, reason, source, detail, json_build_object('type', actor_type, 'id', actor_id) AS actor, at FROM suppression_events
        WHERE tenant_id = $1 AND email_norm = lower($2) ORDER BY id DESC LIMIT $3`,
      [tenantId, email, limit],
    );
  }

  async reasonFor(tx: Tx, tenantId: string, email: string): Promise<{ reason: SuppressionReason; createdAt: Date } | null> {
    return this.find(tx, tenantId, email);
  }

  /** Takes an address off the list, and forgets its soft bounces. False if it was not on it (for `only`: not for that reason). */
  async remove(
    tx: Tx,
    tenantId: string,
    r: { email: string; only?: SuppressionReason; source: string; detail: string | null; now: Date; actor: SuppressionActor },
  ): Promise<boolean> {
    const removed = await affected(
      tx,
      `WITH gone AS (
         DELETE FROM suppressions WHERE tenant_id = $1 AND email_norm = lower($2) AND ($3::text IS NULL OR reason = $3) RETURNING email_norm, reason
       ), forgotten AS (
         DELETE FROM soft_bounces b USING gone WHERE b.tenant_id = $1 AND b.email_norm = gone.email_norm
       )
       INSERT INTO suppression_events (${EVENT_COLUMNS}) SELECT $1, email_norm, 'removed', reason, $4, $5, $6, $7, $8 FROM gone`,
      [tenantId, r.email, r.only ?? null, r.source, r.detail, r.actor.type, r.actor.id, r.now],
    );
    return removed > 0;
  }

  /** Contacts with these addresses, by address. Erased ones have none of them any more. */
  contactsWith(tx: Tx, tenantId: string, emails: string[]): Promise<{ id: string; email: string }[]> {
    return rows(
      tx,
      `SELECT id, email_norm AS email FROM contacts
        WHERE tenant_id = $1 AND email_norm = ANY (SELECT lower(e) FROM unnest($2::text[]) AS e) AND deleted_at IS NULL`,
      [tenantId, emails],
    );
  }

  /**
   * Counts bounces that are not final, and returns the addresses that have had as many as the tenant allows since something was last delivered to
   * them. Locks their rows in the order of addresses.
   */
  async countSoftBounces(tx: Tx, tenantId: string, bounces: { email: string; at: Date }[]): Promise<string[]> {
    const found = await rows<{ email: string }>(
      tx,
      `WITH bounced AS (
         SELECT lower(b.email) AS email_norm, (array_agg(b.at ORDER BY b.at DESC))[1:${MAX_SOFT_BOUNCES}] AS times
           FROM unnest($2::text[], $3::timestamptz[]) AS b (email, at) GROUP BY 1 ORDER BY 1
       ), counted AS (
         INSERT INTO soft_bounces AS s (tenant_id, email_norm, bounced_at) SELECT $1, email_norm, times FROM bounced
         ON CONFLICT (tenant_id, email_norm) DO UPDATE
            SET bounced_at = ARRAY(SELECT t FROM unnest(s.bounced_at || excluded.bounced_at) AS t ORDER BY t DESC LIMIT ${MAX_SOFT_BOUNCES})
         RETURNING email_norm, cardinality(bounced_at) AS bounces
       )
       SELECT email_norm AS email FROM counted JOIN tenants t ON t.id = $1 WHERE counted.bounces >= t.soft_bounce_limit`,
      [tenantId, bounces.map(({ email }) => email), bounces.map(({ at }) => at)],
    );
    return found.map(({ email }) => email);
  }

  /** Something arrived: the address worked then, and what bounced before counts no more. Locks the rows in the order of addresses. */
  clearSoftBounces(tx: Tx, tenantId: string, arrivals: { email: string; at: Date }[]): Promise<number> {
    return affected(
      tx,
      `WITH answered AS MATERIALIZED (
         SELECT s.email_norm, v.at, s.bounced_at[1] <= v.at AS whole
           FROM (SELECT lower(a.email) AS email_norm, max(a.at) AS at FROM unnest($2::text[], $3::timestamptz[]) AS a (email, at) GROUP BY 1) v
           JOIN soft_bounces s ON s.tenant_id = $1 AND s.email_norm = v.email_norm AND s.bounced_at[cardinality(s.bounced_at)] <= v.at
          ORDER BY s.email_norm FOR UPDATE OF s
       ), shortened AS (
         UPDATE soft_bounces s SET bounced_at = ARRAY(SELECT t FROM unnest(s.bounced_at) AS t WHERE t > a.at ORDER BY t DESC)
           FROM answered a WHERE s.tenant_id = $1 AND s.email_norm = a.email_norm AND NOT a.whole
       )
       DELETE FROM soft_bounces s USING answered a WHERE s.tenant_id = $1 AND s.email_norm = a.email_norm AND a.whole`,
      [tenantId, arrivals.map(({ email }) => email), arrivals.map(({ at }) => at)],
    );
  }
}
