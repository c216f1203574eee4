import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../shared/clock.js';
import { Database } from '../../database/index.js';
import { CampaignLaunchService, CampaignLaunchStore } from '../campaigns/index.js';
import { DeliveryService } from '../delivery/index.js';
import { EnrollmentService } from '../enrollment/index.js';
import { type CampaignRef, ExecutionQueries } from './execution.queries.js';
import { StepCalls } from './step-calls.service.js';

const CAMPAIGNS_PER_RUN = 100;
const EXIT_CHUNK = 10_000;

/**
 * What happens to campaigns by themselves: a scheduled one starts, one whose end has come lets go of everybody, a cancelled one is cleared, a
 * finished one is completed. Every method looks for the rows that call for it and is safe to run anywhere, at any time, twice at once.
 */
@Injectable()
export class CampaignLifecycleRunner {
  private readonly logger = new Logger(CampaignLifecycleRunner.name);

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly queries: ExecutionQueries,
    private readonly launcher: CampaignLaunchService,
    private readonly launches: CampaignLaunchStore,
    private readonly enrollments: EnrollmentService,
    private readonly delivery: DeliveryService,
    private readonly calls: StepCalls,
  ) {}

  /** All of it once; tells how many campaigns changed. */
  async runOnce(): Promise<{ started: number; ended: number; cleared: number; completed: number }> {
    return {
      started: await this.startDue(),
      ended: await this.endDue(),
      cleared: await this.clearCancelled(),
      completed: await this.completeFinished(),
    };
  }

  /** Launches scheduled campaigns whose start has come, by the same checks as a launch by hand. */
  async startDue(): Promise<number> {
    const due = await this.db.asSystem((tx) => this.launches.listDueToStart(tx, this.clock.now(), CAMPAIGNS_PER_RUN));
    return this.forEach(due.map(refOf), 'start', ({ tenantId, campaignId }) => this.launcher.launchScheduled(tenantId, campaignId));
  }

  /** `end_date`: who is still on the way leaves with `campaign_ended`, queued mail is skipped. Completion follows. */
  async endDue(): Promise<number> {
    const ended = await this.db.asSystem((tx) => this.launches.listEnded(tx, this.clock.now(), CAMPAIGNS_PER_RUN));
    return this.forEach(ended.map(refOf), 'end', (campaign) => this.letGo(campaign, 'campaign_ended'));
  }

  /** Calls that a cancelled campaign has yet to make are not made; one that has ended or is completed makes them. */
  async clearCancelled(): Promise<number> {
    const cancelled = await this.db.asSystem((tx) => this.queries.listCancelledOpen(tx, CAMPAIGNS_PER_RUN));
    return this.forEach(cancelled, 'clear', async (campaign) => {
      await this.letGo(campaign, 'campaign_cancelled');
      const { tenantId, campaignId } = campaign;
      for (let stopped = EXIT_CHUNK; stopped === EXIT_CHUNK;)
        stopped = await this.db.inTenant(tenantId, (tx) => this.calls.cancel(tx, tenantId, campaignId, 'campaign_cancelled', EXIT_CHUNK));
    });
  }

  /** Completes finite campaigns in which nothing is open (I5), each under its lock and after a second look. */
  async completeFinished(): Promise<number> {
    const candidates = await this.db.asSystem((tx) => this.queries.listCompletable(tx, this.clock.now(), CAMPAIGNS_PER_RUN));
    return this.forEach(candidates, 'complete', async ({ tenantId, campaignId }) => {
      const now = this.clock.now();
      if (await this.db.inTenant(tenantId, (tx) => this.launches.complete(tx, tenantId, campaignId, now)))
        this.logger.log(`Campaign ${campaignId} completed`);
    });
  }

  private async letGo({ tenantId, campaignId }: CampaignRef, reason: 'campaign_ended' | 'campaign_cancelled'): Promise<void> {
    const now = this.clock.now();
    for (let exited = EXIT_CHUNK; exited === EXIT_CHUNK;)
      exited = await this.db.inTenant(tenantId, (tx) => this.enrollments.exit(tx, tenantId, { campaignId }, reason, now, EXIT_CHUNK));
    for (let stopped = EXIT_CHUNK; stopped === EXIT_CHUNK;)
      stopped = await this.db.inTenant(tenantId, (tx) => this.delivery.cancelQueued(tx, tenantId, campaignId, reason, EXIT_CHUNK));
  }

  /** One campaign's failure stops no other's (I10). */
  private async forEach(campaigns: CampaignRef[], what: string, act: (campaign: CampaignRef) => Promise<unknown>): Promise<number> {
    let done = 0;
    for (const campaign of campaigns) {
      try {
        await act(campaign);
        done += 1;
      } catch (error) {
        this.logger.error(`Could not ${what} campaign ${campaign.campaignId}: ${(error as Error).message}`, (error as Error).stack);
      }
    }
    return done;
  }
}

const refOf = ({ tenantId, id }: { tenantId: string; id: string }): CampaignRef => ({ tenantId, campaignId: id });
