import { Injectable } from '@nestjs/common';
import { affected, prepared, row, rows, type Tx } from '../../database/index.js';
import type { AppliedEvent, AppliedHit, HitRef, JudgedEvent, NewEmailEvent, UnappliedEvent } from './tracking.types.js';

type TextColumn = 'source' | 'dedupeKey' | 'machineReason' | 'linkId' | 'url' | 'userAgent' | 'detail' | 'providerEventId';

/** Texts come from anywhere, and one that does not fit must not lose the others: PostgreSQL takes no NUL, and columns have their length. */
const fitting = (text: string | null | undefined, length: number): string | null => text?.replaceAll('\0', '').slice(0, length) ?? null;

const withinMillisecond = (column: string, instant: string): string =>
  `${column} >= ${instant} AND ${column} < ${instant} + interval '1 millisecond'`;

/** The only writer of `tracked_links` and `email_events`. */
@Injectable()
export class TrackingQueries {
  /** Idempotent: an address already known keeps its id. Locks nothing that readers use. */
  async insertLinks(tx: Tx, tenantId: string, links: { id: string; url: string; hash: Buffer }[]): Promise<number> {
    return affected(
      tx,
      `INSERT INTO tracked_links (tenant_id, id, url, url_hash)
       SELECT $1, v.id, v.url, v.hash FROM unnest($2::text[], $3::text[], $4::bytea[]) AS v(id, url, hash) ORDER BY v.hash
       ON CONFLICT (tenant_id, url_hash) DO NOTHING`,
      [tenantId, links.map((l) => l.id), links.map((l) => l.url), links.map((l) => l.hash)],
    );
  }

  async findLinks(tx: Tx, tenantId: string, hashes: Buffer[]): Promise<{ id: string; url: string }[]> {
    return rows(tx, `SELECT id, url FROM tracked_links WHERE tenant_id = $1 AND url_hash = ANY($2::bytea[])`, [tenantId, hashes]);
  }

  async findUrl(tx: Tx, tenantId: string, linkId: string): Promise<string | null> {
    const found = await row<{ url: string }>(tx, `SELECT url FROM tracked_links WHERE tenant_id = $1 AND id = $2`, [tenantId, linkId]);
    return found?.url ?? null;
  }

  /** Idempotent by (tenant, dedupe key, instant). Returns how many were new. */
  async insertEvents(tx: Tx, events: (NewEmailEvent & { tenantId: string })[]): Promise<number> {
    const column = <K extends keyof NewEmailEvent | 'tenantId'>(name: K) => events.map((event) => event[name] ?? null);
    const text = (name: TextColumn, length: number) => events.map((event) => fitting(event[name], length));
    const { affected: inserted } = await prepared(
      tx,
      'email_events_insert',
      `INSERT INTO email_events (tenant_id, email_id, type, source, occurred_at, dedupe_key, is_machine, machine_reason, bounce_class, link_id,
         url, user_agent, detail, provider_event_id, received_at)
       SELECT *, clock_timestamp() FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::boolean[], $8::text[],
         $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
       ON CONFLICT (tenant_id, dedupe_key, occurred_at) DO NOTHING`,
      [
        column('tenantId'),
        column('emailId'),
        column('type'),
        text('source', 20),
        column('occurredAt'),
        text('dedupeKey', 255),
        events.map((event) => event.isMachine ?? false),
        text('machineReason', 50),
        column('bounceClass'),
        text('linkId', 22),
        text('url', 4_000),
        text('userAgent', 500),
        text('detail', 2_000),
        text('providerEventId', 255),
      ],
    );
    return inserted;
  }

  /**
   * Inserts what a provider told, once, and applied already where its message is known; returns the ids of what was new. An event is known if its
   * provider's id is, or if the same happened to the same message in the same second. The scalar subquery makes that one look into an index
   * for each event, whatever the planner thinks of the table's size.
   */
  async insertJudged(tx: Tx, now: Date, judged: JudgedEvent[]): Promise<string[]> {
    const column = <K extends keyof JudgedEvent['event']>(name: K) => judged.map(({ event }) => event[name] ?? null);
    const text = (name: TextColumn, length: number) => judged.map(({ event }) => fitting(event[name], length));
    const found = await rows<{ id: string }>(
      tx,
      `INSERT INTO email_events (tenant_id, id, email_id, type, source, occurred_at, dedupe_key, is_machine, machine_reason, bounce_class, url,
         user_agent, detail, provider_event_id, link_id, campaign_id, applied_at, received_at)
       SELECT v.*, CASE WHEN v.campaign_id IS NOT NULL THEN $1::timestamptz END, clock_timestamp()
         FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::boolean[], $10::text[],
           $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::uuid[])
           AS v(tenant_id, id, email_id, type, source, occurred_at, dedupe_key, is_machine, machine_reason, bounce_class, url, user_agent, detail,
             provider_event_id, link_id, campaign_id)
        WHERE v.provider_event_id IS NULL OR (
          SELECT x.id FROM email_events x WHERE x.tenant_id = v.tenant_id AND x.provider_event_id = v.provider_event_id LIMIT 1) IS NULL
       ON CONFLICT (tenant_id, dedupe_key, occurred_at) DO NOTHING
       RETURNING id`,
      [
        now,
        column('tenantId'),
        column('id'),
        column('emailId'),
        column('type'),
        column('source'),
        column('occurredAt'),
        column('dedupeKey'),
        judged.map(({ event, applied }) => (applied ?? event).isMachine),
        judged.map(({ event, applied }) => (applied ?? event).machineReason),
        column('bounceClass'),
        text('url', 4_000),
        text('userAgent', 500),
        text('detail', 2_000),
        text('providerEventId', 255),
        text('linkId', 22),
        judged.map(({ applied }) => applied?.campaignId ?? null),
      ],
    );
    return found.map(({ id }) => id);
  }

