import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import type { Problem } from '../../shared/domain-error.js';
import type { TenantContext } from '../identity/index.js';
import { SegmentsService } from '../segments/index.js';
import { TemplatesService } from '../templates/index.js';
import type { CampaignFile, FileSegment, FileTemplate } from './domain/campaign-file.js';
import { ordered } from './domain/ordered-json.js';
import { inDependencyOrder, neededRefs, targetsOf, withIds, type Ids } from './domain/refs.js';
import { CampaignFileError, inFile } from './exchange.errors.js';
import { ExchangeQueries, type NamedSegment } from './exchange.queries.js';

/** What became of a segment or template of the file. */
export interface ImportedPart {
  ref: string;
  name: string;
  /** `bound`: the one of this name and content that was there · `unused`: nothing in the file leads to it, so it was left out. */
  outcome: 'created' | 'bound' | 'unused';
  id: string | null;
}

export interface ImportedParts {
  ids: Ids;
  providerAccountId: string | null;
  segments: ImportedPart[];
  templates: ImportedPart[];
}

/** Finds what a file names among what the tenant has, and makes what is missing. */
@Injectable()
export class ImportParts {
  constructor(
    private readonly queries: ExchangeQueries,
    private readonly segments: SegmentsService,
    private readonly templates: TemplatesService,
  ) {}

  /** In the caller's transaction. What was bound cannot change until it ends. The file has no `refProblems`. */
  async settle(tx: Tx, ctx: TenantContext, file: CampaignFile): Promise<ImportedParts> {
    const needed = neededRefs(file);
    const campaign = await this.targets(tx, ctx, file);
    const providerAccountId = await this.providerAccount(tx, ctx, file.campaign.providerAccount);
    const ids: Ids = { campaign, segmentRef: new Map(), templateRef: new Map() };
    const segments = await this.settleSegments(tx, ctx, file.segments, needed.segments, ids);
    const templates = await this.settleTemplates(tx, ctx, file.templates, needed.templates);
    const templateRef = new Map(templates.flatMap(({ ref, id }): [string, string][] => (id === null ? [] : [[ref, id]])));
    return { ids: { ...ids, templateRef }, providerAccountId, segments, templates };
  }

  /** In the order in which they need each other; fills `ids.segmentRef`. Each one of the tenant stands for one of the file at most. */
  private async settleSegments(
    tx: Tx,
    ctx: TenantContext,
    segments: FileSegment[],
    needed: ReadonlySet<string>,
    ids: Ids,
  ): Promise<ImportedPart[]> {
    const known = await this.queries.segmentsNamed(
      tx,
      ctx.tenantId,
      segments.map(({ name }) => name),
    );
    const free = new Set(known);
    const parts = new Map<string, ImportedPart>();
    const bySegment = ids.segmentRef as Map<string, string>;
    for (const segment of inDependencyOrder(segments).order) {
      const { ref, name } = segment;
      const path = `segments[${segments.indexOf(segment)}]`;
      if (!needed.has(ref)) {
        parts.set(ref, { ref, name, outcome: 'unused', id: null });
        continue;
      }
      const rules = withIds(segment.rules, ids) ?? undefined;
      const match = matching(segment, rules, [...free], path);
      if (match) free.delete(match);
      const id = match?.id ?? (await this.createSegment(tx, ctx, { ...segment, rules }, path));
      bySegment.set(ref, id);
      parts.set(ref, { ref, name, outcome: match ? 'bound' : 'created', id });
    }
    return segments.map(({ ref }) => parts.get(ref)!);
  }

  private createSegment(tx: Tx, ctx: TenantContext, segment: FileSegment, path: string): Promise<string> {
    const { name, type, rules } = segment;
    return inFile(
      async () => (await this.segments.createIn(tx, ctx, { name, type, rules })).id,
      (inner) => `${path}.${inner}`,
    );
  }

