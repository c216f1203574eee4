import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Clock } from '../../shared/clock.js';
import { failPoint } from '../../shared/fail-point.js';
import { Database, DatabaseUnavailableError, sqlState, type Tx } from '../../database/index.js';
import { type Campaign, CampaignsService, shareSteps } from '../campaigns/index.js';
import { type DueEnrollment, EnrollmentService } from '../enrollment/index.js';
import { type Flow, StepsService, mergeFlows } from '../steps/index.js';
import { Walk } from './domain/walk.js';
import { StepHandlers } from './step-handlers.js';

const FLOWS_KEPT = 200;

/**
 * The step engine: claim due enrolments, decide in memory, write once. A contact goes on within one run until it meets an email or a wait
 * that has not ended, so a run costs one claim and one update per contact, whatever the number of steps between.
 *
 * Any number of workers may advance one campaign: a claim passes over rows another one holds, and a batch is one transaction, so a worker
 * that dies leaves nothing half done.
 */
@Injectable()
export class StepEngine {
  private readonly logger = new Logger(StepEngine.name);
  private readonly flows = new Map<string, Flow>();

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    private readonly campaigns: CampaignsService,
    private readonly steps: StepsService,
    private readonly enrollments: EnrollmentService,
    private readonly handlers: StepHandlers,
  ) {}

  /**
   * Advances everybody due in the campaign, in batches, until nobody is or `maxMs` is used up (`more` tells). Does nothing for a campaign that
   * is not active or whose end has come.
   */
  async advanceCampaign(tenantId: string, campaignId: string, { maxMs }: { maxMs: number }): Promise<{ advanced: number; more: boolean }> {
    const deadline = performance.now() + maxMs;
    let advanced = 0;
    for (;;) {
      const claimed = await this.batch(tenantId, campaignId, null);
      await failPoint('advance_after_commit');
      advanced += claimed;
      if (claimed < this.config.engine.advanceBatch) return { advanced, more: false };
      if (performance.now() > deadline) return { advanced, more: true };
    }
  }

  /** One transaction; when its contacts make it fail, it is taken apart so that one bad row stops nobody else (I10). */
  private async batch(tenantId: string, campaignId: string, ids: string[] | null): Promise<number> {
    let claimed: string[] = ids ?? [];
    try {
      return await this.db.inTenant(tenantId, async (tx) => {
        await shareSteps(tx, campaignId);
        const campaign = await this.campaigns.get(tx, tenantId, campaignId);
        const now = this.clock.now();
        if (campaign.status !== 'active' || (campaign.endDate && campaign.endDate <= now)) return 0;
        const due = await this.enrollments.claimDue(tx, tenantId, campaignId, now, this.config.engine.advanceBatch, ids);
        claimed = due.map(({ id }) => id);
        if (due.length > 0) await this.walk(tx, campaign, now, due);
        await failPoint('advance_before_commit');
        return due.length;
      });
    } catch (error) {
      if (!isDueToData(error) || claimed.length === 0) throw error;
      return this.takeApart(tenantId, campaignId, claimed, error as Error);
    }
  }

  private async walk(tx: Tx, campaign: Campaign, now: Date, due: DueEnrollment[]): Promise<void> {
    const { tenantId, id: campaignId, timezone: campaignZone, sendStrategy } = campaign;
    const flow = await this.flowFor(tx, campaign, due);
    const walk = new Walk(flow, due);
    const run = { tx, tenantId, campaignId, campaignZone, sendStrategy, isEdited: campaign.stepsRevision > 0, now, walk };
    await walk.run(async (stepId, group) => {
      const step = flow.steps.get(stepId)!;
      await this.handlers.byType[step.type](run, step, group);
    });
    await this.enrollments.applyMoves(tx, tenantId, now, walk.moves);
  }

  /** Halves until the contacts that fail stand alone; those are recorded and tried again later, the others go their way. */
  private async takeApart(tenantId: string, campaignId: string, ids: string[], error: Error): Promise<number> {
    if (ids.length > 1) {
      const middle = Math.ceil(ids.length / 2);
      const first = await this.batch(tenantId, campaignId, ids.slice(0, middle));
      return first + (await this.batch(tenantId, campaignId, ids.slice(middle)));
    }
    this.logger.warn(`A contact could not be advanced (campaign ${campaignId}, enrolment ${ids[0]}): ${error.message}`);
    const now = this.clock.now();
    await this.db.inTenant(tenantId, (tx) => this.enrollments.recordFailure(tx, tenantId, ids[0], error.message, now));
    return 1;
  }

  /** The flow of the live version, or of all versions that the claimed contacts stand in: whom an edit has not moved goes its way to the end. */
  private async flowFor(tx: Tx, campaign: Campaign, due: DueEnrollment[]): Promise<Flow> {
    const live = await this.kept(`${campaign.id}:${campaign.stepsVersion}`, () =>
      this.steps.loadFlow(tx, campaign.tenantId, campaign.id, campaign.stepsVersion),
    );
    const elsewhere = [...new Set(due.map(({ stepId }) => stepId))].filter((id) => !live.steps.has(id)).sort();
    if (elsewhere.length === 0) return live;
    const others = await this.steps.versionsOf(tx, campaign.tenantId, elsewhere);
    return this.kept(`${campaign.id}:${[campaign.stepsVersion, ...others].join('+')}`, async () => {
      const flows = [live];
      for (const version of others) flows.push(await this.steps.loadFlow(tx, campaign.tenantId, campaign.id, version));
      return mergeFlows(flows);
    });
  }

  /** The steps of a version that is or was live do not change, so their flow is kept. */
  private async kept(key: string, load: () => Promise<Flow>): Promise<Flow> {
    const known = this.flows.get(key);
    if (known) return known;
    const flow = await load();
    if (this.flows.size >= FLOWS_KEPT) this.flows.delete(this.flows.keys().next().value!);
    this.flows.set(key, flow);
    return flow;
  }
}

/** Whether these rows are to blame: bad data (SQLSTATE 22, 23) or a fault in our own code, rather than the database or the network. */
function isDueToData(error: unknown): boolean {
  if (error instanceof DatabaseUnavailableError) return false;
  const state = sqlState(error);
  if (state) return state.startsWith('22') || state.startsWith('23');
  return !(error as { code?: unknown }).code;
}
