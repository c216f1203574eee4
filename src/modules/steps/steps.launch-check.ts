import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import {
  CampaignChangedError,
  type Campaign,
  type CampaignLink,
  type LaunchCheck,
  type LaunchFinding,
  type LaunchOccasion,
  type LaunchPreparation,
} from '../campaigns/index.js';
import { TenantsService } from '../identity/index.js';
import { SenderDomainsService } from '../mail/index.js';
import { SegmentsService, type Rule } from '../segments/index.js';
import { ContentCompiler, carriesAddress, type CompiledContent, type CompileOptions } from '../templates/index.js';
import { TrackingService } from '../tracking/index.js';
import { experimentFindings } from './domain/experiment-findings.js';
import { flowFindings, rulesOfRow } from './domain/flow-graph.js';
import type { CampaignStep } from './domain/step.js';
import { stepOfVariant } from './domain/step-of-variant.js';
import { StepContentSource, type ResolvedContent } from './step-content.js';
import { StepsQueries } from './steps.queries.js';
import { VariantsQueries } from './variants.queries.js';

const ADDRESS_MISSING =
  'The content has an unsubscribe link of its own, so no footer is added, but it does not show the postal address, which marketing mail must: put {{ tenant.postal_address }} into it.';

interface Compiled {
  stepId: string;
  /** The variant whose content it is; null for the step's own. */
  variantId: string | null;
  templateVersion: number | null;
  compiled: CompiledContent;
}

const FINITE_MAILINGS: ReadonlySet<string> = new Set(['broadcast', 'ab_test']);

/** The steps as they were when their content was compiled, and what came of it. */
interface PreparedSteps {
  fingerprint: string;
  contents: Compiled[];
}

/** What the steps have to say about a launch: the flow is sound, the content compiles; and at launch it is frozen as it was compiled. */
@Injectable()
export class StepsLaunchCheck implements LaunchCheck {
  readonly name = 'steps';

  constructor(
    private readonly db: Database,
    private readonly queries: StepsQueries,
    private readonly variants: VariantsQueries,
    private readonly segments: SegmentsService,
    private readonly sources: StepContentSource,
    private readonly compiler: ContentCompiler,
    private readonly tracking: TrackingService,
    private readonly tenants: TenantsService,
    private readonly domains: SenderDomainsService,
  ) {}

  async check(tx: Tx, campaign: Campaign): Promise<LaunchFinding[]> {
    const steps = await this.list(tx, campaign);
    const findings: LaunchFinding[] = flowFindings(steps, { requireEmail: FINITE_MAILINGS.has(campaign.campaignType) });
    findings.push(...experimentFindings(campaign, steps), ...(await this.variantSenderFindings(tx, campaign, steps)));
    for (const [index, step] of steps.entries()) {
      for (const { path, rule } of rulesOfRow(step)) {
        const problems = await this.segments.assertRuleUsable(tx, campaign.tenantId, rule as Rule, `steps[${index}].${path}`);
        findings.push(...problems.map((problem) => ({ severity: 'error' as const, code: 'rule_not_usable', stepId: step.id, ...problem })));
      }
    }
    return findings;
  }

  /** Variants may have senders of their own; of these too nothing but warnings. */
  private async variantSenderFindings(tx: Tx, { tenantId, fromEmail }: Campaign, steps: CampaignStep[]): Promise<LaunchFinding[]> {
    const findings: LaunchFinding[] = [];
    for (const [index, { id: stepId, variants }] of steps.entries()) {
      for (const [place, variant] of variants.entries()) {
        if (variant.fromEmail === null || variant.fromEmail === fromEmail) continue;
        const path = `steps[${index}].variants[${place}].fromEmail`;
        const advice = await this.domains.adviceFor(tx, tenantId, variant.fromEmail);
        findings.push(...advice.map(({ code, message }) => ({ severity: 'warning' as const, code, message, path, stepId })));
      }
    }
    return findings;
  }

