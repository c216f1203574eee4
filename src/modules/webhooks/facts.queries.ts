import { Injectable } from '@nestjs/common';
import { affected, row, type Tx } from '../../database/index.js';
import { EVENT_OF_FACT } from './domain/webhook-events.js';

/** Where facts are looked for: what came back, what was handed over, what will not be. Also the keys of `webhook_cursors`. */
export type FactSource = 'event' | 'sent' | 'unsent';

export interface FactWindow {
  from: Date;
  /** Age in milliseconds of the oldest transaction open now: what it writes is not visible yet, but may carry an earlier time. */
  oldestTransactionMs: number;
}

export interface Stored {
  found: number;
  /** Time of the last fact found. */
  last: Date | null;
}

interface CampaignFact {
  tenantId: string;
  campaignId: string;
  eventType: string;
  at: Date;
  data: Record<string, unknown>;
}

const IDS = `'emailId', e.id, 'campaignId', e.campaign_id, 'stepId', e.step_id, 'contactId', e.contact_id`;

/** The scalar subquery makes that one look into an index for each fact, whatever the planner thinks of the table's size. */
const UNTOLD = (key: string) =>
  `(SELECT d.id FROM webhook_deliveries d WHERE d.tenant_id = ep.tenant_id AND d.endpoint_id = ep.id AND d.fact_key = ${key} LIMIT 1) IS NULL`;

/** Wraps a query of facts that nobody has been told of: `$1` from, `$2` now, `$3` limit. Sorted, so that what is left is later than what is found. */
const store = (found: string) => `
  WITH found AS MATERIALIZED (${found} ORDER BY at LIMIT $3),
  stored AS (
    INSERT INTO webhook_deliveries (tenant_id, endpoint_id, event_type, fact_key, occurred_at, data, due_at, created_at)
    SELECT tenant_id, endpoint_id, event_type, fact_key, occurred_at, jsonb_strip_nulls(data), $2, $2 FROM found
    ON CONFLICT (tenant_id, endpoint_id, fact_key) DO NOTHING)
  SELECT count(*)::int AS found, max(at) AS last FROM found`;

const FACT_NAMES = Object.entries(EVENT_OF_FACT)
  .map(([fact, event]) => `('${fact}', '${event}')`)
  .join(', ');

/** Events of subscribed tenants that were applied since. */
const EVENTS = store(`
  SELECT ep.tenant_id, ep.id AS endpoint_id, m.event_type, 'event:' || v.id AS fact_key, v.occurred_at, v.applied_at AS at,
         jsonb_build_object(${IDS}, 'isMachine', CASE WHEN v.type IN ('opened', 'clicked') THEN v.is_machine END, 'url', left(v.url, 2000),
           'bounceClass', v.bounce_class,
           'reason', CASE WHEN v.type IN ('bounced', 'dropped', 'complained', 'unsubscribed') THEN left(coalesce(v.detail, v.type), 300) END) AS data
    FROM email_events v
    JOIN (VALUES ${FACT_NAMES}) AS m(fact, event_type) ON m.fact = v.type
    JOIN webhook_endpoints ep ON ep.tenant_id = v.tenant_id AND ep.enabled AND ep.event_types @> ARRAY[m.event_type::varchar] AND v.applied_at >= ep.active_since
    JOIN emails e ON e.tenant_id = v.tenant_id AND e.id = v.email_id
   WHERE v.applied_at >= $1 AND ${UNTOLD(`'event:' || v.id`)}`);

/** Messages of which only an event has told that they were handed over: their time of sending lies before what `SENT` looks at. */
const SENT_BY_EVENT = store(`
  SELECT DISTINCT ep.tenant_id, ep.id AS endpoint_id, 'email.sent' AS event_type, 'sent:' || e.id AS fact_key, e.sent_at AS occurred_at, e.settled_at AS at,
         jsonb_build_object(${IDS}) AS data
    FROM email_events v
    JOIN webhook_endpoints ep ON ep.tenant_id = v.tenant_id AND ep.enabled AND ep.event_types @> ARRAY['email.sent'::varchar]
    JOIN emails e ON e.tenant_id = v.tenant_id AND e.id = v.email_id AND e.sent_at IS NOT NULL AND e.settled_at <> e.sent_at
     AND e.settled_at >= $1 AND e.settled_at >= ep.active_since
   WHERE v.applied_at >= $1 AND ${UNTOLD(`'sent:' || e.id`)}`);

