import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { decodeCursor, invalidCursor, keysetPage } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import type { Problem } from '../../shared/domain-error.js';
import type { Page } from '../../shared/page.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { ContactEffects } from './contact-effects.js';
import { ContactsEvents } from './contacts-events.js';
import { SuppressionNotFoundError, SuppressionProtectedError } from './contacts.errors.js';
import {
  PROTECTED_REASONS,
  readSuppressionHeader,
  SuppressionBatch,
  suppressionFromCells,
  suppressionFromObject,
  type GivenReason,
  type SuppressionReason,
  type SuppressionRow as ImportedSuppression,
} from './domain/suppression.js';
import { runImport, type ImportTally } from './import-run.js';
import type { ImportFormat, RowReader } from './import-source.js';
import { SuppressionsQueries, type SuppressionEventRow, type SuppressionFilter, type SuppressionRow } from './suppressions.queries.js';

export interface AddedSuppressions {
  added: number;
  /** Stood there as `unsubscribed` and stand there for a stronger reason now. */
  changed: number;
  unchanged: number;
}

export interface SuppressionImportReport extends AddedSuppressions, ImportTally {}

export interface SuppressionDetail {
  email: string;
  suppressed: boolean;
  reason: string | null;
  source: string | null;
  detail: string | null;
  createdAt: Date | null;
  history: SuppressionEventRow[];
}

const HISTORY_SHOWN = 100;

/** The addresses of a tenant that get no mail. The gate of delivery looks at them in the statement that lets a message out. */
@Injectable()
export class SuppressionsService {
  constructor(
    private readonly db: Database,
    private readonly queries: SuppressionsQueries,
    private readonly effects: ContactEffects,
    private readonly events: ContactsEvents,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  async list({ tenantId }: TenantContext, query: SuppressionFilter & { limit: number; cursor?: string }): Promise<Page<SuppressionRow>> {
    const after = addressOf(query.cursor);
    const found = await this.db.inTenant(tenantId, (tx) => this.queries.list(tx, tenantId, query, after, query.limit + 1));
    return keysetPage(found, query.limit, ({ email }) => ({ email }));
  }

  /** The address and what happened to it, also after it was taken off the list. */
  async show({ tenantId }: TenantContext, email: string): Promise<SuppressionDetail> {
    return this.db.inTenant(tenantId, async (tx) => {
      const present = await this.queries.find(tx, tenantId, email);
      const history = await this.queries.history(tx, tenantId, email, HISTORY_SHOWN);
      if (!present && history.length === 0) throw new SuppressionNotFoundError();
      const nothing = { email: email.toLowerCase(), reason: null, source: null, detail: null, createdAt: null };
      return { ...(present ?? nothing), suppressed: present !== null, history };
    });
  }

  /**
   * Ends the enrolments of contacts with these addresses in the same transaction. When it returns, no message to them passes the gate any more; one
   * that passed it before the commit may still be with the provider. Idempotent.
   */
  async add(ctx: TenantContext, entries: { email: string; reason?: GivenReason; detail?: string }[]): Promise<AddedSuppressions> {
    const given = entries.map(({ email, reason = 'manual', detail }) => ({ email, reason, source: 'api', detail }));
    const added = await this.db.inTenant(ctx.tenantId, async (tx) => {
      const counts = await this.effects.addToList(tx, ctx.tenantId, given, ctx.actor);
      await this.audit.record(tx, ctx, { action: 'suppressions.added', entityType: 'suppression', entityId: null, after: counts });
      return { ...counts, unchanged: entries.length - counts.added - counts.changed };
    });
    await this.events.suppressionsCommitted(ctx.tenantId);
    return added;
  }

  /**
   * The contact's consent does not come back with it: whoever unsubscribed stays unsubscribed. What people said themselves (`PROTECTED_REASONS`) goes
   * only by `force` and with a `detail`, also when a stronger reason has taken its place on the list since; throws `SuppressionProtectedError` otherwise.
   */
  async remove(ctx: TenantContext, email: string, { force, detail }: { force: boolean; detail?: string }): Promise<void> {
    const { tenantId, actor } = ctx;
    await this.db.inTenant(tenantId, async (tx) => {
      const present = await this.queries.find(tx, tenantId, email);
      if (!present) throw new SuppressionNotFoundError();
      const said = await this.queries.saidSince(tx, tenantId, email, PROTECTED_REASONS);
      assertMayLift(said ?? present.reason, force, detail);
      // Only for the reason that was judged: a complaint that comes in meanwhile stays.
      const removal = { email, only: present.reason, source: 'api', detail: detail ?? null, now: this.clock.now(), actor };
      if (!(await this.queries.remove(tx, tenantId, removal))) throw new SuppressionNotFoundError();
      // Not which address: the audit log would outlive its erasure. The list's own history has it.
      await this.audit.record(tx, ctx, { action: 'suppression.removed', entityType: 'suppression', entityId: null });
    });
  }

  async import(ctx: TenantContext, format: ImportFormat, body: Readable, fallback: GivenReason): Promise<SuppressionImportReport> {
    const report: SuppressionImportReport = { added: 0, changed: 0, unchanged: 0, rejected: 0, errors: [] };
    const write = (batch: SuppressionBatch) => this.write(ctx, batch, report);
    await runImport({ format, body, reader: readerFor(fallback), newBatch: () => new SuppressionBatch(), write }, report);
    await this.events.suppressionsCommitted(ctx.tenantId);
    const { errors: _, ...after } = report;
    await this.db.inTenant(ctx.tenantId, (tx) =>
      this.audit.record(tx, ctx, { action: 'suppressions.imported', entityType: 'suppression', entityId: null, after }),
    );
    return report;
  }

  private async write(ctx: TenantContext, batch: SuppressionBatch, report: SuppressionImportReport): Promise<void> {
    const entries = batch.rows().map(({ email, reason, detail }) => ({ email, reason, source: 'import', detail: detail ?? undefined }));
    const { added, changed } = await this.db.inTenant(ctx.tenantId, (tx) => this.effects.addToList(tx, ctx.tenantId, entries, ctx.actor));
    report.added += added;
    report.changed += changed;
    report.unchanged += batch.size - added - changed;
  }
}

function readerFor(fallback: GivenReason): RowReader<ImportedSuppression> {
  return {
    header: (cells) => {
      const columns = readSuppressionHeader(cells);
      return typeof columns === 'string' ? columns : (record) => suppressionFromCells(columns, record, fallback);
    },
    object: (value) => suppressionFromObject(value, fallback),
  };
}

function assertMayLift(reason: SuppressionReason, force: boolean, detail: string | undefined): void {
  if (!PROTECTED_REASONS.includes(reason)) return;
  const missing: Problem[] = [];
  if (!force) missing.push({ path: 'query.force', message: `must be true to lift "${reason}"` });
  if (!detail?.trim()) missing.push({ path: 'query.detail', message: `must say why "${reason}" is lifted` });
  if (missing.length > 0) throw new SuppressionProtectedError(reason, missing);
}

function addressOf(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const { email } = decodeCursor(cursor);
  if (typeof email !== 'string') throw invalidCursor();
  return email;
}
