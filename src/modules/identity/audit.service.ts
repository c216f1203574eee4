import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import type { Tx } from '../../database/index.js';
import { AuditQueries } from './audit.queries.js';
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

/** Who did what. Written in the transaction of the deed, so that neither is without the other. */
@Injectable()
export class AuditService {
  constructor(
    private readonly queries: AuditQueries,
    private readonly clock: Clock,
    private readonly ids: Ids,
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
    });
  }
}