  private async settleTemplates(
    tx: Tx,
    ctx: TenantContext,
    templates: FileTemplate[],
    needed: ReadonlySet<string>,
  ): Promise<ImportedPart[]> {
    const names = templates.map(({ name }) => name);
    const free = new Set(names.length === 0 ? [] : await this.queries.templatesNamed(tx, ctx.tenantId, names));
    const parts: ImportedPart[] = [];
    for (const { ref, ...template } of templates) {
      const { name } = template;
      if (!needed.has(ref)) {
        parts.push({ ref, name, outcome: 'unused', id: null });
        continue;
      }
      const match = [...free].find((known) => isSameTemplate(known, template));
      if (match) free.delete(match);
      const id = match?.id ?? (await this.templates.createIn(tx, ctx, template)).id;
      parts.push({ ref, name, outcome: match ? 'bound' : 'created', id });
    }
    return parts;
  }

  private async targets(tx: Tx, { tenantId }: TenantContext, { steps }: CampaignFile): Promise<Map<string, string>> {
    const names = targetsOf(steps);
    if (names.length === 0) return new Map();
    const found = await this.queries.campaignsNamed(tx, tenantId, names);
    const problems = steps.flatMap((step, index): Problem[] => {
      const [name] = targetsOf(step);
      const count = found.filter((campaign) => campaign.name === name).length;
      if (name === undefined || count === 1) return [];
      const message =
        count === 0
          ? `There is no campaign "${name}" to enrol people in: import or create it first.`
          : `${count} campaigns are called "${name}": rename one, so that it is clear which is meant.`;
      const code = count === 0 ? 'campaign_not_found' : 'ambiguous_name';
      return [{ path: `steps[${index}].actionConfig.campaign`, code, message }];
    });
    if (problems.length > 0) throw new CampaignFileError('unprocessable', problems);
    return new Map(found.map(({ name, id }) => [name, id]));
  }

  private async providerAccount(tx: Tx, { tenantId }: TenantContext, name: unknown): Promise<string | null> {
    if (typeof name !== 'string') return null;
    const id = await this.queries.providerAccountNamed(tx, tenantId, name);
    if (id !== null) return id;
    const message = `There is no provider account "${name}": add it, or leave this out to send through the default one.`;
    throw new CampaignFileError('unprocessable', [{ path: 'campaign.providerAccount', code: 'provider_account_not_found', message }]);
  }
}

/** The one that a segment of the file means; null if it has to be made. By name and rules, or by name alone: then it must be clear which. */
function matching({ name, type }: FileSegment, rules: unknown, free: NamedSegment[], path: string): NamedSegment | null {
  const candidates = free.filter((known) => known.name === name && known.type === type);
  if (type === 'dynamic' && rules !== undefined) return candidates.find((known) => isSameRule(known.rules, rules)) ?? null;
  if (candidates.length > 1) {
    const message = `${candidates.length} segments are called "${name}": rename one, so that it is clear which is meant.`;
    throw new CampaignFileError('unprocessable', [{ path: `${path}.name`, code: 'ambiguous_name', message }]);
  }
  if (candidates.length === 1 || type === 'static') return candidates[0] ?? null;
  const message = `There is no segment "${name}", and the file does not say its rules: create it first, or add them.`;
  throw new CampaignFileError('unprocessable', [{ path: `${path}.rules`, code: 'segment_not_found', message }]);
}

function isSameRule(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** Ids are the same in either case. */
function canonical(rule: unknown): string {
  return JSON.stringify(ordered(rule), (field, value: unknown) =>
    field === 'segmentId' && typeof value === 'string' ? value.toLowerCase() : value,
  );
}

function isSameTemplate(
  known: Omit<FileTemplate, 'ref'>,
  { name, subjectLine, contentFormat, content }: Omit<FileTemplate, 'ref'>,
): boolean {
  return (
    known.name === name &&
    (known.subjectLine ?? null) === (subjectLine ?? null) &&
    known.contentFormat === contentFormat &&
    known.content === content
  );
}
