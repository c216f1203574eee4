import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { assertIfMatch } from '../../http/index.js';
import { Ids } from '../../shared/ids.js';
import { CampaignsService, type Campaign } from '../campaigns/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { toFlow, type Flow } from './domain/flow.js';
import { edgesOfRow, inOrder, rulesOfRow } from './domain/flow-graph.js';
import { ruleStepIds } from './domain/rule-steps.js';
import { mergeStep, type StepInput } from './domain/step-shape.js';
import { stepLabel, type CampaignStep, type StepSettings, type StepType } from './domain/step.js';
import { shownAction } from './domain/webhook-action.js';
import { toStepDto } from './dto/step.dto.js';
import { StepReview } from './step-review.js';
import { StepInUseError, StepInvalidError, StepNotFoundError } from './steps.errors.js';
import { StepsQueries } from './steps.queries.js';
import { VariantsQueries } from './variants.queries.js';

export type NewStepInput = StepInput & { stepType: StepType; stepOrder?: number };
export type StepPatch = StepInput & { stepOrder?: number };

/** The steps of one campaign, changed one at a time while it is a draft or scheduled. Every change leaves a sound flow. */
@Injectable()
export class StepsService {
  constructor(
    private readonly db: Database,
    private readonly queries: StepsQueries,
    private readonly campaigns: CampaignsService,
    private readonly review: StepReview,
    private readonly variants: VariantsQueries,
    private readonly audit: AuditService,
    private readonly ids: Ids,
  ) {}

  /** What the engine walks: edges resolved, content left out. */
  async loadFlow(tx: Tx, tenantId: string, campaignId: string, version: number): Promise<Flow> {
    return toFlow(campaignId, version, await this.queries.list(tx, tenantId, campaignId, version));
  }

  /** The versions that these steps belong to. */
  versionsOf(tx: Tx, tenantId: string, stepIds: readonly string[]): Promise<number[]> {
    return this.queries.versionsOf(tx, tenantId, stepIds);
  }

  /** A step of any version of the campaign; null if there is none such. */
  find(tx: Tx, tenantId: string, campaignId: string, stepId: string): Promise<CampaignStep | null> {
    return this.queries.find(tx, tenantId, campaignId, stepId);
  }

  /** The steps of the campaign's present version, in order. */
  async listFor(tx: Tx, tenantId: string, campaignId: string): Promise<CampaignStep[]> {
    const { stepsVersion } = await this.campaigns.get(tx, tenantId, campaignId);
    return this.queries.list(tx, tenantId, campaignId, stepsVersion);
  }

  async list(ctx: TenantContext, campaignId: string): Promise<CampaignStep[]> {
    return this.db.inTenant(ctx.tenantId, (tx) => this.listFor(tx, ctx.tenantId, campaignId));
  }

