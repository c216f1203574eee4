import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { CampaignsService } from '../campaigns/index.js';
import type { TenantContext } from '../identity/index.js';
import { balanceLedger, countsDiffer, type LedgerReport } from './domain/ledger-balance.js';
import { LedgerCheckQueries } from './ledger-check.queries.js';
import { RollupQueries } from './rollup.queries.js';

/** Invariant I4 in numbers: is everybody who was enrolled accounted for, and every message that was planned? And I8: do the rollups equal a recount? */
@Injectable()
export class LedgerCheck {
  constructor(
    private readonly db: Database,
    private readonly queries: LedgerCheckQueries,
    private readonly rollups: RollupQueries,
    private readonly campaigns: CampaignsService,
  ) {}

  /**
   * A report of this campaign, or of every launched campaign of the tenant, with the rollups compared. Reads one snapshot for each of the two, so it may
   * be asked while the engine works; recounts everything, so not for requests. `isSound(report)` tells whether all is well; an unknown campaign has none.
   */
  async check(tx: Tx, tenantId: string, campaignId?: string): Promise<LedgerReport[]> {
    const reports = balanceLedger(await this.queries.facts(tx, tenantId, campaignId ?? null));
    const differences = await this.rollups.differences(tx, tenantId, campaignId ?? null);
    const wrong = new Map(differences.map((one) => [one.campaignId, countsDiffer(one.count, one.example)]));
    return reports.map((report) => ({ ...report, problems: [...report.problems, ...(wrong.get(report.campaignId) ?? [])] }));
  }

  /** Everybody there is, for checks of the whole installation. */
  listTenants(): Promise<string[]> {
    return this.db.asSystem((tx) => this.queries.tenants(tx));
  }

  /** What the API answers: the ledger alone, without a recount of what is rolled up. */
  async of(ctx: TenantContext, campaignId: string): Promise<LedgerReport> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      await this.campaigns.get(tx, ctx.tenantId, campaignId);
      return balanceLedger(await this.queries.facts(tx, ctx.tenantId, campaignId))[0];
    });
  }
}
