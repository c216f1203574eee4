import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import { compileEventFilter, type EventFilter } from '../segments/index.js';

/** Who listens to an event: a campaign under way, and what for. */
export interface Listener {
  id: string;
  campaignId: string;
  purpose: 'entry' | 'goal' | 'wait';
  stepId: string | null;
  eventName: string;
  filter: EventFilter | null;
}

export type NewListener = Omit<Listener, 'id' | 'campaignId'>;

/** Advisory lock namespace: one worker at a time applies the events of a tenant, so that they are applied in their order. */
const EVENTS_LOCK = 0x74_72_67_65;

@Injectable()
export class TriggerEventsQueries {
  /** False if another worker is at this tenant's events; held until the transaction ends. */
  async lockTenant(tx: Tx, tenantId: string): Promise<boolean> {
    const lock = await row<{ won: boolean }>(tx, `SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS won`, [EVENTS_LOCK, tenantId]);
    return lock?.won === true;
  }

  /** Of campaigns under way, paused ones too: what happens during a pause is acted on, only nothing is sent. */
  listeners(tx: Tx, tenantId: string, names: string[]): Promise<Listener[]> {
    return rows<Listener>(
      tx,
      `SELECT t.id, t.campaign_id AS "campaignId", t.purpose, t.step_id AS "stepId", t.event_name AS "eventName", t.filter
         FROM campaign_triggers t JOIN campaigns c ON c.tenant_id = t.tenant_id AND c.id = t.campaign_id
        WHERE t.tenant_id = $1 AND t.event_name = ANY ($2::text[]) AND c.status IN ('active', 'paused')
        ORDER BY t.campaign_id, t.id`,
      [tenantId, names],
    );
  }

  /** Those of the events that have what the filter asks for. */
  async matching(tx: Tx, tenantId: string, ids: string[], filter: EventFilter, now: Date): Promise<Set<string>> {
    const predicate = compileEventFilter(filter, { eventAlias: 'ev', firstParam: 3, now });
    const found = await rows<{ id: string }>(
      tx,
      `SELECT ev.id FROM contact_events ev WHERE ev.tenant_id = $1 AND ev.id = ANY ($2::uuid[]) AND ${predicate.sql}`,
      [tenantId, ids, ...predicate.params],
    );
    return new Set(found.map(({ id }) => id));
  }

  /** What the campaign listens to from now on, instead of whatever it did. */
  async replaceListeners(tx: Tx, tenantId: string, campaignId: string, listeners: NewListener[]): Promise<void> {
    await affected(tx, `DELETE FROM campaign_triggers WHERE tenant_id = $1 AND campaign_id = $2`, [tenantId, campaignId]);
    if (listeners.length === 0) return;
    await affected(
      tx,
      `INSERT INTO campaign_triggers (tenant_id, campaign_id, purpose, step_id, event_name, filter)
       SELECT $1, $2, l.purpose, l."stepId", l."eventName", nullif(l.filter, 'null')
         FROM json_to_recordset($3::json) AS l (purpose text, "stepId" uuid, "eventName" text, filter jsonb)`,
      [tenantId, campaignId, JSON.stringify(listeners)],
    );
  }
}
