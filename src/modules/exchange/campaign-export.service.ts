import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { CampaignsService, type Campaign } from '../campaigns/index.js';
import type { TenantContext } from '../identity/index.js';
import { StepsService, toFlowItems, type CampaignStep } from '../steps/index.js';
import { FILE_LIMITS, type CampaignFile } from './domain/campaign-file.js';
import { valuesOf } from './domain/refs.js';
import { canTravel, writeFile, type SourceSegment, type SourceTemplate } from './domain/write-file.js';
import { CampaignNotExportableError } from './exchange.errors.js';
import { ExchangeQueries, type TemplateVersionKey } from './exchange.queries.js';

/** Writes campaigns as files. */
@Injectable()
export class CampaignExportService {
  constructor(
    private readonly db: Database,
    private readonly campaigns: CampaignsService,
    private readonly steps: StepsService,
    private readonly queries: ExchangeQueries,
  ) {}

  /** In any status; of a launched campaign what was launched, templates in their pinned versions. Answers the text and the name of the campaign. */
  async export(ctx: TenantContext, campaignId: string): Promise<{ name: string; text: string }> {
    const file = await this.db.inTenant(ctx.tenantId, (tx) => this.read(tx, ctx.tenantId, campaignId));
    const text = `${JSON.stringify(file, null, 2)}\n`;
    if (Buffer.byteLength(text) > FILE_LIMITS.bytes) {
      const message = `the file would be larger than ${FILE_LIMITS.bytes / 1024 / 1024} MiB, and no import would take it.`;
      throw new CampaignNotExportableError([{ path: 'steps', code: 'too_large', message }]);
    }
    return { name: file.campaign.name, text };
  }

  private async read(tx: Tx, tenantId: string, campaignId: string): Promise<CampaignFile> {
    const campaign = await this.campaigns.get(tx, tenantId, campaignId);
    const steps = await this.steps.listFor(tx, tenantId, campaignId);
    const { providerAccountId } = campaign;
    return writeFile({
      campaign,
      steps: toFlowItems(steps.map(withTemplateKeys)),
      segments: await this.segments(tx, campaign, steps),
      templates: await this.templates(tx, tenantId, steps),
      campaignNames: await this.campaignNames(tx, tenantId, steps),
      providerAccount: providerAccountId && (await this.queries.providerAccountName(tx, tenantId, providerAccountId)),
    });
  }

  /** Those that the campaign and its steps name, and those that these name, level by level. */
  private async segments(tx: Tx, campaign: Campaign, steps: readonly CampaignStep[]): Promise<Map<string, SourceSegment>> {
    const { segmentId, trigger, goal } = campaign;
    const loaded = new Map<string, SourceSegment>();
    let wanted = lower(valuesOf('segmentId', [{ segmentId }, trigger, goal, steps]));
    while (wanted.length > 0) {
      const found = await this.queries.segments(tx, campaign.tenantId, wanted);
      for (const { id, ...segment } of found) loaded.set(id, segment);
      assertFound(wanted, loaded, 'segment');
      const inner = found.flatMap(({ rules }) => (canTravel(rules) ? valuesOf('segmentId', rules) : []));
      wanted = lower(inner).filter((id) => !loaded.has(id));
    }
    return loaded;
  }

  private async templates(tx: Tx, tenantId: string, steps: readonly CampaignStep[]): Promise<Map<string, SourceTemplate>> {
    const wanted = new Map(steps.flatMap((step) => [step, ...step.variants]).flatMap(versionOf).map((key) => [keyOf(key), key])); // prettier-ignore
    if (wanted.size === 0) return new Map();
    const found = await this.queries.templates(tx, tenantId, [...wanted.values()]);
    const loaded = found.map(({ id: _id, templateId, version, ...template }): [string, SourceTemplate] => [
      keyOf({ templateId, version }),
      template,
    ]);
    return new Map(loaded);
  }

  private async campaignNames(tx: Tx, tenantId: string, steps: readonly CampaignStep[]): Promise<Map<string, string>> {
    const wanted = lower(valuesOf('campaignId', steps.map(({ actionConfig }) => actionConfig))); // prettier-ignore
    if (wanted.length === 0) return new Map();
    const names = new Map((await this.queries.campaigns(tx, tenantId, wanted)).map(({ id, name }) => [id, name]));
    assertFound(wanted, names, 'campaign');
    return names;
  }
}

function lower(ids: readonly string[]): string[] {
  return [...new Set(ids.map((id) => id.toLowerCase()))];
}

/** Two versions of one template are two templates in a file. */
function keyOf({ templateId, version }: TemplateVersionKey): string {
  return `${templateId}@${version ?? 'current'}`;
}

function versionOf({ templateId, templateVersion }: { templateId: string | null; templateVersion: number | null }): TemplateVersionKey[] {
  return templateId === null ? [] : [{ templateId, version: templateVersion }];
}

function withTemplateKeys(step: CampaignStep): CampaignStep {
  const keyed = <T extends { templateId: string | null; templateVersion: number | null }>(thing: T): T => {
    const [key] = versionOf(thing);
    return key ? { ...thing, templateId: keyOf(key) } : thing;
  };
  return { ...keyed(step), variants: step.variants.map(keyed) };
}

function assertFound(wanted: readonly string[], found: ReadonlyMap<string, unknown>, what: string): void {
  if (wanted.every((id) => found.has(id))) return;
  const message = `it refers to a ${what} that is not there any more.`;
  throw new CampaignNotExportableError([{ path: 'steps', code: `${what}_not_found`, message }]);
}
