import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import {
  CampaignChangedError,
  type Campaign,
  type CampaignLink,
  type LaunchCheck,
  type LaunchFinding,
  type LaunchPreparation,
} from '../campaigns/index.js';
import { TenantsService } from '../identity/index.js';
import { SegmentsService, type Rule } from '../segments/index.js';
import { ContentCompiler, carriesAddress, type CompiledContent, type CompileOptions } from '../templates/index.js';
import { TrackingService } from '../tracking/index.js';
import { flowFindings } from './domain/flow-graph.js';
import type { CampaignStep } from './domain/step.js';
import { StepContentSource, type ResolvedContent } from './step-content.js';
import { StepsQueries } from './steps.queries.js';

const ADDRESS_MISSING =
  'The content has an unsubscribe link of its own, so no footer is added, but it does not show the postal address, which marketing mail must: put {{ tenant.postal_address }} into it.';

interface Compiled {
  stepId: string;
  templateVersion: number | null;
  compiled: CompiledContent;
}

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
    private readonly segments: SegmentsService,
    private readonly sources: StepContentSource,
    private readonly compiler: ContentCompiler,
    private readonly tracking: TrackingService,
    private readonly tenants: TenantsService,
  ) {}

  async check(tx: Tx, campaign: Campaign): Promise<LaunchFinding[]> {
    const steps = await this.list(tx, campaign);
    const findings: LaunchFinding[] = flowFindings(steps, { requireEmail: campaign.campaignType === 'broadcast' });
    for (const [index, { id, conditionRules }] of steps.entries()) {
      if (conditionRules === null) continue;
      const problems = await this.segments.assertRuleUsable(
        tx,
        campaign.tenantId,
        conditionRules as Rule,
        `steps[${index}].conditionRules`,
      );
      findings.push(...problems.map((problem) => ({ severity: 'error' as const, code: 'rule_not_usable', stepId: id, ...problem })));
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
    for (const [index, step] of steps.entries()) {
      if (step.stepType !== 'email') continue;
      const resolved = sources.get(step.id);
      const at = { path: `steps[${index}]`, stepId: step.id };
      if (!resolved) {
        const message = 'The template of this step is not there any more.';
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
      if (compiled) contents.push({ stepId: step.id, templateVersion: resolved.templateVersion, compiled });
    }
    return { findings, links, prepared: { fingerprint: fingerprintOf(steps), contents } satisfies PreparedSteps };
  }

  async freeze(tx: Tx, campaign: Campaign, prepared: unknown): Promise<void> {
    const { fingerprint, contents } = prepared as PreparedSteps;
    if (fingerprintOf(await this.list(tx, campaign)) !== fingerprint) throw new CampaignChangedError(campaign.status);
    // One registration for all steps: the same address in two emails is one link.
    const urls = contents.flatMap(({ compiled }) => compiled.links.filter(({ isDynamic }) => !isDynamic).map(({ url }) => url));
    const ids = await this.tracking.registerLinks(tx, campaign.tenantId, urls);
    let taken = 0;
    const frozen = contents.map(({ stepId, templateVersion, compiled }) => ({
      stepId,
      templateVersion,
      content: { compiled, linkIds: compiled.links.map(({ isDynamic }) => (isDynamic ? '' : ids[taken++])) },
    }));
    if (frozen.length > 0) await this.queries.freeze(tx, campaign.tenantId, campaign.id, frozen);
  }

  private list(tx: Tx, { tenantId, id, stepsVersion }: Campaign): Promise<CampaignStep[]> {
    return this.queries.list(tx, tenantId, id, stepsVersion);
  }

  private async load(tx: Tx, campaign: Campaign) {
    const steps = await this.list(tx, campaign);
    const sources = new Map<string, ResolvedContent | null>();
    for (const step of steps) {
      if (step.stepType === 'email') sources.set(step.id, await this.sources.resolve(tx, campaign.tenantId, step));
    }
    const { postalAddress } = await this.tenants.get(tx, campaign.tenantId);
    return { steps, sources, postalAddress: postalAddress?.trim() };
  }
}

/** Changes whenever a step is added, removed, moved or edited: the trigger of the table keeps `updated_at`. */
function fingerprintOf(steps: readonly CampaignStep[]): string {
  return steps.map(({ id, stepOrder, updatedAt }) => `${stepOrder}:${id}:${updatedAt.getTime()}`).join();
}
