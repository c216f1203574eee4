import { Injectable, Logger } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { durationMs } from '../../shared/duration.js';
import { failPoint } from '../../shared/fail-point.js';
import { CAMPAIGN_LOCK, CampaignsService } from '../campaigns/index.js';
import { EnrollmentService } from '../enrollment/index.js';
import { AuditService, systemContext } from '../identity/index.js';
import { StepsService, lineOf, type FlowStep } from '../steps/index.js';
import { judge, type Verdict } from './domain/decision.js';
import { placementOf, type Placement } from './domain/placement.js';
import { ExperimentsQueries, type StepRef } from './experiments.queries.js';
import type { Decision, VariantFigures } from './domain/test-state.js';

const STEPS_PER_RUN = 50;
const RELEASE_CHUNK = 10_000;

export interface VersionChange {
  tenantId: string;
  campaignId: string;
  /** The one that goes live. */
  version: number;
  /** Steps whose test goes on, and which variant goes on as which. */
  tests: { from: string; to: string; variants: ReadonlyMap<string, string> }[];
  onlyThis: boolean;
  now: Date;
}

/**
 * A/B tests of email steps. Who gets what is drawn from ids, so it can be drawn again; who waits does so by a due time of the enrolment; and
 * the decision is a row. So a process that dies anywhere loses nobody: the next run finds what is left to decide and whom to let go.
 */
