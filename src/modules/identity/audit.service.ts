import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import { Database, type Tx } from '../../database/index.js';
import { decodeIdCursor, keysetPage, type PageQuery } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { type AuditFilter, AuditQueries, type AuditRow } from './audit.queries.js';
import type { TenantContext } from './tenant-context.js';

export interface AuditEntry {
  /** What was done, as `thing.verb`: `campaign.launched`. */
  action: string;
  entityType: string;
  entityId: string | null;
  /** What it was, and became. Never secrets. */
  before?: unknown;
  after?: unknown;
}

/** An entry as it is shown. */
export type AuditView = Omit<AuditRow, 'actorType' | 'actorId'> & { actor: { type: string; id: string | null } };

/** Who did what, and from where. Written in the transaction of the deed, so that neither is without the other. */
@Injectable()
export class AuditService {
  /** Requests that the log has heard of. */
  private readonly told = new WeakSet<TenantContext>();

  constructor(
    private readonly queries: AuditQueries,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly db: Database,
  ) {}

  async record(tx: Tx, ctx: TenantContext, entry: AuditEntry): Promise<void> {
    await this.queries.append(tx, ctx.tenantId, {
      id: this.ids.uuid(),
      at: this.clock.now(),
      actorType: ctx.actor.type,
      actorId: ctx.actor.id,
      action: entry.action,
      entityType: entry.entityType,
      entityId: entry.entityId,
      before: entry.before ?? null,
      after: entry.after ?? null,
      ip: ctx.origin?.ip ?? null,
      userAgent: ctx.origin?.userAgent ?? null,
    });
    this.told.add(ctx);
  }

  /** In a transaction of its own, for what has none: a refusal, or a deed whose service kept silent. */
  async recordAlone(ctx: TenantContext, entry: AuditEntry): Promise<void> {
    await this.db.inTenant(ctx.tenantId, (tx) => this.record(tx, ctx, entry));
  }

  /** Whether anything was recorded for this request. */
  knows(ctx: TenantContext): boolean {
    return this.told.has(ctx);
  }

  async list({ tenantId }: TenantContext, query: AuditFilter & PageQuery): Promise<Page<AuditView>> {
    const before = decodeIdCursor(query.cursor);
    const found = await this.db.inTenant(tenantId, (tx) => this.queries.list(tx, tenantId, query, before, query.limit + 1));
    const views = found.map(({ actorType, actorId, ...entry }) => ({ ...entry, actor: { type: actorType, id: actorId } }));
    return keysetPage(views, query.limit, ({ id }) => ({ id }));
  }
}
