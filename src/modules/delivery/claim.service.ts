import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { failPoint } from '../../shared/fail-point.js';
import { Ids } from '../../shared/ids.js';
import { DeliveryQueries } from './delivery.queries.js';
import type { ClaimedEmail } from './delivery.types.js';

export interface Claim {
  token: string;
  emails: ClaimedEmail[];
  /** performance.now() after which these rows must not be fired any more: half of the lease is gone. */
  fireBy: number;
}

/** Takes due rows into this worker's hands for a while. Nothing is sent yet, so losing a claim is harmless. */
@Injectable()
export class ClaimService {
  constructor(
    private readonly db: Database,
    private readonly queries: DeliveryQueries,
    private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Up to `limit` due rows, oldest first, that nobody else holds; `after` is where the last claim of the same run ended. */
  async claim(tenantId: string, campaignId: string, limit: number, after: { dueAt: Date; id: string } | null): Promise<Claim> {
    const token = this.ids.uuid();
    const leaseSeconds = this.config.engine.claimLeaseSeconds;
    const fireBy = performance.now() + (leaseSeconds * 1000) / 2;
    const request = { campaignId, token, now: this.clock.now(), limit, leaseSeconds, after };
    const emails = await this.db.inTenant(tenantId, async (tx) => {
      const claimed = await this.queries.claim(tx, tenantId, request);
      await failPoint('claim_before_commit');
      return claimed;
    });
    await failPoint('after_claim');
    return { token, emails, fireBy };
  }

  release(tenantId: string, token: string, ids: string[]): Promise<number> {
    return this.db.inTenant(tenantId, (tx) => this.queries.release(tx, tenantId, token, ids));
  }
}
