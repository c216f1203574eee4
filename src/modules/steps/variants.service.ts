import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { Ids } from '../../shared/ids.js';
import { CampaignsService } from '../campaigns/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import type { StepVariant, VariantInput, VariantSettings } from './domain/ab-test.js';
import type { CampaignStep } from './domain/step.js';
import { StepNotFoundError, VariantNotFoundError } from './steps.errors.js';
import { StepsQueries } from './steps.queries.js';
import { VariantReview } from './variant-review.js';
import { VariantsQueries } from './variants.queries.js';

/** The variants of one email step, changed one at a time while the campaign is a draft or scheduled. */
@Injectable()
export class VariantsService {
  constructor(
    private readonly db: Database,
    private readonly steps: StepsQueries,
    private readonly queries: VariantsQueries,
    private readonly campaigns: CampaignsService,
    private readonly review: VariantReview,
    private readonly audit: AuditService,
    private readonly ids: Ids,
  ) {}

  async list(ctx: TenantContext, campaignId: string, stepId: string): Promise<StepVariant[]> {
    return (await this.db.inTenant(ctx.tenantId, (tx) => this.step(tx, ctx.tenantId, campaignId, stepId))).variants;
  }

  async get(ctx: TenantContext, campaignId: string, stepId: string, variantId: string): Promise<StepVariant> {
    return find(await this.list(ctx, campaignId, stepId), variantId);
  }

  async create(ctx: TenantContext, campaignId: string, stepId: string, input: VariantInput): Promise<StepVariant> {
    const id = this.ids.uuid();
    await this.change(ctx, campaignId, stepId, {
      action: 'created',
      settings: () => this.review.shaped(null, input, ''),
      list: (variants, settings) => [...variants, { ...settings!, id }],
      write: (tx, settings, step) =>
        this.queries.insert(tx, ctx.tenantId, [{ ...settings!, id, stepId, position: step.variants.length + 1 }]),
    });
    return this.get(ctx, campaignId, stepId, id);
  }

  async update(
    ctx: TenantContext,
    campaignId: string,
    stepId: string,
    variantId: string,
    patch: Partial<VariantSettings>,
  ): Promise<StepVariant> {
    await this.change(ctx, campaignId, stepId, {
      action: 'updated',
      settings: (step) => this.review.shaped(find(step.variants, variantId), patch, ''),
      list: (variants, settings) => variants.map((variant) => (variant.id === variantId ? { ...settings!, id: variantId } : variant)),
      write: (tx, settings) => this.queries.update(tx, ctx.tenantId, variantId, settings!),
    });
    return this.get(ctx, campaignId, stepId, variantId);
  }

  /** Those behind it move up; the first of them becomes the control if it was that. */
  async remove(ctx: TenantContext, campaignId: string, stepId: string, variantId: string): Promise<void> {
    await this.change(ctx, campaignId, stepId, {
      action: 'deleted',
      settings: (step) => void find(step.variants, variantId),
      list: (variants) => variants.filter(({ id }) => id !== variantId),
      write: async (tx, _settings, step) => {
        await this.queries.remove(tx, ctx.tenantId, [variantId]);
        const rest = step.variants.filter(({ id }) => id !== variantId).map(({ id }) => id);
        await this.queries.renumber(tx, ctx.tenantId, rest);
      },
    });
  }

  /** Compiles first, with no transaction open; then checks and writes under the campaign's lock, on the step as it is by then. */
  private async change(
    ctx: TenantContext,
    campaignId: string,
    stepId: string,
    change: {
      action: string;
      settings: (step: CampaignStep) => VariantSettings | void;
      list: (variants: Named[], settings: VariantSettings | void) => Named[];
      write: (tx: Tx, settings: VariantSettings | void, step: CampaignStep) => Promise<void>;
    },
  ): Promise<void> {
    const { tenantId } = ctx;
    const present = await this.db.inTenant(tenantId, async (tx) => {
      this.campaigns.assertEditable(await this.campaigns.get(tx, tenantId, campaignId));
      return this.step(tx, tenantId, campaignId, stepId);
    });
    const likely = change.settings(present);
    if (likely) await this.review.assertCompiles(present, likely, '');
    await this.db.inTenant(tenantId, async (tx) => {
      await this.campaigns.lockEditable(tx, ctx, campaignId);
      const step = await this.step(tx, tenantId, campaignId, stepId);
      const settings = change.settings(step);
      this.review.assertSet(
        step,
        change.list(step.variants, settings),
        '',
        settings ? (path) => path.replace(/^variants\[\d+\]\./, '') : undefined,
      );
      if (settings) await this.review.assertReferences(tx, tenantId, step, settings, '');
      await change.write(tx, settings, step);
      await this.audit.record(tx, ctx, {
        action: `variant.${change.action}`,
        entityType: 'campaign_step',
        entityId: stepId,
        after: settings ?? null,
      });
    });
  }

  private async step(tx: Tx, tenantId: string, campaignId: string, stepId: string): Promise<CampaignStep> {
    const { stepsVersion } = await this.campaigns.get(tx, tenantId, campaignId);
    const step = (await this.steps.list(tx, tenantId, campaignId, stepsVersion)).find(({ id }) => id === stepId);
    if (!step) throw new StepNotFoundError();
    return step;
  }
}

type Named = VariantSettings & { id: string };

function find(variants: StepVariant[], variantId: string): StepVariant {
  const variant = variants.find(({ id }) => id === variantId);
  if (!variant) throw new VariantNotFoundError();
  return variant;
}
