import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { assertIfMatch, decodeCursor, decodeIdCursor, invalidCursor, keysetPage } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import type { Page } from '../../shared/page.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { ContentCompiler } from './content/content-compiler.js';
import { TemplateBusyError, TemplateContentError, TemplateInUseError, TemplateNotFoundError } from './templates.errors.js';
import {
  TemplatesQueries,
  type ResolvedTemplate,
  type TemplateContent,
  type TemplateRow,
  type TemplateSummaryRow,
  type TemplateVersionRow,
  type TemplateVersionSummaryRow,
} from './templates.queries.js';

export type NewTemplate = { name: string; subjectLine?: string | null } & Pick<TemplateContent, 'content' | 'contentFormat'>;
export type TemplatePatch = Partial<NewTemplate>;

/** As content is checked when it is saved: with everything a campaign may add to it. */
const CHECK_OPTIONS = { unsubscribeFooter: true, trackClicks: true, trackOpens: true };
const ATTEMPTS = 3;

/**
 * Templates and their immutable versions. Content is compiled before it is saved, outside any transaction, so that what a campaign takes is
 * known to be sound.
 */
@Injectable()
export class TemplatesService {
  constructor(
    private readonly db: Database,
    private readonly queries: TemplatesQueries,
    private readonly compiler: ContentCompiler,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * What a step that refers to this template says: in its current version, or in the one named. Null if it is not there, is another tenant's, or is
   * archived (a named version outlives that).
   */
  resolve(tx: Tx, tenantId: string, templateId: string, version?: number): Promise<ResolvedTemplate | null> {
    return this.queries.resolve(tx, tenantId, templateId, version ?? null);
  }

  async list(
    { tenantId }: TenantContext,
    { cursor, limit, q }: { cursor?: string; limit: number; q?: string },
  ): Promise<Page<TemplateSummaryRow>> {
    const before = decodeIdCursor(cursor);
    const found = await this.db.inTenant(tenantId, (tx) => this.queries.list(tx, tenantId, { before, limit: limit + 1, q }));
    return keysetPage(found, limit, ({ id }) => ({ id }));
  }

  async read({ tenantId }: TenantContext, templateId: string): Promise<TemplateRow> {
    return this.db.inTenant(tenantId, (tx) => this.get(tx, tenantId, templateId));
  }

  async listVersions(
    { tenantId }: TenantContext,
    templateId: string,
    { cursor, limit }: { cursor?: string; limit: number },
  ): Promise<Page<TemplateVersionSummaryRow>> {
    const before = versionOf(cursor);
    const found = await this.db.inTenant(tenantId, async (tx) => {
      await this.get(tx, tenantId, templateId);
      return this.queries.versions(tx, tenantId, templateId, before, limit + 1);
    });
    return keysetPage(found, limit, ({ version }) => ({ version }));
  }

  async readVersion({ tenantId }: TenantContext, templateId: string, version: number): Promise<TemplateVersionRow> {
    return this.db.inTenant(tenantId, async (tx) => {
      await this.get(tx, tenantId, templateId);
      const found = await this.queries.version(tx, tenantId, templateId, version);
      if (!found) throw new TemplateNotFoundError(templateId, version);
      return found;
    });
  }

  async create(ctx: TenantContext, template: NewTemplate): Promise<TemplateRow> {
    await this.assertSound(firstContent(template));
    return this.db.inTenant(ctx.tenantId, (tx) => this.createIn(tx, ctx, template));
  }

  /** The same in a transaction of the caller's, who has let `assertSound` look at the content. */
  async createIn(tx: Tx, ctx: TenantContext, template: NewTemplate): Promise<TemplateRow> {
    const id = this.ids.uuid();
    await this.queries.insert(tx, ctx.tenantId, { id, name: template.name });
    await this.queries.insertVersion(tx, ctx.tenantId, id, 1, firstContent(template));
    const created = await this.get(tx, ctx.tenantId, id);
    await this.record(tx, ctx, 'template.created', { after: created });
    return created;
  }

  /** Throws `TemplateContentError` (422) if the content cannot be compiled. Slow: never inside a transaction. */
  async assertSound({ subjectLine, content, contentFormat }: TemplateContent): Promise<void> {
    const source = { format: contentFormat, subject: subjectLine ?? '', content };
    const { compiled, problems } = await this.compiler.compile(source, CHECK_OPTIONS);
    if (!compiled) throw new TemplateContentError(problems);
  }

  /** Other content makes a new version; the old ones stay. The same content makes none. */
  async update(ctx: TenantContext, templateId: string, patch: TemplatePatch, ifMatch?: string): Promise<TemplateRow> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const base = await this.read(ctx, templateId);
      assertIfMatch(ifMatch, base);
      const content = contentOf({ ...base, ...withoutUndefined(patch) });
      const isNew = JSON.stringify(content) !== JSON.stringify(contentOf(base));
      if (isNew) await this.assertSound(content);
      const template = await this.write(ctx, base, patch.name ?? base.name, isNew ? content : null, ifMatch);
      if (template) return template;
    }
    throw new TemplateBusyError();
  }

  /** Archives it. `TemplateInUseError` (409) while a campaign that may still send refers to it. */
  async remove(ctx: TenantContext, templateId: string): Promise<void> {
    await this.db.inTenant(ctx.tenantId, async (tx) => {
      const before = await this.queries.lock(tx, ctx.tenantId, templateId);
      if (!before) throw new TemplateNotFoundError(templateId);
      const campaigns = await this.queries.campaignsUsing(tx, ctx.tenantId, templateId);
      if (campaigns.length > 0) throw new TemplateInUseError(campaigns);
      await this.queries.archive(tx, ctx.tenantId, templateId, this.clock.now());
      await this.record(tx, ctx, 'template.archived', { before });
    });
  }

  /** Null if the template is no longer as `base` had it: what was checked is then not what would be saved. */
  private async write(
    ctx: TenantContext,
    base: TemplateRow,
    name: string,
    content: TemplateContent | null,
    ifMatch?: string,
  ): Promise<TemplateRow | null> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const before = await this.queries.lock(tx, ctx.tenantId, base.id);
      if (!before) throw new TemplateNotFoundError(base.id);
      assertIfMatch(ifMatch, before);
      if (before.currentVersion !== base.currentVersion) return null;
      const version = before.currentVersion + (content ? 1 : 0);
      if (content) await this.queries.insertVersion(tx, ctx.tenantId, base.id, version, content);
      await this.queries.update(tx, ctx.tenantId, base.id, { name, version });
      const after = await this.get(tx, ctx.tenantId, base.id);
      await this.record(tx, ctx, 'template.updated', { before, after });
      return after;
    });
  }

  private async get(tx: Tx, tenantId: string, templateId: string): Promise<TemplateRow> {
    const template = await this.queries.find(tx, tenantId, templateId);
    if (!template) throw new TemplateNotFoundError(templateId);
    return template;
  }

  /** Without the content itself: its versions are kept anyway. */
  private async record(tx: Tx, ctx: TenantContext, action: string, change: { before?: TemplateRow; after?: TemplateRow }): Promise<void> {
    const brief = (template?: TemplateRow) => template && { name: template.name, currentVersion: template.currentVersion };
    const entityId = (change.after ?? change.before)!.id;
    await this.audit.record(tx, ctx, {
      action,
      entityType: 'template',
      entityId,
      before: brief(change.before),
      after: brief(change.after),
    });
  }
}

function firstContent({ subjectLine = null, content, contentFormat }: NewTemplate): TemplateContent {
  return { subjectLine, content, contentFormat };
}

function contentOf({ subjectLine, content, contentFormat }: TemplateContent): TemplateContent {
  return { subjectLine, content, contentFormat };
}

function withoutUndefined<T extends object>(patch: T): T {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as T;
}

function versionOf(cursor: string | undefined): number | null {
  if (cursor === undefined) return null;
  const { version } = decodeCursor(cursor);
  if (typeof version !== 'number' || !Number.isInteger(version) || Math.abs(version) > 2 ** 31 - 1) throw invalidCursor();
  return version;
}
