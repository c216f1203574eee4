import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock.js';
import { Database } from '../../database/index.js';
import { InjectTypedQueue, TypedQueue } from '../../queue/index.js';
import { CampaignLaunchStore } from '../campaigns/index.js';
import { AudienceEnrollment, EnrollmentService } from '../enrollment/index.js';
import { type ExecutionJobs, executionQueue } from './execution.jobs.js';
import { type CampaignRef, ExecutionQueries } from './execution.queries.js';
import { StepEngine } from './step-engine.service.js';

/** How long one job works on one campaign before it goes to the back of the queue: what keeps a large campaign from starving a small one. */
const SLICE_MS = 2_000;
const CAMPAIGNS_PER_SWEEP = 500;
/** BullMQ keeps a wake-up as long as this; the sweep finds what is due later. */
const LONGEST_WAKE_UP_MS = 24 * 3_600_000;

/** Turns rows that call for work into jobs, and jobs into slices of work. Jobs are hints: each looks at the rows again. */
@Injectable()
export class ExecutionService {
  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly queries: ExecutionQueries,
    private readonly launches: CampaignLaunchStore,
    private readonly audience: AudienceEnrollment,
    private readonly enrollments: EnrollmentService,
    private readonly engine: StepEngine,
    @InjectTypedQueue(executionQueue) private readonly queue: TypedQueue<ExecutionJobs>,
  ) {}

  /** Finds campaigns that are being enrolled or have somebody due, and puts a job for each on the queue. */
  async sweep(): Promise<number> {
    const now = this.clock.now();
    const { enrolling, due } = await this.db.asSystem(async (tx) => ({
      enrolling: await this.launches.listEnrolling(tx, CAMPAIGNS_PER_SWEEP),
      due: await this.queries.listDue(tx, now, CAMPAIGNS_PER_SWEEP),
    }));
    for (const { tenantId, id } of enrolling) await this.hint('enroll-campaign', { tenantId, campaignId: id });
    for (const campaign of due) await this.hint('advance-campaign', campaign);
    return enrolling.length + due.length;
  }

  async enroll(campaign: CampaignRef): Promise<void> {
    const { enrolled, more } = await this.audience.enrollCampaign(campaign.tenantId, campaign.campaignId, { maxMs: SLICE_MS });
    if (more) await this.hint('enroll-campaign', campaign);
    if (enrolled > 0) await this.hint('advance-campaign', campaign);
  }

  async advance(campaign: CampaignRef): Promise<void> {
    const { more } = await this.engine.advanceCampaign(campaign.tenantId, campaign.campaignId, { maxMs: SLICE_MS });
    if (more) await this.hint('advance-campaign', campaign);
    else await this.wakeUpWhenDue(campaign);
  }

  /** Keeps one delayed job at the campaign's next due time, so that a wait of ten minutes ends after ten minutes even between sweeps. */
  private async wakeUpWhenDue(campaign: CampaignRef): Promise<void> {
    const next = await this.db.inTenant(campaign.tenantId, (tx) => this.enrollments.nextDueAt(tx, campaign.tenantId, campaign.campaignId));
    if (!next) return;
    const delayMs = Math.max(0, next.getTime() - this.clock.now().getTime());
    if (delayMs > LONGEST_WAKE_UP_MS) return;
    await this.queue.hint('advance-campaign', campaign, { dedupeId: `wake-${campaign.campaignId}`, delayMs, replace: true });
  }

  private hint(job: keyof ExecutionJobs, campaign: CampaignRef): Promise<boolean> {
    const payload = { tenantId: campaign.tenantId, campaignId: campaign.campaignId };
    return this.queue.hint(job, payload, { dedupeId: `${job}-${campaign.campaignId}` });
  }
}
