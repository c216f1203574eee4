import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { DeliveryStatus, DisabledReason } from './entities/index.js';

export interface DeliveryRow {
  id: string;
  eventType: string;
  occurredAt: Date;
  data: Record<string, unknown>;
  status: DeliveryStatus;
  attempts: number;
  dueAt: Date;
  lastAttemptAt: Date | null;
  statusCode: number | null;
  durationMs: number | null;
  error: string | null;
  createdAt: Date;
}

/** A delivery in the hands of this process, with what its request needs. `attempts` counts the one to be made. */
export interface ClaimedDelivery {
  tenantId: string;
  id: string;
  endpointId: string;
  token: string;
  eventType: string;
  occurredAt: Date;
  data: Record<string, unknown>;
  attempts: number;
  isFailing: boolean;
  url: string;
  secret: Buffer;
  /** Null once it has expired. */
  previousSecret: Buffer | null;
}

export interface ClaimRequest {
  now: Date;
  token: string;
  leaseSeconds: number;
  limit: number;
  /** Requests at a time to an endpoint that works; to one that fails it is one. */
  perEndpoint: number;
  /** Failing endpoints that may be tried now. */
  failingLimit: number;
  /** Endpoints this process is busy with, and by how many requests. */
  busy: ReadonlyMap<string, number>;
}

/** What an attempt leads to. `disable` switches the endpoint off. */
export interface DeliveryResult {
  tenantId: string;
  id: string;
  endpointId: string;
  token: string;
  status: DeliveryStatus;
  at: Date;
  dueAt: Date;
  statusCode: number | null;
  durationMs: number;
  error: string | null;
  disable: DisabledReason | null;
}

const COLUMNS = `id, event_type AS "eventType", occurred_at AS "occurredAt", data, status, attempts, due_at AS "dueAt", last_attempt_at AS "lastAttemptAt",
  status_code AS "statusCode", duration_ms AS "durationMs", error, created_at AS "createdAt"`;

const FREE = `d.status = 'pending' AND d.due_at <= $1 AND (d.lease_expires_at IS NULL OR d.lease_expires_at < clock_timestamp())`;

/** The life of a delivery: claim, finish, replay; and its log. */
@Injectable()
export class DeliveriesQueries {
  /**
   * System scope. Leases due deliveries, the endpoint that has waited longest first. Hops through the index from endpoint to endpoint, so that the
   * cost depends on how many have something waiting, not on how much a dead one has.
   */
  claim(tx: Tx, c: ClaimRequest): Promise<ClaimedDelivery[]> {
    return rows(
      tx,
      `WITH RECURSIVE waiting AS (
         (SELECT tenant_id, endpoint_id FROM webhook_deliveries WHERE status = 'pending' ORDER BY tenant_id, endpoint_id LIMIT 1)
         UNION ALL
         SELECT n.tenant_id, n.endpoint_id FROM waiting w CROSS JOIN LATERAL (
           SELECT tenant_id, endpoint_id FROM webhook_deliveries
            WHERE status = 'pending' AND (tenant_id, endpoint_id) > (w.tenant_id, w.endpoint_id) ORDER BY tenant_id, endpoint_id LIMIT 1) n),
       ready AS (
         SELECT ep.tenant_id, ep.id, ep.failing_since IS NOT NULL AS failing, f.due_at,
                CASE WHEN ep.failing_since IS NULL THEN $5::int ELSE 1 END - coalesce(b.count, 0) AS room
           FROM waiting w JOIN webhook_endpoints ep ON ep.tenant_id = w.tenant_id AND ep.id = w.endpoint_id AND ep.enabled
           LEFT JOIN unnest($7::uuid[], $8::int[]) AS b(id, count) ON b.id = ep.id
          CROSS JOIN LATERAL (SELECT d.due_at FROM webhook_deliveries d WHERE d.tenant_id = ep.tenant_id AND d.endpoint_id = ep.id AND ${FREE}
                               ORDER BY d.due_at, d.id LIMIT 1) f),
       ranked AS (SELECT *, row_number() OVER (PARTITION BY failing ORDER BY due_at, id) AS rank FROM ready WHERE room > 0),
       due AS MATERIALIZED (
         SELECT l.tenant_id, l.id FROM ranked r CROSS JOIN LATERAL (
           SELECT d.tenant_id, d.id FROM webhook_deliveries d WHERE d.tenant_id = r.tenant_id AND d.endpoint_id = r.id AND ${FREE}
            ORDER BY d.due_at, d.id LIMIT r.room FOR UPDATE SKIP LOCKED) l
          WHERE NOT r.failing OR r.rank <= $6 LIMIT $4)
       UPDATE webhook_deliveries m SET lease_token = $2, lease_expires_at = clock_timestamp() + make_interval(secs => $3), attempts = m.attempts + 1
         FROM due, webhook_endpoints ep
        WHERE m.tenant_id = due.tenant_id AND m.id = due.id AND ep.tenant_id = m.tenant_id AND ep.id = m.endpoint_id
       RETURNING m.tenant_id AS "tenantId", m.id, m.endpoint_id AS "endpointId", m.lease_token AS token, m.event_type AS "eventType",
         m.occurred_at AS "occurredAt", m.data, m.attempts, ep.failing_since IS NOT NULL AS "isFailing", ep.url, ep.secret,
         CASE WHEN ep.previous_secret_expires_at > $1 THEN ep.previous_secret END AS "previousSecret"`,
      [c.now, c.token, c.leaseSeconds, c.limit, c.perEndpoint, c.failingLimit, [...c.busy.keys()], [...c.busy.values()]],
    );
  }

