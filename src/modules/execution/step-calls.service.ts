import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { decodeIdCursor, keysetPage, type PageQuery } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { CampaignsService } from '../campaigns/index.js';
import type { TenantContext } from '../identity/index.js';
import { StepNotFoundError } from '../steps/index.js';
import type { CallStatus } from './entities/index.js';
import { type CallRow, StepCallsQueries } from './step-calls.queries.js';

/** Calls of actions "webhook": entered in the book while contacts pass the step, listed for people. */
@Injectable()
export class StepCalls {
  constructor(
    private readonly db: Database,
    private readonly queries: StepCallsQueries,
    private readonly campaigns: CampaignsService,
  ) {}

  /** See `StepCallsQueries.record`. Returns how many are new. */
  record(tx: Tx, tenantId: string, calls: Parameters<StepCallsQueries['record']>[2]): Promise<number> {
    return this.queries.record(tx, tenantId, calls);
  }

  /** Ends up to `limit` calls that wait; 0 when none does. Repeatable. */
  cancel(tx: Tx, tenantId: string, campaignId: string, reason: string, limit: number): Promise<number> {
    return this.queries.cancel(tx, tenantId, campaignId, reason, limit);
  }

  /** Newest first. Throws for a step that is not the campaign's or makes no calls. */
  async list(
    { tenantId }: TenantContext,
    campaignId: string,
    stepId: string,
    { limit, cursor, status }: PageQuery & { status?: CallStatus },
  ): Promise<Page<CallRow>> {
    const page = { before: decodeIdCursor(cursor), status: status ?? null, limit: limit + 1 };
    const found = await this.db.inTenant(tenantId, async (tx) => {
      await this.campaigns.get(tx, tenantId, campaignId);
      if (!(await this.queries.isCallingStep(tx, tenantId, campaignId, stepId))) throw new StepNotFoundError();
      return this.queries.list(tx, tenantId, { campaignId, stepId }, page);
    });
    return keysetPage(found, limit, ({ id }) => ({ id }));
  }
}