  /**
   * Locks the oldest unapplied events whose message exists; those another worker holds are passed over. The join is what keeps events of
   * unknown messages from standing in front of all others.
   */
  async claimUnapplied(tx: Tx, limit: number): Promise<UnappliedEvent[]> {
    return rows(
      tx,
      `SELECT v.tenant_id AS "tenantId", v.id, v.occurred_at AS "occurredAt", v.email_id AS "emailId", v.type, v.source,
              v.is_machine AS "isMachine", v.machine_reason AS "machineReason", v.bounce_class AS "bounceClass", v.detail,
              v.link_id AS "linkId", v.url, v.user_agent AS "userAgent"
         FROM email_events v JOIN emails e ON e.tenant_id = v.tenant_id AND e.id = v.email_id
        WHERE v.applied_at IS NULL
        ORDER BY v.received_at, v.tenant_id, v.id
        LIMIT $1 FOR UPDATE OF v SKIP LOCKED`,
      [limit],
    );
  }

  /**
   * The instant only says in which partition a row lies; a Date holds its milliseconds and PostgreSQL microseconds, so it is the millisecond that
   * must agree.
   */
  async markApplied(tx: Tx, now: Date, events: AppliedEvent[]): Promise<number> {
    return affected(
      tx,
      `UPDATE email_events v SET applied_at = $1, campaign_id = a.campaign_id, is_machine = a.is_machine, machine_reason = a.machine_reason
         FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::boolean[], $7::text[])
           AS a(tenant_id, id, occurred_at, campaign_id, is_machine, machine_reason)
        WHERE v.tenant_id = a.tenant_id AND v.id = a.id AND ${withinMillisecond('v.occurred_at', 'a.occurred_at')}`,
      [
        now,
        events.map((e) => e.tenantId),
        events.map((e) => e.id),
        events.map((e) => e.occurredAt),
        events.map((e) => e.campaignId),
        events.map((e) => e.isMachine),
        events.map((e) => e.machineReason),
      ],
    );
  }

  /** The applied hits of these messages; of a message with very many, the latest. System scope. */
  async appliedHits(tx: Tx, emails: { tenantId: string; id: string }[], perMessage: number): Promise<AppliedHit[]> {
    return rows(
      tx,
      `SELECT e.tenant_id AS "tenantId", e.id AS "emailId", v.* FROM unnest($1::uuid[], $2::uuid[]) AS e(tenant_id, id)
        CROSS JOIN LATERAL (
          SELECT v.id, v.type, v.occurred_at AS at, coalesce(v.link_id, v.url) AS link, v.user_agent AS "userAgent", v.machine_reason AS "machineReason"
            FROM email_events v
           WHERE v.tenant_id = e.tenant_id AND v.email_id = e.id AND v.type IN ('opened', 'clicked', 'unsubscribe_viewed') AND v.applied_at IS NOT NULL
           ORDER BY v.occurred_at DESC LIMIT $3) v`,
      [emails.map((e) => e.tenantId), emails.map((e) => e.id), perMessage],
    );
  }

  /** What counted as a person's is a machine's after all. It counts as applied anew, so that whoever counts looks again. */
  async markMachine(tx: Tx, now: Date, hits: HitRef[]): Promise<number> {
    return affected(
      tx,
      `UPDATE email_events v SET is_machine = true, machine_reason = h.reason, applied_at = $1
         FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[]) AS h(tenant_id, id, occurred_at, reason)
        WHERE v.tenant_id = h.tenant_id AND v.id = h.id AND ${withinMillisecond('v.occurred_at', 'h.occurred_at')} AND NOT v.is_machine`,
      [now, hits.map((h) => h.tenantId), hits.map((h) => h.id), hits.map((h) => h.occurredAt), hits.map((h) => h.machineReason)],
    );
  }

  async forget(tx: Tx, tenantId: string, emails: { id: string; address: string | null }[]): Promise<number> {
    return affected(
      tx,
      `UPDATE email_events v SET detail = NULL, user_agent = NULL,
              url = CASE WHEN strpos(replace(lower(v.url), '%40', '@'), lower(e.address)) = 0 THEN v.url END
         FROM unnest($2::uuid[], $3::text[]) AS e(id, address)
        WHERE v.tenant_id = $1 AND v.email_id = e.id`,
      [tenantId, emails.map(({ id }) => id), emails.map(({ address }) => address ?? '')],
    );
  }

  /** Events received before `before` whose message never turned up are closed, so that nothing looks at them again. They stay readable. */
  async closeParked(tx: Tx, now: Date, before: Date): Promise<{ tenantId: string; count: number }[]> {
    return rows(
      tx,
      `WITH closed AS (
         UPDATE email_events v SET applied_at = $1
          WHERE v.applied_at IS NULL AND v.received_at < $2
            AND NOT EXISTS (SELECT FROM emails e WHERE e.tenant_id = v.tenant_id AND e.id = v.email_id) RETURNING v.tenant_id)
       SELECT tenant_id AS "tenantId", count(*)::int AS count FROM closed GROUP BY 1`,
      [now, before],
    );
  }

  async ensurePartitions(tx: Tx, from: Date, months: number): Promise<number> {
    const made = await row<{ made: number }>(
      tx,
      `SELECT ensure_email_event_partitions(($1::timestamptz AT TIME ZONE 'UTC')::date, $2) AS made`,
      [from, months],
    );
    return made?.made ?? 0;
  }
}
