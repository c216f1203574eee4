import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { Ids } from '../../shared/ids.js';
import { CampaignsService, type Campaign } from '../campaigns/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { experimentFault, type VariantInput, type VariantSettings } from './domain/ab-test.js';
import { buildFlow, refPath, type FlowItem } from './domain/flow-refs.js';
import type { ActionConfig, CampaignStep, StepSettings } from './domain/step.js';
import { StepReview } from './step-review.js';
import { StepInvalidError } from './steps.errors.js';
import { StepsQueries, type NewStep } from './steps.queries.js';
import { VariantReview } from './variant-review.js';
import { VariantsQueries } from './variants.queries.js';

/** The whole flow in one call: what a visual editor saves. */
@Injectable()
export class FlowService {
  constructor(
    private readonly db: Database,
    private readonly queries: StepsQueries,
    private readonly campaigns: CampaignsService,
    private readonly review: StepReview,
    private readonly variantReview: VariantReview,
    private readonly variants: VariantsQueries,
    private readonly audit: AuditService,
    private readonly ids: Ids,
  ) {}

  /** Replaces all steps; the steps get new ids. All of it is saved or nothing. Answers the steps in order, each with the caller's ref. */
  async replace(ctx: TenantContext, campaignId: string, items: FlowItem[]): Promise<(CampaignStep & { ref: string | null })[]> {
    const former = await this.db.inTenant(ctx.tenantId, async (tx) => {
      const campaign = await this.campaigns.get(tx, ctx.tenantId, campaignId);
      this.campaigns.assertEditable(campaign);
      return this.queries.list(tx, ctx.tenantId, campaignId, campaign.stepsVersion);
    });
    const steps = this.reviewed(items, { knownActions: former.map(({ actionConfig }) => actionConfig) });
    await this.assertCompiles(steps);
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const campaign = await this.campaigns.lockEditable(tx, ctx, campaignId);
      const saved = await this.save(tx, campaign, steps);
      await this.audit.record(tx, ctx, {
        action: 'steps.replaced',
        entityType: 'campaign',
        entityId: campaignId,
        after: steps.map(({ id, stepType, stepName }) => ({ id, stepType, stepName })),
      });
      return saved.map((step, index) => ({ ...step, ref: items[index].ref ?? null }));
    });
  }

  /**
   * The steps that these items become, each with an id of its own; throws `StepInvalidError` with paths below `steps` if one of them, or the flow
   * they form, is wrong in itself. Secrets of webhooks that are not given are taken from `knownActions`. `mayBeUnfinished` lets A/B tests pass that lack a
   * variant: a draft may, a launch may not.
   */
  reviewed(items: FlowItem[], { knownActions = [], mayBeUnfinished = false }: ReviewOptions = {}): ReviewedStep[] {
    const { inputs, problems } = buildFlow(items, () => this.ids.uuid());
    if (problems.length > 0) throw new StepInvalidError('unprocessable', problems);
    const steps = inputs.map(({ id, input }, index) => {
      const step = { ...this.shaped(input, index, knownActions), id, stepOrder: index + 1 };
      return { ...step, variants: this.variantsOf(step, items[index].variants ?? [], index, mayBeUnfinished) };
    });
    this.review.assertFlow(steps, refPath);
    return steps;
  }

  /** Throws if the content of a step or variant has errors. Slow: never inside a transaction. */
  async assertCompiles(steps: readonly ReviewedStep[]): Promise<void> {
    for (const [index, step] of steps.entries()) {
      await this.review.assertContentCompiles(step, `steps[${index}].`);
      for (const [place, variant] of step.variants.entries())
        await this.variantReview.assertCompiles(step, variant, variantPath(index, place));
    }
  }

  /** Makes these the steps of this version of the campaign, which the caller has locked or just made; throws if they name what is not there. */
  async save(tx: Tx, { tenantId, id, stepsVersion }: FlowPlace, steps: readonly ReviewedStep[]): Promise<CampaignStep[]> {
    for (const [index, step] of steps.entries()) {
      await this.review.assertReferences(tx, tenantId, step, `steps[${index}].`, id);
      for (const [place, variant] of step.variants.entries())
        await this.variantReview.assertReferences(tx, tenantId, step, variant, variantPath(index, place));
    }
    await this.queries.removeAll(tx, tenantId, id, stepsVersion);
    await this.queries.insert(tx, tenantId, id, stepsVersion, steps);
    const variants = steps.flatMap(({ id: stepId, variants }) => variants.map((v, place) => ({ ...v, stepId, position: place + 1 })));
    await this.variants.insert(tx, tenantId, variants);
    return this.queries.list(tx, tenantId, id, stepsVersion);
  }

  /** A flow is given whole, so a test must be whole in it too, unless it comes from a draft. */
  private variantsOf(step: StepSettings, inputs: VariantInput[], index: number, mayBeUnfinished: boolean): ReviewedStep['variants'] {
    const variants = inputs.map((input, place) => ({
      ...this.variantReview.shaped(null, input, variantPath(index, place)),
      id: this.ids.uuid(),
    }));
    this.variantReview.assertSet(step, variants, `steps[${index}].`);
    const fault = mayBeUnfinished ? null : experimentFault(variants.length, step.abTest);
    if (fault) throw new StepInvalidError('unprocessable', [{ ...fault, path: `steps[${index}].${fault.path}` }]);
    return variants;
  }

  private shaped(input: ReturnType<typeof buildFlow>['inputs'][number]['input'], index: number, known: (ActionConfig | null)[]) {
    try {
      return this.review.shaped(null, input, `steps[${index}].`, known);
    } catch (error) {
      if (!(error instanceof StepInvalidError)) throw error;
      throw new StepInvalidError(
        error.category,
        error.problems.map((problem) => ({ ...problem, path: refPath(problem.path) })),
      );
    }
  }
}

/** The campaign, and which version of its steps. */
type FlowPlace = Pick<Campaign, 'tenantId' | 'id' | 'stepsVersion'>;

export interface ReviewOptions {
  knownActions?: (ActionConfig | null)[];
  mayBeUnfinished?: boolean;
}

/** A step that was found sound in itself; what it refers to is looked up when it is saved. */
export type ReviewedStep = NewStep & { variants: (VariantSettings & { id: string })[] };

function variantPath(step: number, variant: number): string {
  return `steps[${step}].variants[${variant}].`;
}
