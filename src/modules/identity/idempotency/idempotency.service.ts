import { Injectable } from '@nestjs/common';
import { Database } from '../../../database/index.js';
import { IdempotencyInProgressError, IdempotencyKeyReusedError } from '../identity.errors.js';
import { IdempotencyQueries } from './idempotency.queries.js';

/** A write that named a key. */
export interface KeyedRequest {
  tenantId: string;
  key: string;
  /** `POST /api/campaigns/:id/launch`: the route, not the path. */
  operation: string;
  /** Over everything that makes it this request: who, path, query, body. */
  requestHash: Buffer;
  leaseSeconds: number;
}

export interface KeptAnswer {
  status: number;
  body: unknown;
}

/**
 * Remembers answers to writes by the client's `Idempotency-Key`, for a day. The answer is kept in a transaction after the one of the work: a
 * process that dies in between leaves the key held for the length of the lease, after which the same request runs again.
 */
@Injectable()
export class IdempotencyService {
  constructor(
    private readonly db: Database,
    private readonly queries: IdempotencyQueries,
  ) {}

  /** Null: the caller now holds the key and does the work. Otherwise the answer given before; or it throws (in progress, or another request). */
  async begin(request: KeyedRequest): Promise<KeptAnswer | null> {
    const { tenantId, key, operation } = request;
    return this.db.inTenant(tenantId, async (tx) => {
      const before = await this.queries.find(tx, tenantId, key, operation);
      if (before && before.operation !== operation) throw new IdempotencyKeyReusedError();
      if (await this.queries.claim(tx, tenantId, request)) return null;
      const kept = await this.queries.find(tx, tenantId, key, operation);
      if (!kept) throw new IdempotencyInProgressError();
      if (!kept.requestHash.equals(request.requestHash)) throw new IdempotencyKeyReusedError();
      if (kept.responseStatus === null) throw new IdempotencyInProgressError();
      return { status: kept.responseStatus, body: kept.responseBody };
    });
  }

  async finish(request: KeyedRequest, answer: KeptAnswer): Promise<void> {
    await this.db.inTenant(request.tenantId, (tx) => this.queries.finish(tx, request.tenantId, { ...request, ...answer }));
  }

  async release(request: KeyedRequest): Promise<void> {
    await this.db.inTenant(request.tenantId, (tx) => this.queries.release(tx, request.tenantId, request));
  }

  /** Deletes what is older than a day, in batches; returns how many. For a cron. */
  async deleteExpired(batch = 1_000): Promise<number> {
    let total = 0;
    for (;;) {
      const deleted = await this.db.asSystem((tx) => this.queries.deleteExpired(tx, batch));
      total += deleted;
      if (deleted < batch) return total;
    }
  }
}
