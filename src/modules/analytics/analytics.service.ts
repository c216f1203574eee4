import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { InjectTypedQueue, type TypedQueue } from '../../queue/index.js';
import { Clock } from '../../shared/clock.js';
import { ActivityQueries, type CampaignOfTenant } from './activity.queries.js';
import { type AnalyticsJobs, analyticsQueue } from './analytics.jobs.js';
import { DailyCountsQueries } from './daily-counts.queries.js';
import { StepCounters } from './step-counters.service.js';

/** Campaigns aggregated by one job and in one transaction. */
const CHUNK = 100;

/** What may have been committed only after a campaign was counted, although its time is earlier. */
const SLACK_SECONDS = 300;

/** Counting a campaign reads all its messages. */
const TIMEOUT_MS = 600_000;

export interface Aggregated {
  campaigns: number;
  /** Rows of `campaign_analytics` now stored for them. */
  days: number;
  failed: number;
}

/**
 * The daily aggregation (specification lines 580–600): `campaign_analytics` for every campaign to which something happened since it was last
 * counted, whatever its status. All days of a campaign are counted anew, so events that come late count on the day they happened. Idempotent:
 * running it twice, or twice at once, changes nothing.
 */
@Injectable()
export class AnalyticsService {
  private readonly logger = new Logger('Analytics');

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly activity: ActivityQueries,
    private readonly daily: DailyCountsQueries,
    private readonly counters: StepCounters,
    @InjectTypedQueue(analyticsQueue) private readonly queue: TypedQueue<AnalyticsJobs>,
  ) {}

  /** What the cron does: has workers aggregate what is stale, or does it here when the queue is away. Returns how many campaigns there are. */
  async runDaily(): Promise<number> {
    const stale = await this.listStale();
    let isQueueThere = true;
    for (const chunk of chunked(stale)) {
      isQueueThere &&= await this.queue.hint('aggregate-day', chunk);
      if (!isQueueThere) await this.aggregate(chunk.tenantId, chunk.campaignIds);
    }
    return stale.length;
  }

  /** The same in this process, without the queue. */
  async aggregateStale(): Promise<Aggregated> {
    return this.aggregateAll(await this.listStale());
  }

  /** Counts every campaign ever launched anew, of one tenant or of all. */
  async rebuild(tenantId: string | null = null): Promise<Aggregated> {
    return this.aggregateAll(await this.db.asSystem((tx) => this.activity.listLaunched(tx, tenantId)));
  }

  /**
   * Aggregates these campaigns, and brings the counters of their steps up to date. If one of them cannot be counted, the others are; the
   * fault is logged, and the next run tries again.
   */
  async aggregate(tenantId: string, campaignIds: string[]): Promise<Aggregated> {
    try {
      return await this.save(tenantId, campaignIds);
    } catch (error) {
      if (campaignIds.length > 1) return sum(await inTurn(campaignIds, (id) => this.aggregate(tenantId, [id])));
      this.logger.error(`Campaign ${campaignIds[0]} could not be aggregated: ${(error as Error).message}`, (error as Error).stack);
      return { campaigns: 0, days: 0, failed: 1 };
    }
  }

  private save(tenantId: string, campaignIds: string[]): Promise<Aggregated> {
    return this.db.inTenant(
      tenantId,
      async (tx) => {
        await this.daily.lock(tx, tenantId);
        const campaigns = await this.activity.zones(tx, tenantId, campaignIds);
        let days = 0;
        for (const campaign of campaigns) days += await this.daily.save(tx, tenantId, campaign, this.clock.now());
        await this.counters.refresh(
          tx,
          tenantId,
          campaigns.map(({ campaignId }) => campaignId),
        );
        return { campaigns: campaigns.length, days, failed: 0 };
      },
      { statementTimeoutMs: TIMEOUT_MS },
    );
  }

  private listStale(): Promise<CampaignOfTenant[]> {
    return this.db.asSystem((tx) => this.activity.listStale(tx, SLACK_SECONDS), { statementTimeoutMs: TIMEOUT_MS });
  }

  private async aggregateAll(campaigns: CampaignOfTenant[]): Promise<Aggregated> {
    return sum(await inTurn(chunked(campaigns), ({ tenantId, campaignIds }) => this.aggregate(tenantId, campaignIds)));
  }
}

/** Expects the campaigns ordered by tenant. */
function chunked(campaigns: CampaignOfTenant[]): AnalyticsJobs['aggregate-day'][] {
  const chunks: AnalyticsJobs['aggregate-day'][] = [];
  for (const { tenantId, campaignId } of campaigns) {
    const last = chunks.at(-1);
    if (last?.tenantId === tenantId && last.campaignIds.length < CHUNK) last.campaignIds.push(campaignId);
    else chunks.push({ tenantId, campaignIds: [campaignId] });
  }
  return chunks;
}

async function inTurn<Item, Result>(items: Item[], fn: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await fn(item));
  return results;
}

function sum(parts: Aggregated[]): Aggregated {
  const total: Aggregated = { campaigns: 0, days: 0, failed: 0 };
  for (const part of parts) {
    total.campaigns += part.campaigns;
    total.days += part.days;
    total.failed += part.failed;
  }
  return total;
}
