import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Ids } from '../../shared/ids.js';
import { CampaignsService } from '../campaigns/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { buildFlow, refPath, type FlowItem } from './domain/flow-refs.js';
import type { CampaignStep } from './domain/step.js';
import { StepReview } from './step-review.js';
import { StepInvalidError } from './steps.errors.js';
import { StepsQueries, type NewStep } from './steps.queries.js';

/** The whole flow in one call: what a visual editor saves. */
@Injectable()
export class FlowService {
  constructor(
    private readonly db: Database,
    private readonly queries: StepsQueries,
    private readonly campaigns: CampaignsService,
    private readonly review: StepReview,
    private readonly audit: AuditService,
    private readonly ids: Ids,
  ) {}

  /** Replaces all steps; the steps get new ids. All of it is saved or nothing. Answers the steps in order, each with the caller's ref. */
  async replace(ctx: TenantContext, campaignId: string, items: FlowItem[]): Promise<(CampaignStep & { ref: string | null })[]> {
    await this.db.inTenant(ctx.tenantId, async (tx) =>
      this.campaigns.assertEditable(await this.campaigns.get(tx, ctx.tenantId, campaignId)),
    );
    const steps = await this.reviewed(items);
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const { stepsVersion } = await this.campaigns.lockEditable(tx, ctx.tenantId, campaignId);
      for (const [index, step] of steps.entries()) await this.review.assertReferences(tx, ctx.tenantId, step, `steps[${index}].`);
      await this.queries.removeAll(tx, ctx.tenantId, campaignId, stepsVersion);
      await this.queries.insert(tx, ctx.tenantId, campaignId, stepsVersion, steps);
      await this.audit.record(tx, ctx, {
        action: 'steps.replaced',
        entityType: 'campaign',
        entityId: campaignId,
        after: steps.map(({ id, stepType, stepName }) => ({ id, stepType, stepName })),
      });
      const saved = await this.queries.list(tx, ctx.tenantId, campaignId, stepsVersion);
      return saved.map((step, index) => ({ ...step, ref: items[index].ref ?? null }));
    });
  }

  private async reviewed(items: FlowItem[]): Promise<NewStep[]> {
    const { inputs, problems } = buildFlow(items, () => this.ids.uuid());
    if (problems.length > 0) throw new StepInvalidError('unprocessable', problems);
    const steps = inputs.map(({ id, input }, index) => ({ ...this.shaped(input, index), id, stepOrder: index + 1 }));
    this.review.assertFlow(steps, refPath);
    for (const [index, step] of steps.entries()) await this.review.assertContentCompiles(step, `steps[${index}].`);
    return steps;
  }

  private shaped(input: ReturnType<typeof buildFlow>['inputs'][number]['input'], index: number) {
    try {
      return this.review.shaped(null, input, `steps[${index}].`);
    } catch (error) {
      if (!(error instanceof StepInvalidError)) throw error;
      throw new StepInvalidError(
        error.category,
        error.problems.map((problem) => ({ ...problem, path: refPath(problem.path) })),
      );
    }
  }
}
