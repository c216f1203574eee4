import { Injectable } from '@nestjs/common';
import { affected, row, type Tx } from '../../database/index.js';
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

  /** Locks the oldest batch that waits; those another worker holds, and those named, are passed over. */
  claim(tx: Tx, passedOver: string[]): Promise<WaitingBatch | null> {
    return row(
      tx,
      `SELECT id, tenant_id AS "tenantId", body FROM webhook_batches
        WHERE processed_at IS NULL AND id <> ALL ($1::uuid[]) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`,
      [passedOver],
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

  /** Whether this answer is recorded already; others with the same key wait until the transaction ends. */
  async isKnown(tx: Tx, tenantId: string, dedupeKey: string): Promise<boolean> {
    await row(tx, `SELECT pg_advisory_xact_lock(hashtextextended('campaign-engine:reply:' || $1, 0))`, [dedupeKey]);
    return (await row(tx, `SELECT FROM email_events WHERE tenant_id = $1 AND dedupe_key = $2 LIMIT 1`, [tenantId, dedupeKey])) !== null;
  }
}
