import { Injectable, Logger } from '@nestjs/common';
import { Database, rows, type Tx } from '../../database/index.js';
import { InjectTypedQueue, type TypedQueue } from '../../queue/index.js';
import { Clock } from '../../shared/clock.js';
import { type AnalyticsJobs, analyticsQueue } from './analytics.jobs.js';
import { DaysQueries, type DayScope } from './days.queries.js';
import { RollupQueries, type CampaignOfTenant } from './rollup.queries.js';
import { Rollup } from './rollup.service.js';

/** Days computed by one statement, and so in one transaction. */
const DAYS_PER_STATEMENT = 5_000;

/** Counting a campaign anew reads all its messages. */
const TIMEOUT_MS = 600_000;

const EVERYBODY: DayScope = { tenantId: null, campaignId: null };

export interface Aggregated {
  /** Campaigns of which days were computed. */
  campaigns: number;
  /** Days computed. */
  days: number;
  failed: number;
}

/**
 * The daily aggregation (specification lines 580–600): the rows of `campaign_analytics`. Only days to which something happened since they were last
 * computed, of all campaigns whatever their status, so events that come late count on the day they happened. Idempotent.
 */
@Injectable()
export class AnalyticsService {
  private readonly logger = new Logger('Analytics');
  /** They change with the server's version only. */
  private zones: string[] | null = null;

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly days: DaysQueries,
    private readonly rollups: RollupQueries,
    private readonly rollup: Rollup,
    @InjectTypedQueue(analyticsQueue) private readonly queue: TypedQueue<AnalyticsJobs>,
  ) {}

  /** What the cron does: has a worker compute the days that changed, or does it here when the queue is away. */
  async runDaily(): Promise<void> {
    if (!(await this.queue.hint('aggregate-days', {}, { dedupeId: 'aggregate-days' }))) await this.refreshDays();
  }

  /**
   * Computes the days that changed since they were last computed. Campaigns whose zone the database does not know are passed over, and counted as
   * failed in the log and the answer.
   */
  async refreshDays(): Promise<Aggregated> {
    const campaigns = new Set<string>();
    const total: Aggregated = { campaigns: 0, days: 0, failed: 0 };
    for (let isFirst = true; ; isFirst = false) {
      const done = await this.db.asSystem((tx) => this.refreshSome(tx, isFirst), { statementTimeoutMs: TIMEOUT_MS });
      total.days += done.days;
      total.failed = done.failed;
      for (const id of done.campaigns) campaigns.add(id);
      if (done.days < DAYS_PER_STATEMENT) return { ...total, campaigns: campaigns.size };
    }
  }

  /**
   * Counts every campaign ever launched anew from the ledger, the events and the enrolments: rollups, days and the counters of steps, of one tenant or
   * of all. May run while everything else does.
   */
  async rebuild(tenantId: string | null = null): Promise<Aggregated> {
    const total: Aggregated = { campaigns: 0, days: 0, failed: 0 };
    for (const campaign of await this.db.asSystem((tx) => this.rollups.listLaunched(tx, tenantId))) {
      try {
        total.days += await this.db.asSystem((tx) => this.recount(tx, campaign), { statementTimeoutMs: TIMEOUT_MS });
        total.campaigns++;
      } catch (error) {
        this.logger.error(`Campaign ${campaign.campaignId} could not be counted: ${(error as Error).message}`, (error as Error).stack);
        total.failed++;
      }
    }
    return total;
  }

  private async refreshSome(tx: Tx, isFirst: boolean): Promise<{ days: number; campaigns: string[]; failed: number }> {
    const nothing = { days: 0, campaigns: [], failed: 0 };
    await this.rollup.foldAll(tx);
    if (isFirst && !(await this.days.isAnyDirty(tx))) return nothing;
    const zones = await this.knownZones(tx);
    const unknown = await this.days.withoutZone(tx, zones);
    for (const { campaignId, timezone } of unknown) {
      this.logger.error(`The days of campaign ${campaignId} cannot be computed: the database does not know its time zone ${timezone}`);
    }
    const saved = await this.days.save(tx, EVERYBODY, zones, this.clock.now(), DAYS_PER_STATEMENT);
    return { ...saved, failed: unknown.length };
  }

  private async recount(tx: Tx, campaign: CampaignOfTenant): Promise<number> {
    const { tenantId, campaignId } = campaign;
    await rows(tx, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await this.rollups.shut(tx);
    await this.rollups.recount(tx, campaign);
    await this.rollup.saveCounters(tx, [campaign]);
    await this.days.clear(tx, tenantId, campaignId);
    const saved = await this.days.save(tx, campaign, await this.knownZones(tx), this.clock.now(), Number.MAX_SAFE_INTEGER);
    return saved.days;
  }

  private async knownZones(tx: Tx): Promise<string[]> {
    this.zones ??= await this.days.zones(tx);
    return this.zones;
  }
}