  /** Of any version: contacts may stand at a step that is not of the live one. */
  async get(ctx: TenantContext, campaignId: string, stepId: string): Promise<CampaignStep> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      await this.campaigns.get(tx, ctx.tenantId, campaignId);
      const step = await this.find(tx, ctx.tenantId, campaignId, stepId);
      if (!step) throw new StepNotFoundError();
      return step;
    });
  }

  async create(ctx: TenantContext, campaignId: string, { stepOrder, ...input }: NewStepInput): Promise<CampaignStep> {
    await this.assertEditable(ctx, campaignId);
    const settings = this.review.shaped(null, input, '');
    await this.review.assertContentCompiles(settings, '');
    const id = this.ids.uuid();
    return this.edit(ctx, campaignId, async (tx, campaign, steps) => {
      const created = { ...settings, id, stepOrder: steps.length + 1 };
      const next = placed(steps, created, stepOrder);
      await this.assertSound(tx, campaign, created, next);
      await this.queries.insert(tx, ctx.tenantId, campaignId, campaign.stepsVersion, [created]);
      await this.queries.renumber(tx, ctx.tenantId, campaignId, idsOf(next));
      await this.audit.record(tx, ctx, { ...about(id), action: 'step.created', after: { campaignId, ...told(settings) } });
      return id;
    });
  }

  async update(ctx: TenantContext, campaignId: string, stepId: string, patch: StepPatch, ifMatch?: string): Promise<CampaignStep> {
    await this.assertEditable(ctx, campaignId);
    await this.assertPatchCompiles(find(await this.list(ctx, campaignId), stepId), patch);
    const { stepOrder, ...input } = patch;
    return this.edit(ctx, campaignId, async (tx, campaign, steps) => {
      const before = find(steps, stepId);
      assertIfMatch(ifMatch, toStepDto(before));
      const settings = this.review.shaped(settingsOf(before), { ...input, stepType: input.stepType ?? before.stepType }, '');
      const after = { ...before, ...settings };
      const next = placed(steps, after, stepOrder);
      await this.assertSound(tx, campaign, after, next);
      await this.queries.update(tx, ctx.tenantId, stepId, settings);
      if (settings.stepType !== 'email') {
        await this.variants.remove(
          tx,
          ctx.tenantId,
          before.variants.map(({ id }) => id),
        );
      }
      await this.queries.renumber(tx, ctx.tenantId, campaignId, idsOf(next));
      await this.audit.record(tx, ctx, {
        ...about(stepId),
        action: 'step.updated',
        before: told(settingsOf(before)),
        after: told(settings),
      });
      return stepId;
    });
  }

  /** Steps that ran into this one run on into the next; steps that were sent to it by id stand in the way (422 names them). */
  async remove(ctx: TenantContext, campaignId: string, stepId: string): Promise<void> {
    await this.edit(ctx, campaignId, async (tx, _campaign, steps) => {
      const step = find(steps, stepId);
      assertUnused(steps, stepId);
      const rest = steps.filter(({ id }) => id !== stepId);
      this.review.assertFlow(renumbered(rest));
      await this.queries.remove(tx, ctx.tenantId, stepId);
      await this.queries.renumber(tx, ctx.tenantId, campaignId, idsOf(rest));
      await this.audit.record(tx, ctx, { ...about(stepId), action: 'step.deleted', before: told(settingsOf(step)) });
      return null;
    });
  }

  /** Puts all steps in a new order; `stepIds` names each exactly once. */
  async reorder(ctx: TenantContext, campaignId: string, stepIds: string[]): Promise<CampaignStep[]> {
    await this.edit(ctx, campaignId, async (tx, _campaign, steps) => {
      const wanted = stepIds.map((id) => id.toLowerCase());
      if (wanted.length !== steps.length || new Set(wanted).size !== steps.length || steps.some(({ id }) => !wanted.includes(id))) {
        const message = `stepIds must name each of the ${steps.length} steps of this campaign exactly once.`;
        throw new StepInvalidError('unprocessable', [{ path: 'stepIds', code: 'not_a_permutation', message }]);
      }
      this.review.assertFlow(renumbered(wanted.map((id) => find(steps, id))));
      await this.queries.renumber(tx, ctx.tenantId, campaignId, wanted);
      await this.audit.record(tx, ctx, {
        action: 'steps.reordered',
        entityType: 'campaign',
        entityId: campaignId,
        before: idsOf(steps),
        after: wanted,
      });
      return null;
    });
    return this.list(ctx, campaignId);
  }

  /** Answers 404 or 409 before any slow work is done for nothing. */
  private async assertEditable(ctx: TenantContext, campaignId: string): Promise<void> {
    await this.db.inTenant(ctx.tenantId, async (tx) =>
      this.campaigns.assertEditable(await this.campaigns.get(tx, ctx.tenantId, campaignId)),
    );
  }

  /** Compiling is slow, so it happens before the transaction, on what the step will most likely become; the launch compiles it anew. */
  private async assertPatchCompiles(step: CampaignStep, { stepOrder: _, ...input }: StepPatch): Promise<void> {
    if (input.emailContent === undefined && input.subjectLine === undefined && input.contentFormat === undefined) return;
    const merged = this.review.shaped(settingsOf(step), { ...input, stepType: input.stepType ?? step.stepType }, '');
    await this.review.assertContentCompiles(merged, '');
  }

  private async assertSound(
    tx: Tx,
    campaign: Campaign,
    step: StepSettings & { id: string },
    flow: (CampaignStep | NewRow)[],
  ): Promise<void> {
    await this.review.assertReferences(tx, campaign.tenantId, step, '', campaign.id);
    const index = flow.findIndex(({ id }) => id === step.id);
    // Faults of the step itself are told by its fields; those of others by their place.
    this.review.assertFlow(renumbered(flow), (path) =>
      path.startsWith(`steps[${index}].`) ? path.slice(`steps[${index}].`.length) : path,
    );
  }

  /** Runs `fn` with the campaign locked and its steps in order; answers the step `fn` names, as it now is. */
  private async edit<Id extends string | null>(
    ctx: TenantContext,
    campaignId: string,
    fn: (tx: Tx, campaign: Campaign, steps: CampaignStep[]) => Promise<Id>,
  ): Promise<Id extends string ? CampaignStep : null> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const campaign = await this.campaigns.lockEditable(tx, ctx, campaignId);
      const load = () => this.queries.list(tx, ctx.tenantId, campaignId, campaign.stepsVersion);
      const id = await fn(tx, campaign, await load());
      return (id === null ? null : find(await load(), id)) as Id extends string ? CampaignStep : null;
    });
  }
}