@Injectable()
export class ExperimentsService {
  private readonly logger = new Logger('Experiments');

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly queries: ExperimentsQueries,
    private readonly campaigns: CampaignsService,
    private readonly steps: StepsService,
    private readonly enrollments: EnrollmentService,
    private readonly audit: AuditService,
  ) {}

  /**
   * Places contacts that have come to an email step with variants, in the engine's transaction. Shares the campaign's lock until it ends: a
   * decision waits for it, so that nobody can be told to wait for a decision that has been made.
   */
  async place(
    tx: Tx,
    { tenantId, campaignId, now }: { tenantId: string; campaignId: string; now: Date },
    step: FlowStep,
    contactIds: readonly string[],
  ): Promise<Placement[]> {
    const experiment = step.experiment!;
    if (experiment.test) await this.queries.shareCampaign(tx, CAMPAIGN_LOCK, campaignId);
    let decision = await this.queries.find(tx, tenantId, step.id);
    if (!decision && experiment.test) {
      const { minDuration, maxDuration } = experiment.test;
      const at = (ms: number) => new Date(now.getTime() + ms);
      const times = { now, nextLookAt: at(durationMs(minDuration)), deadline: at(durationMs(maxDuration)) };
      await this.queries.begin(tx, { tenantId, campaignId, stepId: step.id }, times);
      decision = await this.queries.find(tx, tenantId, step.id);
    }
    return contactIds.map((contactId) => placementOf(experiment, decision, { campaignId, stepId: lineOf(step), contactId }, now));
  }

  /** The tests of a campaign that have begun, by step. */
  async decisions(tx: Tx, tenantId: string, campaignId: string): Promise<Map<string, Decision>> {
    return new Map((await this.queries.list(tx, tenantId, campaignId)).map((decision) => [decision.stepId, decision]));
  }

  /** What became of each variant's messages; with `until` only of those planned by then. Variants without messages are missing. */
  figures(tx: Tx, ref: StepRef, goalEvent: string | null, until: Date | null): Promise<VariantFigures[]> {
    return this.queries.figures(tx, ref, goalEvent, until);
  }

  /** How many wait at the step for its decision. */
  countWaiting(tx: Tx, ref: StepRef): Promise<number> {
    return this.queries.countWaiting(tx, ref);
  }

  /**
   * Another version of the steps goes live: tests that go on unchanged keep their state, under the ids that the new version gave the step and its variants.
   * `onlyThis`: nobody is at the steps of other versions any more. Call with the campaign locked (`CampaignSteps.lockAlone`).
   */
  async changeVersion(tx: Tx, change: VersionChange): Promise<void> {
    const { tenantId, campaignId, version, tests, onlyThis, now } = change;
    const decisions = await this.decisions(tx, tenantId, campaignId);
    for (const { from, to, variants } of tests) {
      const decision = decisions.get(from);
      if (!decision) continue;
      const renamed = (id: string | null): string | null => (id === null ? null : (variants.get(id) ?? null));
      const figures = decision.figures?.map((figure) => ({ ...figure, variantId: renamed(figure.variantId) ?? figure.variantId })) ?? null;
      await this.queries.carryOn(tx, tenantId, { stepId: to, winnerVariantId: renamed(decision.winnerVariantId), figures }, from);
    }
    await this.queries.watchVersion(tx, tenantId, campaignId, version, onlyThis, now);
  }

  /** Makes the decisions that are due and lets go who waited for one. Safe to run anywhere, at any time, twice at once. */
  async runOnce(): Promise<{ looked: number; released: number }> {
    const now = this.clock.now();
    const { due, open } = await this.db.asSystem(async (tx) => ({
      due: await this.queries.listDue(tx, now, STEPS_PER_RUN),
      open: await this.queries.listUnreleased(tx, STEPS_PER_RUN),
    }));
    await this.forEach(due, 'judge', (step) => this.look(step));
    const decided = due.length === 0 ? open : await this.db.asSystem((tx) => this.queries.listUnreleased(tx, STEPS_PER_RUN));
    const released = await this.forEach(decided, 'release', (step) => this.release(step));
    return { looked: due.length, released };
  }

  /** One look at a test. Counting takes its time, so it comes before the lock; what arrives meanwhile is for the next look. */
  private async look(ref: StepRef): Promise<void> {
    const verdict = await this.db.inTenant(ref.tenantId, async (tx) => {
      const step = await this.steps.find(tx, ref.tenantId, ref.campaignId, ref.stepId);
      if (!step?.abTest) return null;
      const figures = await this.queries.figures(tx, ref, step.abTest.goalEvent);
      const isWaiting = figures.length === 0 && (await this.queries.isWaitingToBegin(tx, ref));
      await this.queries.lockCampaign(tx, CAMPAIGN_LOCK, ref.campaignId);
      const decision = await this.queries.find(tx, ref.tenantId, ref.stepId);
      const { status } = await this.campaigns.get(tx, ref.tenantId, ref.campaignId);
      const now = this.clock.now();
      if (decision?.status !== 'testing' || !decision.nextLookAt || decision.nextLookAt > now) return null;
      if (status !== 'active' && status !== 'completed') return null;
      const verdict = judge({ variants: step.variants, test: step.abTest }, decision, figures, isWaiting, now);
      await this.write(tx, ref, verdict, figures, now);
      await failPoint('ab_decide_before_commit');
      return verdict;
    });
    if (verdict?.kind === 'decided')
      this.logger.log(`A/B test decided (campaign ${ref.campaignId}, step ${ref.stepId}): ${verdict.reason}`);
  }

  private async write(tx: Tx, ref: StepRef, verdict: Verdict, figures: VariantFigures[], now: Date): Promise<void> {
    if (verdict.kind === 'continue') {
      await this.queries.look(tx, ref, verdict);
      return;
    }
    const { outcome, winnerVariantId, reason, looks } = verdict;
    await this.queries.decide(tx, ref, { outcome, winnerVariantId, reason, figures, now, by: 'system', looks });
    await this.audit.record(tx, systemContext(ref.tenantId), {
      action: 'campaign.ab_decided',
      entityType: 'campaign',
      entityId: ref.campaignId,
      after: { stepId: ref.stepId, outcome, winnerVariantId, reason },
    });
  }

  /** In pieces, so that no lock is held for long. Nobody new can be waiting: `place` sees the decision. */
  private async release(ref: StepRef): Promise<void> {
    const { tenantId, campaignId, stepId } = ref;
    for (let released = RELEASE_CHUNK; released === RELEASE_CHUNK;) {
      released = await this.db.inTenant(tenantId, async (tx) => {
        const now = this.clock.now();
        const count = await this.enrollments.letGo(tx, tenantId, { campaignId, stepId, now, limit: RELEASE_CHUNK });
        if (count < RELEASE_CHUNK) await this.queries.markReleased(tx, ref, now);
        await failPoint('ab_release_before_commit');
        return count;
      });
    }
  }

  /** One test's failure stops no other's (I10). */
  private async forEach(steps: StepRef[], what: string, act: (step: StepRef) => Promise<void>): Promise<number> {
    let done = 0;
    for (const step of steps) {
      try {
        await act(step);
        done += 1;
      } catch (error) {
        this.logger.error(`Could not ${what} the A/B test of step ${step.stepId}: ${(error as Error).message}`, (error as Error).stack);
      }
    }
    return done;
  }
}
