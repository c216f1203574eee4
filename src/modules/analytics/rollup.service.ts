import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { StepCountersQueries } from '../steps/index.js';
import { RollupQueries, type CampaignOfTenant, type StepTally } from './rollup.queries.js';

/** Deltas folded in one transaction: some tens of milliseconds. */
const BATCH = 20_000;

/** Batches of one run; what is left is for the next one, which follows at once. */
const BATCHES_PER_RUN = 10;

/**
 * Folds the deltas into the rollups, and brings the counters on the steps up to date with them. What it costs depends on what happened since the
 * last time. Reports do not need it: they add what is not folded yet.
 */
@Injectable()
export class Rollup {
  constructor(
    private readonly db: Database,
    private readonly queries: RollupQueries,
    private readonly steps: StepCountersQueries,
  ) {}

  /** Folds what there is, unless another process is at it. True while there is more. */
  async run(): Promise<boolean> {
    for (let batch = 0; batch < BATCHES_PER_RUN; batch++) {
      const hasMore = await this.db.asSystem(async (tx) => (await this.queries.tryLock(tx)) && this.foldBatch(tx));
      if (!hasMore) return false;
    }
    return true;
  }

  /** Folds all there is, in the open transaction (system scope), which is from then on the only one that folds. */
  async foldAll(tx: Tx): Promise<void> {
    await this.queries.lock(tx);
    while (await this.foldBatch(tx));
  }

  /** Writes the counters of these campaigns' steps that differ from the rollups. System scope. */
  async saveCounters(tx: Tx, campaigns: readonly CampaignOfTenant[]): Promise<void> {
    if (campaigns.length === 0) return;
    const byTenant = new Map<string, StepTally[]>();
    for (const tally of await this.queries.tallies(tx, campaigns))
      byTenant.set(tally.tenantId, [...(byTenant.get(tally.tenantId) ?? []), tally]);
    for (const [tenantId, tallies] of byTenant) await this.steps.save(tx, tenantId, tallies);
  }

  private async foldBatch(tx: Tx): Promise<boolean> {
    const { taken, campaigns } = await this.queries.fold(tx, BATCH);
    await this.saveCounters(tx, campaigns);
    const states = await this.queries.foldStates(tx, BATCH);
    return taken === BATCH || states === BATCH;
  }
}
