import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { StepCountersQueries } from '../steps/index.js';
import { ActivityQueries, type CampaignOfTenant } from './activity.queries.js';
import { StepCountsQueries } from './step-counts.queries.js';

/** How far back a new process looks for campaigns whose counters somebody may not have brought up to date. */
const FIRST_LOOK_BACK_MS = 15 * 60_000;

/** What may have been committed only after we looked, although its time is earlier. */
const OVERLAP_MS = 30_000;

/** A run stops after so long and leaves the rest to the next one. */
const RUN_BUDGET_MS = 1_000;

/** A campaign rests so many times as long as it took to count: however big it is, its counters cost ten per cent of one connection. */
const REST_FACTOR = 10;

const keyOf = ({ tenantId, campaignId }: CampaignOfTenant): string => `${tenantId}/${campaignId}`;

/**
 * Keeps the counters of `campaign_steps` true by counting, not by adding: nothing is written per message, and a lost or repeated event cannot
 * make them drift. Only campaigns to which something happened are counted.
 */
@Injectable()
export class StepCounters {
  private since: Date | null = null;
  private readonly pending = new Map<string, CampaignOfTenant>();
  private readonly restsUntil = new Map<string, number>();

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly activity: ActivityQueries,
    private readonly counts: StepCountsQueries,
    private readonly store: StepCountersQueries,
  ) {}

  /** Counts the steps of these campaigns and writes what differs. Safe to repeat. Returns how many steps changed. */
  async refresh(tx: Tx, tenantId: string, campaignIds: string[]): Promise<number> {
    return this.store.save(tx, tenantId, await this.counts.tally(tx, tenantId, campaignIds));
  }

  /**
   * Brings the counters of campaigns up to date to which something happened since the last call. Bounded: what does not fit into this run
   * stays for the next. Returns how many campaigns were counted.
   */
  async refreshChanged(): Promise<number> {
    const now = this.clock.now();
    const since = this.since ?? new Date(now.getTime() - FIRST_LOOK_BACK_MS);
    for (const campaign of await this.db.asSystem((tx) => this.activity.listActive(tx, since))) this.pending.set(keyOf(campaign), campaign);
    this.since = new Date(now.getTime() - OVERLAP_MS);
    const began = performance.now();
    this.forgetRested(began);
    let refreshed = 0;
    for (const [key, { tenantId, campaignId }] of this.pending) {
      const startedAt = performance.now();
      if (startedAt - began > RUN_BUDGET_MS) break;
      if (this.restsUntil.has(key)) continue;
      this.pending.delete(key);
      await this.db.inTenant(tenantId, (tx) => this.refresh(tx, tenantId, [campaignId]));
      const endedAt = performance.now();
      this.restsUntil.set(key, endedAt + (endedAt - startedAt) * REST_FACTOR);
      refreshed++;
    }
    return refreshed;
  }

  private forgetRested(now: number): void {
    for (const [key, until] of this.restsUntil) if (until <= now) this.restsUntil.delete(key);
  }
}
