import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { CAMPAIGN_LOCK, CampaignStateError, CampaignsService } from '../campaigns/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { StepNotFoundError, StepsService } from '../steps/index.js';
import type { Decision } from './domain/test-state.js';
import { WinnerInvalidError } from './experiments.errors.js';
import { ExperimentsQueries } from './experiments.queries.js';

/** Somebody decides an A/B test by hand. */
@Injectable()
export class WinnerService {
  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly queries: ExperimentsQueries,
    private readonly campaigns: CampaignsService,
    private readonly steps: StepsService,
    private readonly audit: AuditService,
  ) {}

  /**
   * Under the campaign's lock, like a decision by the test: of two at once the later holds. Those who wait are let go by the next run of
   * `ExperimentsService`. Repeating a choice that stands changes nothing.
   */
  async choose(ctx: TenantContext, campaignId: string, stepId: string, variantId: string): Promise<Decision> {
    const { tenantId } = ctx;
    return this.db.inTenant(tenantId, async (tx) => {
      const step = await this.steps.find(tx, tenantId, campaignId, stepId);
      if (!step) throw new StepNotFoundError();
      const variant = step.variants.find(({ id }) => id === variantId.toLowerCase());
      if (!variant) {
        const message = step.variants.length === 0 ? 'This step has no variants to choose from.' : 'There is no such variant of this step.';
        throw new WinnerInvalidError({ path: 'variantId', code: 'variant_not_found', message });
      }
      const ref = { tenantId, campaignId, stepId };
      const figures = await this.queries.figures(tx, ref, step.abTest?.goalEvent ?? null);
      await this.queries.lockCampaign(tx, CAMPAIGN_LOCK, campaignId);
      const { status } = await this.campaigns.get(tx, tenantId, campaignId);
      if (status !== 'active' && status !== 'paused') throw new CampaignStateError('given a winner', status, ['active', 'paused']);
      const now = this.clock.now();
      await this.queries.begin(tx, ref, { now, nextLookAt: null, deadline: null });
      const before = (await this.queries.find(tx, tenantId, stepId))!;
      if (before.outcome === 'manual' && before.winnerVariantId === variant.id) return before;
      const by = ctx.userId ?? ctx.actor.id ?? ctx.actor.type;
      const reason = `"${variant.name}" was chosen by hand.`;
      const { looks } = before;
      await this.queries.decide(tx, ref, { outcome: 'manual', winnerVariantId: variant.id, reason, figures, now, by, looks });
      await this.audit.record(tx, ctx, {
        action: 'campaign.ab_winner_chosen',
        entityType: 'campaign',
        entityId: campaignId,
        before: { stepId, outcome: before.outcome, winnerVariantId: before.winnerVariantId },
        after: { stepId, outcome: 'manual', winnerVariantId: variant.id },
      });
      return (await this.queries.find(tx, tenantId, stepId))!;
    });
  }
}
