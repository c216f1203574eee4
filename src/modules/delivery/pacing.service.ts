import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import type { FrequencyCap } from '../../shared/pacing.js';
import { Clock } from '../../shared/clock.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { windowStart } from './domain/frequency-cap.js';
import type { PacingSettings } from './domain/pacing-settings.js';
import { PacingQueries } from './pacing.queries.js';

/** What a tenant sets for the pace of all its campaigns. */
@Injectable()
export class PacingService {
  constructor(
    private readonly db: Database,
    private readonly queries: PacingQueries,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  get(ctx: TenantContext): Promise<PacingSettings> {
    return this.db.inTenant(ctx.tenantId, async (tx) => (await this.queries.settings(tx, ctx.tenantId))?.settings ?? {});
  }

  /** The same in a transaction of the caller's. */
  async settings(tx: Tx, tenantId: string): Promise<PacingSettings> {
    return (await this.queries.settings(tx, tenantId))?.settings ?? {};
  }

  /** When each of these contacts was sent marketing mail that still counts for the cap at `now`, ascending; those without any are missing. */
  async mailUnderCap(tx: Tx, tenantId: string, contactIds: string[], cap: FrequencyCap, now: Date): Promise<Map<string, Date[]>> {
    const found = await this.queries.mailSince(tx, tenantId, contactIds, windowStart(cap, now));
    return new Map(found.map(({ contactId, times }) => [contactId, times]));
  }

  /** Replaces all of it. Campaigns that are sending follow within seconds. */
  replace(ctx: TenantContext, settings: PacingSettings): Promise<PacingSettings> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const before = (await this.queries.settings(tx, ctx.tenantId))?.settings ?? {};
      await this.queries.saveSettings(tx, ctx.tenantId, settings, this.clock.now());
      const entry = { action: 'pacing.updated', entityType: 'tenant', entityId: ctx.tenantId, before, after: settings };
      await this.audit.record(tx, ctx, entry);
      return settings;
    });
  }
}