type NewRow = StepSettings & { id: string; stepOrder: number };

function find(steps: CampaignStep[], stepId: string): CampaignStep {
  const step = steps.find(({ id }) => id === stepId);
  if (!step) throw new StepNotFoundError();
  return step;
}

function settingsOf(step: CampaignStep): StepSettings {
  return mergeStep(step, { stepType: step.stepType });
}

/** For the audit log, which keeps no secrets, sealed or not. */
function told(settings: StepSettings): object {
  return { ...settings, actionConfig: settings.actionConfig && shownAction(settings.actionConfig) };
}

/** The steps with `step` among them: at place `order` (from 1) if given, else where it was, else last. */
function placed(steps: CampaignStep[], step: CampaignStep | NewRow, order: number | undefined): (CampaignStep | NewRow)[] {
  const others: (CampaignStep | NewRow)[] = steps.filter(({ id }) => id !== step.id);
  const place = Math.min(order ?? step.stepOrder, others.length + 1);
  return [...others.slice(0, place - 1), step, ...others.slice(place - 1)];
}

function renumbered<T extends { stepOrder: number }>(steps: T[]): T[] {
  return inOrder(steps.map((step, index) => ({ ...step, stepOrder: index + 1 })));
}

function idsOf(steps: readonly { id: string }[]): string[] {
  return steps.map(({ id }) => id);
}

function about(stepId: string): { entityType: string; entityId: string } {
  return { entityType: 'campaign_step', entityId: stepId };
}

function assertUnused(steps: CampaignStep[], stepId: string): void {
  const users = steps.flatMap((step, index) => {
    const edges = edgesOfRow(step).filter(({ target }) => target === stepId);
    const rules = rulesOfRow(step).filter(({ rule }) => ruleStepIds(rule).includes(stepId));
    const paths = [...edges, ...rules].map(({ path }) => path);
    return step.id === stepId ? [] : paths.map((field) => ({ step, path: `steps[${index}].${field}` }));
  });
  if (users.length === 0) return;
  throw new StepInUseError(
    users.map(({ step, path }) => ({ path, code: 'step_in_use', message: `${stepLabel(step)} refers to the step.` })),
    [...new Set(users.map(({ step }) => stepLabel(step)))],
  );
}