  /** System scope. Writes what came of attempts; a delivery that was claimed or replayed meanwhile stays as it is. */
  async finish(tx: Tx, results: DeliveryResult[]): Promise<number> {
    const r = [...results].sort((a, b) => (a.id < b.id ? -1 : 1));
    return affected(
      tx,
      `UPDATE webhook_deliveries d SET status = v.status, last_attempt_at = v.at, due_at = v.due_at, status_code = v.status_code,
              duration_ms = v.duration_ms, error = v.error, lease_token = NULL, lease_expires_at = NULL
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[], $8::int[], $9::text[])
           AS v(tenant_id, id, token, status, at, due_at, status_code, duration_ms, error)
        WHERE d.tenant_id = v.tenant_id AND d.id = v.id AND d.lease_token = v.token`,
      [
        r.map((v) => v.tenantId),
        r.map((v) => v.id),
        r.map((v) => v.token),
        r.map((v) => v.status),
        r.map((v) => v.at),
        r.map((v) => v.dueAt),
        r.map((v) => v.statusCode),
        r.map((v) => v.durationMs),
        r.map((v) => v.error),
      ],
    );
  }

  find(tx: Tx, tenantId: string, endpointId: string, id: string): Promise<DeliveryRow | null> {
    return row(tx, `SELECT ${COLUMNS} FROM webhook_deliveries WHERE tenant_id = $1 AND endpoint_id = $2 AND id = $3`, [
      tenantId,
      endpointId,
      id,
    ]);
  }

  list(
    tx: Tx,
    tenantId: string,
    endpointId: string,
    page: { before: string | null; status: DeliveryStatus | null; limit: number },
  ): Promise<DeliveryRow[]> {
    return rows(
      tx,
      `SELECT ${COLUMNS} FROM webhook_deliveries
        WHERE tenant_id = $1 AND endpoint_id = $2 AND ($3::uuid IS NULL OR id < $3) AND ($4::text IS NULL OR status = $4) ORDER BY id DESC LIMIT $5`,
      [tenantId, endpointId, page.before, page.status, page.limit],
    );
  }

  async insertPing(tx: Tx, tenantId: string, endpointId: string, ping: { id: string; eventType: string; at: Date }): Promise<DeliveryRow> {
    const inserted = await row<DeliveryRow>(
      tx,
      `INSERT INTO webhook_deliveries (tenant_id, endpoint_id, id, event_type, fact_key, occurred_at, data, due_at, created_at)
       VALUES ($1, $2, $3::uuid, $4, 'ping:' || $3, $5, '{}', $5, $5) RETURNING ${COLUMNS}`,
      [tenantId, endpointId, ping.id, ping.eventType, ping.at],
    );
    return inserted!;
  }

  /** Due now, with all its attempts before it again; one in flight is sent once more. */
  replay(tx: Tx, tenantId: string, endpointId: string, id: string, now: Date): Promise<DeliveryRow | null> {
    return row(
      tx,
      `UPDATE webhook_deliveries SET status = 'pending', attempts = 0, due_at = $4, lease_token = NULL, lease_expires_at = NULL
        WHERE tenant_id = $1 AND endpoint_id = $2 AND id = $3 RETURNING ${COLUMNS}`,
      [tenantId, endpointId, id, now],
    );
  }

  /** System scope. Deletes at most `limit` deliveries of each endpoint made before `before`, the oldest first. */
  async deleteOld(tx: Tx, before: Date, limit: number): Promise<number> {
    return affected(
      tx,
      `DELETE FROM webhook_deliveries d USING webhook_endpoints ep CROSS JOIN LATERAL (
         SELECT o.id, o.created_at FROM webhook_deliveries o WHERE o.tenant_id = ep.tenant_id AND o.endpoint_id = ep.id ORDER BY o.id LIMIT $2) old
        WHERE d.tenant_id = ep.tenant_id AND d.id = old.id AND old.created_at < $1`,
      [before, limit],
    );
  }

  /** Takes what providers said about the messages of a contact, and where their links led, off what endpoints are told. Also of what is still to be sent. */
  async forgetContact(tx: Tx, tenantId: string, contactId: string): Promise<number> {
    return affected(
      tx,
      `UPDATE webhook_deliveries d SET data = d.data - 'reason' - 'url'
         FROM campaign_contacts n
         JOIN emails e ON e.tenant_id = n.tenant_id AND e.enrollment_id = n.id
         JOIN email_events v ON v.tenant_id = e.tenant_id AND v.email_id = e.id
         JOIN webhook_endpoints ep ON ep.tenant_id = v.tenant_id
        WHERE n.tenant_id = $1 AND n.contact_id = $2 AND d.tenant_id = $1 AND d.endpoint_id = ep.id AND d.fact_key = 'event:' || v.id`,
      [tenantId, contactId],
    );
  }
}
