import { Injectable } from '@nestjs/common';
import { affected, preparedRows, rows, type Tx } from '../../database/index.js';

export interface NewContactEvent {
  contactId: string;
  name: string;
  properties?: Record<string, unknown>;
  /** The host's own id: the same one twice is one event. */
  externalId?: string | null;
  occurredAt: Date;
}

export interface RecordedEvent {
  id: string;
  contactId: string;
  name: string;
  externalId: string | null;
  occurredAt: Date;
}

export interface UnappliedContactEvent {
  id: string;
  contactId: string;
  name: string;
  occurredAt: Date;
}

@Injectable()
export class ContactEventsQueries {
  /** The contact that each of these names, by index; who is erased, unknown or another tenant's is left out. */
  async findContacts(
    tx: Tx,
    tenantId: string,
    people: { index: number; contactId: string | null; email: string | null }[],
  ): Promise<Map<number, string>> {
    const found = await rows<{ index: number; id: string }>(
      tx,
      `WITH p AS MATERIALIZED (SELECT * FROM json_to_recordset($2::json) AS p (index int, "contactId" uuid, email text))
       SELECT p.index, c.id FROM p JOIN contacts c ON c.tenant_id = $1 AND c.id = p."contactId" AND c.deleted_at IS NULL
        WHERE p."contactId" IS NOT NULL
       UNION ALL
       SELECT p.index, c.id FROM p JOIN contacts c ON c.tenant_id = $1 AND c.email_norm = lower(p.email) AND c.deleted_at IS NULL
        WHERE p.email IS NOT NULL`,
      [tenantId, JSON.stringify(people)],
    );
    return new Map(found.map(({ index, id }) => [index, id]));
  }

  /** Inserts the events that are new and whose contact exists; answers those. Idempotent by `externalId`. */
  append(tx: Tx, tenantId: string, events: NewContactEvent[]): Promise<RecordedEvent[]> {
    return rows<RecordedEvent>(
      tx,
      `INSERT INTO contact_events (tenant_id, contact_id, name, properties, external_id, occurred_at)
       SELECT $1, e."contactId", e.name, coalesce(e.properties, '{}'), e."externalId", e."occurredAt"
         FROM json_to_recordset($2::json)
              AS e ("contactId" uuid, name text, properties jsonb, "externalId" text, "occurredAt" timestamptz)
        WHERE EXISTS (SELECT 1 FROM contacts c WHERE c.tenant_id = $1 AND c.id = e."contactId" AND c.deleted_at IS NULL)
       ON CONFLICT (tenant_id, external_id) DO NOTHING
       RETURNING id, contact_id AS "contactId", name, external_id AS "externalId", occurred_at AS "occurredAt"`,
      [tenantId, JSON.stringify(events)],
    );
  }

  /** Tenants with events nobody has applied yet, of all tenants (system scope): one index probe each. */
  async tenantsWithEvents(tx: Tx): Promise<string[]> {
    const found = await preparedRows<{ tenantId: string }>(
      tx,
      'tenants-with-events',
      `WITH RECURSIVE found AS (
         (SELECT tenant_id FROM contact_events WHERE applied_at IS NULL ORDER BY tenant_id LIMIT 1)
         UNION ALL
         SELECT (SELECT e.tenant_id FROM contact_events e WHERE e.applied_at IS NULL AND e.tenant_id > found.tenant_id ORDER BY e.tenant_id LIMIT 1)
           FROM found WHERE found.tenant_id IS NOT NULL
       ) SELECT tenant_id AS "tenantId" FROM found WHERE tenant_id IS NOT NULL`,
    );
    return found.map(({ tenantId }) => tenantId);
  }

  /** In the order in which they were reported. */
  unapplied(tx: Tx, tenantId: string, limit: number): Promise<UnappliedContactEvent[]> {
    return rows<UnappliedContactEvent>(
      tx,
      `SELECT id, contact_id AS "contactId", name, occurred_at AS "occurredAt" FROM contact_events
        WHERE tenant_id = $1 AND applied_at IS NULL ORDER BY id LIMIT $2`,
      [tenantId, limit],
    );
  }

  markApplied(tx: Tx, tenantId: string, ids: string[], now: Date): Promise<number> {
    return affected(tx, `UPDATE contact_events SET applied_at = $3 WHERE tenant_id = $1 AND id = ANY ($2::uuid[])`, [tenantId, ids, now]);
  }
}
