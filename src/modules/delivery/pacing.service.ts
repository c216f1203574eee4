import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { AuditService, type TenantContext } from '../identity/index.js';
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
