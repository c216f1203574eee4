import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { Ids } from '../../shared/ids.js';
import { copyFlow } from './domain/copy-flow.js';
import type { FlowItem } from './domain/flow-refs.js';
import type { CampaignStep } from './domain/step.js';
import { stepOfVariant } from './domain/step-of-variant.js';
import { FlowService, type ReviewedStep } from './flow.service.js';
import { StepContentSource } from './step-content.js';
import { StepsQueries } from './steps.queries.js';
import { VariantsQueries } from './variants.queries.js';

/** The steps of one version of a campaign, for those who edit and publish versions. Writers hold the lock of the campaign's row. */
@Injectable()
export class StepVersions {
  constructor(
    private readonly queries: StepsQueries,
    private readonly variants: VariantsQueries,
    private readonly flow: FlowService,
    private readonly sources: StepContentSource,
    private readonly ids: Ids,
  ) {}

  /** In order. */
  list(tx: Tx, tenantId: string, campaignId: string, version: number): Promise<CampaignStep[]> {
    return this.queries.list(tx, tenantId, campaignId, version);
  }

  /** The steps of every version, in the order of versions; drafts too. */
  listAll(tx: Tx, tenantId: string, campaignId: string): Promise<CampaignStep[]> {
    return this.queries.listAll(tx, tenantId, campaignId);
  }

  /** The version once more under another number, each step going on with the one it was copied from. */
  async copy(tx: Tx, tenantId: string, campaignId: string, from: number, to: number): Promise<CampaignStep[]> {
    const steps = await this.queries.list(tx, tenantId, campaignId, from);
    const copies = copyFlow(steps, () => this.ids.uuid()).map((copy, index) => ({ ...copy, lineageId: steps[index].lineageId }));
    await this.queries.insert(tx, tenantId, campaignId, to, copies);
    const variants = copies.flatMap(({ id: stepId, variants }) => variants.map((v, index) => ({ ...v, stepId, position: index + 1 })));
    await this.variants.insert(tx, tenantId, variants);
    return this.queries.list(tx, tenantId, campaignId, to);
  }

  /** See `FlowService.reviewed`; the content is compiled too: outside any transaction. `known` are steps whose secrets may be left out. */
  async review(items: FlowItem[], known: readonly CampaignStep[]): Promise<ReviewedStep[]> {
    const steps = this.flow.reviewed(items, { knownActions: known.map(({ actionConfig }) => actionConfig) });
    await this.flow.assertCompiles(steps);
    return steps;
  }

  /** See `FlowService.save`. */
  save(tx: Tx, tenantId: string, campaignId: string, version: number, steps: ReviewedStep[]): Promise<CampaignStep[]> {
    return this.flow.save(tx, { tenantId, id: campaignId, stepsVersion: version }, steps);
  }

  remove(tx: Tx, tenantId: string, campaignId: string, version: number): Promise<void> {
    return this.queries.removeAll(tx, tenantId, campaignId, version);
  }

  /** The steps with the versions of templates that publishing would pin, where none is pinned yet. */
  async withTemplates(tx: Tx, tenantId: string, steps: readonly CampaignStep[]): Promise<CampaignStep[]> {
    const pinned: CampaignStep[] = [];
    for (const step of steps) {
      const variants: CampaignStep['variants'] = [];
      for (const variant of step.variants) {
        const templateVersion = await this.pinned(tx, tenantId, stepOfVariant({ ...step, templateVersion: null }, variant));
        variants.push({ ...variant, templateVersion: variant.templateVersion ?? (variant.templateId === null ? null : templateVersion) });
      }
      pinned.push({ ...step, variants, templateVersion: step.templateVersion ?? (await this.pinned(tx, tenantId, step)) });
    }
    return pinned;
  }

  /** The line of each variant by step; see `VariantsQueries.lines`. */
  async testLines(tx: Tx, tenantId: string, campaignId: string): Promise<Map<string, string[]>> {
    return new Map((await this.variants.lines(tx, tenantId, campaignId)).map(({ stepId, lines }) => [stepId, lines]));
  }

  /** These variants go on with others, and are counted together with them. */
  continueTests(tx: Tx, tenantId: string, pairs: readonly { from: string; to: string }[]): Promise<void> {
    return this.variants.continueLines(tx, tenantId, pairs);
  }

  private async pinned(tx: Tx, tenantId: string, step: CampaignStep): Promise<number | null> {
    if (step.stepType !== 'email' || step.templateId === null || step.templateVersion !== null) return step.templateVersion;
    return (await this.sources.resolve(tx, tenantId, step))?.templateVersion ?? null;
  }
}
