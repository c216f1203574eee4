import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { WebhookEventType } from './domain/webhook-events.js';
import type { DisabledReason } from './entities/index.js';

/** An endpoint as its tenant sees it: never its secrets. */
export interface EndpointRow {
  id: string;
  url: string;
  description: string | null;
  eventTypes: WebhookEventType[];
  enabled: boolean;
  disabledReason: DisabledReason | null;
  failingSince: Date | null;
  previousSecretExpiresAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export interface NewEndpoint {
  id: string;
  url: string;
  description: string | null;
  eventTypes: readonly WebhookEventType[];
  enabled: boolean;
  secret: Buffer;
}

export type EndpointChange = Partial<Pick<NewEndpoint, 'url' | 'description' | 'eventTypes' | 'enabled'>>;

/** An attempt as far as it concerns the health of its endpoint. */
export interface EndpointOutcome {
  tenantId: string;
  endpointId: string;
  isSuccess: boolean;
  at: Date;
  disable: DisabledReason | null;
}

const COLUMNS = `id, url, description, event_types AS "eventTypes", enabled, disabled_reason AS "disabledReason", failing_since AS "failingSince",
  previous_secret_expires_at AS "previousSecretExpiresAt", created_at AS "createdAt", updated_at AS "updatedAt"`;

/** The only writer of `webhook_endpoints`. */
@Injectable()
export class EndpointsQueries {
  list(tx: Tx, tenantId: string, before: string | null, limit: number): Promise<EndpointRow[]> {
    return rows(
      tx,
      `SELECT ${COLUMNS} FROM webhook_endpoints WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
      [tenantId, before, limit],
    );
  }

  find(tx: Tx, tenantId: string, id: string): Promise<EndpointRow | null> {
    return row(tx, `SELECT ${COLUMNS} FROM webhook_endpoints WHERE tenant_id = $1 AND id = $2`, [tenantId, id]);
  }

  async count(tx: Tx, tenantId: string): Promise<number> {
    return (await row<{ count: number }>(tx, `SELECT count(*)::int AS count FROM webhook_endpoints WHERE tenant_id = $1`, [tenantId]))!
      .count;
  }

  async insert(tx: Tx, tenantId: string, e: NewEndpoint, now: Date): Promise<EndpointRow> {
    const inserted = await row<EndpointRow>(
      tx,
      `INSERT INTO webhook_endpoints (tenant_id, id, url, description, event_types, enabled, secret, active_since, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8) RETURNING ${COLUMNS}`,
      [tenantId, e.id, e.url, e.description, e.eventTypes, e.enabled, e.secret, now],
    );
    return inserted!;
  }

  /** Enabling one that was off forgets its failures; another address may not share them either. */
  update(tx: Tx, tenantId: string, id: string, change: EndpointChange, now: Date): Promise<EndpointRow | null> {
    return row(
      tx,
      `UPDATE webhook_endpoints SET url = coalesce($3, url), description = CASE WHEN $4 THEN $5 ELSE description END,
              event_types = coalesce($6, event_types), enabled = coalesce($7, enabled),
              active_since = CASE WHEN $7 AND NOT enabled THEN $8 ELSE active_since END,
              disabled_reason = CASE WHEN $7 IS NULL THEN disabled_reason END,
              failing_since = CASE WHEN ($7 AND NOT enabled) OR $3 <> url THEN NULL ELSE failing_since END, updated_at = $8
        WHERE tenant_id = $1 AND id = $2 RETURNING ${COLUMNS}`,
      [
        tenantId,
        id,
        change.url ?? null,
        change.description !== undefined,
        change.description ?? null,
        change.eventTypes ?? null,
        change.enabled ?? null,
        now,
      ],
    );
  }

  /** The secret until now goes on signing until `previousExpiresAt`. */
  rotate(tx: Tx, tenantId: string, id: string, r: { secret: Buffer; previousExpiresAt: Date; now: Date }): Promise<EndpointRow | null> {
    return row(
      tx,
      `UPDATE webhook_endpoints SET previous_secret = secret, previous_secret_expires_at = $4, secret = $3, updated_at = $5
        WHERE tenant_id = $1 AND id = $2 RETURNING ${COLUMNS}`,
      [tenantId, id, r.secret, r.previousExpiresAt, r.now],
    );
  }

  async remove(tx: Tx, tenantId: string, id: string): Promise<number> {
    return affected(tx, `DELETE FROM webhook_endpoints WHERE tenant_id = $1 AND id = $2`, [tenantId, id]);
  }

  /**
   * System scope. Begins, ends and draws the consequences of times of failure; endpoints whose state stays the same are not written. Any success
   * among the outcomes of an endpoint counts. Returns the endpoints that were switched off.
   */
  async noteOutcomes(tx: Tx, outcomes: EndpointOutcome[], failingBefore: Date): Promise<{ tenantId: string; id: string }[]> {
    return rows(
      tx,
      `WITH v AS (
         SELECT tenant_id, id, bool_or(success) AS success, min(at) AS at, max(disable) AS disable
           FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::timestamptz[], $5::text[]) AS u(tenant_id, id, success, at, disable)
          GROUP BY tenant_id, id ORDER BY tenant_id, id),
       touched AS (
         UPDATE webhook_endpoints ep SET failing_since = CASE WHEN v.success THEN NULL ELSE coalesce(ep.failing_since, v.at) END,
                enabled = ep.enabled AND v.disable IS NULL AND (v.success OR ep.failing_since IS NULL OR ep.failing_since > $6),
                disabled_reason = CASE WHEN NOT ep.enabled THEN ep.disabled_reason WHEN v.disable IS NOT NULL THEN v.disable
                                       WHEN NOT v.success AND ep.failing_since <= $6 THEN 'failing' END
           FROM v
          WHERE ep.tenant_id = v.tenant_id AND ep.id = v.id
            AND (v.success = (ep.failing_since IS NOT NULL) OR v.disable IS NOT NULL OR (NOT v.success AND ep.failing_since <= $6))
         RETURNING ep.tenant_id, ep.id, ep.enabled)
       SELECT tenant_id AS "tenantId", id FROM touched WHERE NOT enabled`,
      [
        outcomes.map((o) => o.tenantId),
        outcomes.map((o) => o.endpointId),
        outcomes.map((o) => o.isSuccess),
        outcomes.map((o) => o.at),
        outcomes.map((o) => o.disable),
        failingBefore,
      ],
    );
  }
}