/** By the index on a campaign's sent mail; campaigns that ended may still have had mail on its way. */
const SENT = store(`
  SELECT ep.tenant_id, ep.id AS endpoint_id, 'email.sent' AS event_type, 'sent:' || e.id AS fact_key, e.sent_at AS occurred_at, e.sent_at AS at,
         jsonb_build_object(${IDS}) AS data
    FROM webhook_endpoints ep
    JOIN campaigns c ON c.tenant_id = ep.tenant_id
     AND (c.status IN ('active', 'paused') OR greatest(c.completed_at, c.cancelled_at) >= $1::timestamptz - interval '15 minutes')
   CROSS JOIN LATERAL (
     SELECT * FROM emails s WHERE s.tenant_id = c.tenant_id AND s.campaign_id = c.id AND s.sent_at >= greatest($1, ep.active_since)
        AND ${UNTOLD(`'sent:' || s.id`)} ORDER BY s.sent_at LIMIT $3) e
   WHERE ep.enabled AND ep.event_types @> ARRAY['email.sent'::varchar]`);

const UNSENT = store(`
  SELECT ep.tenant_id, ep.id AS endpoint_id, 'email.' || e.status AS event_type, e.status || ':' || e.id AS fact_key, e.settled_at AS occurred_at,
         e.settled_at AS at, jsonb_build_object(${IDS}, 'reason', e.reason) AS data
    FROM webhook_endpoints ep
   CROSS JOIN LATERAL (
     SELECT * FROM emails s WHERE s.tenant_id = ep.tenant_id AND s.status IN ('failed', 'skipped') AND s.settled_at >= greatest($1, ep.active_since)
        AND ep.event_types @> ARRAY[('email.' || s.status)::varchar] AND ${UNTOLD(`s.status || ':' || s.id`)} ORDER BY s.settled_at LIMIT $3) e
   WHERE ep.enabled AND ep.event_types && ARRAY['email.failed', 'email.skipped']::varchar[]`);

const STATEMENTS: Record<FactSource, string[]> = { event: [EVENTS, SENT_BY_EVENT], sent: [SENT], unsent: [UNSENT] };

/** Turns facts into deliveries, for all tenants at once (system scope; every join is by tenant). Each statement may be repeated. */
@Injectable()
export class FactsQueries {
  /** What to look through next. Null if nobody subscribes to any of these, or another process is at it; holds the cursor until the transaction ends. */
  openWindow(tx: Tx, source: FactSource, eventTypes: readonly string[]): Promise<FactWindow | null> {
    return row(
      tx,
      `SELECT greatest(c.seen_until, s.since) AS "from",
              (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)), 0)::float8 * 1000 FROM pg_stat_activity a
                WHERE a.datname = current_database() AND a.backend_type = 'client backend') AS "oldestTransactionMs"
         FROM webhook_cursors c
        CROSS JOIN (SELECT min(active_since) AS since FROM webhook_endpoints WHERE enabled AND event_types && $2::varchar[]) s
        WHERE c.source = $1 AND s.since IS NOT NULL FOR UPDATE OF c SKIP LOCKED`,
      [source, eventTypes],
    );
  }

  /** Stores at most `limit` deliveries by each statement of the source. */
  async collect(tx: Tx, source: FactSource, from: Date, now: Date, limit: number): Promise<Stored[]> {
    const stored: Stored[] = [];
    for (const sql of STATEMENTS[source]) stored.push((await row<Stored>(tx, sql, [from, now, limit])) as Stored);
    return stored;
  }

  async moveCursor(tx: Tx, source: FactSource, to: Date): Promise<void> {
    await affected(tx, `UPDATE webhook_cursors SET seen_until = $2 WHERE source = $1 AND seen_until < $2`, [source, to]);
  }

  /** For every endpoint of the tenant that subscribes to it; one statement in the transaction of the change. */
  async addCampaignFact(tx: Tx, fact: CampaignFact): Promise<number> {
    return affected(
      tx,
      `INSERT INTO webhook_deliveries (tenant_id, endpoint_id, event_type, fact_key, occurred_at, data, due_at, created_at)
       SELECT $1, id, $3::varchar, $3 || ':' || $2::uuid || ':' || $6, $4, $5::jsonb, $4, $4 FROM webhook_endpoints
        WHERE tenant_id = $1 AND enabled AND event_types @> ARRAY[$3::varchar]
       ON CONFLICT (tenant_id, endpoint_id, fact_key) DO NOTHING`,
      [fact.tenantId, fact.campaignId, fact.eventType, fact.at, JSON.stringify(fact.data), fact.at.getTime().toString(36)],
    );
  }
}
