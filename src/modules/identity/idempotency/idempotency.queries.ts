import { Injectable } from '@nestjs/common';
import { affected, row, type Tx } from '../../../database/index.js';

export interface KeptRequest {
  operation: string;
  requestHash: Buffer;
  responseStatus: number | null;
  responseBody: unknown;
}

@Injectable()
export class IdempotencyQueries {
  /**
   * Takes the key for this request: true for exactly one of any number of callers. An entry of the same operation that is older than a day, or
   * whose worker has been gone longer than its lease, is taken over; only with the same request in the latter case. The lease is by the
   * database's clock, because it compares processes.
   */
  async claim(
    tx: Tx,
    tenantId: string,
    claim: { key: string; operation: string; requestHash: Buffer; leaseSeconds: number },
  ): Promise<boolean> {
    const claimed = await affected(
      tx,
      `INSERT INTO idempotency_keys AS k (tenant_id, key, operation, request_hash, locked_until, created_at)
       VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5), clock_timestamp())
       ON CONFLICT (tenant_id, key, operation) DO UPDATE
          SET request_hash = excluded.request_hash, locked_until = excluded.locked_until, created_at = excluded.created_at,
              response_status = NULL, response_body = NULL
        WHERE k.created_at < clock_timestamp() - interval '24 hours'
           OR (k.response_status IS NULL AND k.locked_until < clock_timestamp() AND k.request_hash = excluded.request_hash)`,
      [tenantId, claim.key, claim.operation, claim.requestHash, claim.leaseSeconds],
    );
    return claimed === 1;
  }

  /** What is kept under this key for any operation, this one first. */
  async find(tx: Tx, tenantId: string, key: string, operation: string): Promise<KeptRequest | null> {
    return row<KeptRequest>(
      tx,
      `SELECT operation, request_hash AS "requestHash", response_status AS "responseStatus", response_body AS "responseBody"
         FROM idempotency_keys
        WHERE tenant_id = $1 AND key = $2 AND created_at >= clock_timestamp() - interval '24 hours'
        ORDER BY operation = $3 DESC
        LIMIT 1`,
      [tenantId, key, operation],
    );
  }

  /** Keeps the answer. Only of the request that holds the key: a lease that ran out may have been taken over with another hash. */
  async finish(
    tx: Tx,
    tenantId: string,
    answer: { key: string; operation: string; requestHash: Buffer; status: number; body: unknown },
  ): Promise<void> {
    await affected(
      tx,
      `UPDATE idempotency_keys SET response_status = $5, response_body = $6::jsonb, locked_until = NULL
        WHERE tenant_id = $1 AND key = $2 AND operation = $3 AND request_hash = $4 AND response_status IS NULL`,
      [
        tenantId,
        answer.key,
        answer.operation,
        answer.requestHash,
        answer.status,
        answer.body === undefined ? null : JSON.stringify(answer.body),
      ],
    );
  }

  /** Forgets a request that may be tried again. */
  async release(
    tx: Tx,
    tenantId: string,
    { key, operation, requestHash }: { key: string; operation: string; requestHash: Buffer },
  ): Promise<void> {
    await affected(
      tx,
      `DELETE FROM idempotency_keys
        WHERE tenant_id = $1 AND key = $2 AND operation = $3 AND request_hash = $4 AND response_status IS NULL`,
      [tenantId, key, operation, requestHash],
    );
  }

  /** Deletes entries older than a day, at most `limit` at once. System scope. */
  async deleteExpired(tx: Tx, limit: number): Promise<number> {
    return affected(
      tx,
      `DELETE FROM idempotency_keys
        WHERE ctid IN (SELECT ctid FROM idempotency_keys WHERE created_at < clock_timestamp() - interval '24 hours' ORDER BY created_at LIMIT $1)`,
      [limit],
    );
  }
}
