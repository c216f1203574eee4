import { Injectable } from '@nestjs/common';
import { affected, row, type Tx } from '../../database/index.js';
import type { TenantEvent } from './domain/sendgrid-events.js';
import type { BatchError } from './entities/webhook-batch.entity.js';

export interface WaitingBatch {
  id: string;
  tenantId: string | null;
  body: Buffer;
}

export interface BatchResult {
  eventCount: number;
  storedCount: number;
  ignoredCount: number;
  foreignCount: number;
  errorCount: number;
  errors: BatchError[] | null;
}

/** The only writer of `webhook_batches`; system scope, because an account may serve many tenants. */
@Injectable()
export class WebhookInboxQueries {
  async insert(tx: Tx, batch: { id: string; provider: string; tenantId: string | null; body: Buffer; receivedAt: Date }): Promise<void> {
    await affected(tx, `INSERT INTO webhook_batches (id, provider, tenant_id, body, received_at) VALUES ($1, $2, $3, $4, $5)`, [
      batch.id,
      batch.provider,
      batch.tenantId,
      batch.body,
      batch.receivedAt,
    ]);
  }

  /** Locks the oldest batch that waits; those another worker holds are passed over. */
  claim(tx: Tx): Promise<WaitingBatch | null> {
    return row(
      tx,
      `SELECT id, tenant_id AS "tenantId", body FROM webhook_batches WHERE processed_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`,
    );
  }

  async finish(tx: Tx, id: string, now: Date, result: BatchResult): Promise<void> {
    await affected(
      tx,
      `UPDATE webhook_batches SET processed_at = $2, body = NULL, event_count = $3, stored_count = $4, ignored_count = $5, foreign_count = $6,
              error_count = $7, errors = $8::jsonb
        WHERE id = $1`,
      [
        id,
        now,
        result.eventCount,
        result.storedCount,
        result.ignoredCount,
        result.foreignCount,
        result.errorCount,
        result.errors && JSON.stringify(result.errors),
      ],
    );
  }

  async deleteProcessed(tx: Tx, before: Date): Promise<number> {
    return affected(tx, `DELETE FROM webhook_batches WHERE processed_at IS NOT NULL AND received_at < $1`, [before]);
  }

  /**
   * Inserts what a provider told, once: an event is known if its provider's id is, or if the same happened to the same message in the same
   * second. The scalar subquery makes that one look into an index for each event, whatever the planner thinks of the table's size.
   */
  async insertEvents(tx: Tx, events: TenantEvent[]): Promise<number> {
    const column = <K extends keyof TenantEvent>(name: K) => events.map((event) => event[name] ?? null);
    return affected(
      tx,
      `INSERT INTO email_events (tenant_id, email_id, type, source, occurred_at, dedupe_key, is_machine, machine_reason, bounce_class, url,
         user_agent, detail, provider_event_id, received_at)
       SELECT v.*, clock_timestamp() FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::boolean[],
         $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
         AS v(tenant_id, email_id, type, source, occurred_at, dedupe_key, is_machine, machine_reason, bounce_class, url, user_agent, detail, provider_event_id)
        WHERE (SELECT x.id FROM email_events x WHERE x.tenant_id = v.tenant_id AND x.provider_event_id = v.provider_event_id LIMIT 1) IS NULL
       ON CONFLICT (tenant_id, dedupe_key, occurred_at) DO NOTHING`,
      [
        column('tenantId'),
        column('emailId'),
        column('type'),
        column('source'),
        column('occurredAt'),
        column('dedupeKey'),
        column('isMachine'),
        column('machineReason'),
        column('bounceClass'),
        column('url'),
        column('userAgent'),
        column('detail'),
        column('providerEventId'),
      ],
    );
  }

  /** Whether this answer is recorded already; others with the same key wait until the transaction ends. */
  async isKnown(tx: Tx, tenantId: string, dedupeKey: string): Promise<boolean> {
    await row(tx, `SELECT pg_advisory_xact_lock(hashtextextended('campaign-engine:reply:' || $1, 0))`, [dedupeKey]);
    return (await row(tx, `SELECT FROM email_events WHERE tenant_id = $1 AND dedupe_key = $2 LIMIT 1`, [tenantId, dedupeKey])) !== null;
  }
}
