import { Injectable } from '@nestjs/common';
import { Database, rows, type Tx } from '../../database/index.js';
import { CampaignsService, type Campaign } from '../campaigns/index.js';
import { ExperimentsService, toDecisionDto, type StepRef, type VariantFigures } from '../experiments/index.js';
import type { TenantContext } from '../identity/index.js';
import { StepVersions, type AbMetric, type CampaignStep } from '../steps/index.js';
import { NoGoalEvent } from './analytics.errors.js';
import { BucketsQueries, type VariantCounts } from './buckets.queries.js';
import { compareVariants } from './domain/variant-comparison.js';
import type { TestedStepReportDto, VariantsReportDto } from './dto/variants.dto.js';

/** How the variants of each email step under test do, and what was decided and why. Counted at this moment. */
@Injectable()
export class VariantReportService {
  constructor(
    private readonly db: Database,
    private readonly campaigns: CampaignsService,
    private readonly versions: StepVersions,
    private readonly experiments: ExperimentsService,
    private readonly buckets: BucketsQueries,
  ) {}

  /** `metric` takes the place of the tests' own. */
  async report({ tenantId }: TenantContext, campaignId: string, metric?: AbMetric): Promise<VariantsReportDto> {
    return this.db.inTenant(tenantId, async (tx) => {
      await rows(tx, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      const campaign = await this.campaigns.get(tx, tenantId, campaignId);
      const reports: TestedStepReportDto[] = [];
      for (const step of await this.tested(tx, campaign)) {
        const report = await this.ofStep(tx, step, metric);
        if (step.version === campaign.stepsVersion || report.variants.some(({ sent }) => sent > 0)) reports.push(report);
      }
      return { steps: reports };
    });
  }

  /** The tests of the live version, and those of former ones that do not go on in it. */
  private async tested(tx: Tx, { tenantId, id, stepsVersion, stepsRevision }: Campaign): Promise<CampaignStep[]> {
    const tested = (steps: CampaignStep[]): CampaignStep[] => steps.filter(({ variants }) => variants.length > 0);
    const live = tested(await this.versions.list(tx, tenantId, id, stepsVersion));
    if (stepsRevision === 0) return live;
    const lines = await this.versions.testLines(tx, tenantId, id);
    const lineOf = (step: CampaignStep): string => lines.get(step.id)?.join() ?? step.id;
    const seen = new Set(live.map(lineOf));
    const former = tested(await this.versions.listAll(tx, tenantId, id)).filter((step) => {
      const isNew = !seen.has(lineOf(step));
      seen.add(lineOf(step));
      return isNew;
    });
    return [...live, ...former];
  }

  /** From the rollups; from the messages where more is asked than is rolled up. */
  private async figures(tx: Tx, ref: StepRef, goalEvent: string | null): Promise<VariantFigures[]> {
    const counts = goalEvent === null ? await this.buckets.byVariants(tx, ref.tenantId, ref.campaignId, ref.stepId) : null;
    return counts?.map(figuresOf) ?? this.experiments.figures(tx, ref, goalEvent, null);
  }

  private async ofStep(tx: Tx, step: CampaignStep, asked: AbMetric | undefined): Promise<TestedStepReportDto> {
    const { tenantId, campaignId, id: stepId, abTest } = step;
    const goalEvent = abTest?.goalEvent ?? null;
    const metric = asked ?? abTest?.metric ?? 'click';
    if (metric === 'goal' && goalEvent === null) throw new NoGoalEvent(step.stepOrder);
    const ref = { tenantId, campaignId, stepId };
    const decision = (await this.experiments.decisions(tx, tenantId, campaignId)).get(stepId) ?? null;
    const all = await this.figures(tx, ref, goalEvent);
    // Once one variant goes to everybody, its messages are no longer a fair draw: what is compared stays the test.
    const until = decision?.winnerVariantId ? decision.decidedAt : null;
    const tested = until ? await this.experiments.figures(tx, ref, goalEvent, until) : all;
    const comparison = compareVariants(step.variants, tested, metric);
    return {
      stepId,
      version: step.version,
      stepOrder: step.stepOrder,
      stepName: step.stepName,
      metric,
      abTest,
      waiting: await this.experiments.countWaiting(tx, ref),
      decision: decision && toDecisionDto(decision),
      variants: step.variants.map((variant, index) => ({
        variantId: variant.id,
        name: variant.name,
        weight: variant.weight,
        isControl: index === 0,
        ...countsOf(variant.id, all),
        ...comparison[index],
      })),
    };
  }
}

function figuresOf(counts: VariantCounts): VariantFigures {
  const { variantId, emailsSent, emailsBounced, emailsDelivered, uniqueOpens, uniqueClicks, replies } = counts;
  return {
    variantId,
    sent: emailsSent,
    reached: emailsSent - emailsBounced,
    delivered: emailsDelivered,
    opened: uniqueOpens,
    clicked: uniqueClicks,
    replied: replies,
    converted: 0,
  };
}

function countsOf(variantId: string, figures: VariantFigures[]): Omit<VariantFigures, 'variantId'> {
  const found = figures.find((figure) => figure.variantId === variantId);
  const { sent = 0, reached = 0, delivered = 0, opened = 0, clicked = 0, replied = 0, converted = 0 } = found ?? {};
  return { sent, reached, delivered, opened, clicked, replied, converted };
}
