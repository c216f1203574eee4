import { Injectable } from '@nestjs/common';
import { rows, type Tx } from '../../database/index.js';

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

@Injectable()
export class ContactEventsQueries {
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
}