  /** Compiles every email; this is the slow part. */
  async prepare(tenantId: string, campaign: Campaign): Promise<LaunchPreparation> {
    const { steps, sources, postalAddress } = await this.db.inTenant(tenantId, async (tx) => this.load(tx, campaign));
    const options: CompileOptions = {
      unsubscribeFooter: campaign.unsubscribeEnabled || campaign.category === 'marketing',
      trackClicks: campaign.trackClicks,
      trackOpens: campaign.trackOpens,
    };
    const findings: LaunchFinding[] = [];
    const links: CampaignLink[] = [];
    const contents: Compiled[] = [];
    for (const { step, variantId, path, resolved } of contentsToSend(steps, sources)) {
      const at = { path, stepId: step.id };
      if (!resolved) {
        const message = `The template of this ${variantId ? 'variant' : 'step'} is not there any more.`;
        findings.push({ severity: 'error', code: 'template_not_found', message, ...at, path: `${at.path}.templateId` });
        continue;
      }
      const { compiled, problems, webAddresses = [] } = await this.compiler.compile(resolved.source, options);
      for (const { severity, code, message, path, line } of problems) {
        const text = line ? `Line ${line}: ${message}` : message;
        findings.push({ severity, code: code ?? 'content', message: text, stepId: step.id, path: `${at.path}.${path}` });
      }
      const contentAt = { path: resolved.templateVersion === null ? `${at.path}.emailContent` : `${at.path}.templateId`, stepId: step.id };
      links.push(...webAddresses.map((url) => ({ url, ...contentAt })));
      if (compiled && campaign.category === 'marketing' && postalAddress && !carriesAddress(compiled, postalAddress)) {
        findings.push({ severity: 'error', code: 'postal_address_missing', message: ADDRESS_MISSING, ...contentAt });
      }
      if (compiled) contents.push({ stepId: step.id, variantId, templateVersion: resolved.templateVersion, compiled });
    }
    return { findings, links, prepared: { fingerprint: fingerprintOf(steps), contents } satisfies PreparedSteps };
  }

  /** A version that has been live keeps the content that its contacts know. */
  async freeze(tx: Tx, campaign: Campaign, prepared: unknown, occasion: LaunchOccasion): Promise<void> {
    if (occasion === 'rollback') return;
    const { fingerprint, contents } = prepared as PreparedSteps;
    if (fingerprintOf(await this.list(tx, campaign)) !== fingerprint) throw new CampaignChangedError(campaign.status);
    // One registration for all steps: the same address in two emails is one link.
    const urls = contents.flatMap(({ compiled }) => compiled.links.filter(({ isDynamic }) => !isDynamic).map(({ url }) => url));
    const ids = await this.tracking.registerLinks(tx, campaign.tenantId, urls);
    let taken = 0;
    const frozen = contents.map(({ stepId, variantId, templateVersion, compiled }) => ({
      stepId,
      variantId,
      templateVersion,
      content: { compiled, linkIds: compiled.links.map(({ isDynamic }) => (isDynamic ? '' : ids[taken++])) },
    }));
    const own = frozen.filter(({ variantId }) => variantId === null);
    if (own.length > 0) await this.queries.freeze(tx, campaign.tenantId, campaign.id, own);
    const variants = frozen.flatMap(({ variantId, ...content }) => (variantId === null ? [] : [{ ...content, variantId }]));
    if (variants.length > 0) await this.variants.freeze(tx, campaign.tenantId, variants);
  }

  private list(tx: Tx, { tenantId, id, stepsVersion }: Campaign): Promise<CampaignStep[]> {
    return this.queries.list(tx, tenantId, id, stepsVersion);
  }

  private async load(tx: Tx, campaign: Campaign) {
    const steps = await this.list(tx, campaign);
    const sources = new Map<string, ResolvedContent | null>();
    for (const step of steps) {
      if (step.stepType !== 'email') continue;
      if (step.variants.length === 0) sources.set(step.id, await this.sources.resolve(tx, campaign.tenantId, step));
      for (const variant of step.variants)
        sources.set(variant.id, await this.sources.resolve(tx, campaign.tenantId, stepOfVariant(step, variant)));
    }
    const { postalAddress } = await this.tenants.get(tx, campaign.tenantId);
    return { steps, sources, postalAddress: postalAddress?.trim() };
  }
}

interface ToSend {
  step: CampaignStep;
  variantId: string | null;
  path: string;
  resolved: ResolvedContent | null | undefined;
}

/** What every email will send, with its place: the variants where there are any, else the step's own content. */
function contentsToSend(steps: readonly CampaignStep[], sources: ReadonlyMap<string, ResolvedContent | null>): ToSend[] {
  return steps.flatMap((step, index): ToSend[] => {
    if (step.stepType !== 'email') return [];
    const path = `steps[${index}]`;
    if (step.variants.length === 0) return [{ step, variantId: null, path, resolved: sources.get(step.id) }];
    return step.variants.map(({ id }, place) => ({ step, variantId: id, path: `${path}.variants[${place}]`, resolved: sources.get(id) }));
  });
}

/** Changes whenever a step or a variant is added, removed, moved or edited: the trigger of the steps keeps `updated_at`. */
function fingerprintOf(steps: readonly CampaignStep[]): string {
  return steps
    .map(({ id, stepOrder, updatedAt, variants }) => `${stepOrder}:${id}:${updatedAt.getTime()}:${JSON.stringify(variants)}`)
    .join();
}
