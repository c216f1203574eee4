import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { assertIfMatch } from '../../http/index.js';
import { Ids } from '../../shared/ids.js';
import { ApiKeysService } from './api-keys.service.js';
import { AuditService } from './audit.service.js';
import { TenantNotFoundError } from './identity.errors.js';
import { type TenantContext, systemContext } from './tenant-context.js';
import { type TenantChanges, TenantsQueries, type TenantRow } from './tenants.queries.js';
import { UsersQueries } from './users.queries.js';
import { WorkspacesQueries } from './workspaces.queries.js';

export interface NewTenant {
  name: string;
  /** The address of its first user, who becomes its owner. */
  adminEmail: string;
  timezone?: string;
  postalAddress?: string | null;
}

@Injectable()
export class TenantsService {
  constructor(
    private readonly db: Database,
    private readonly queries: TenantsQueries,
    private readonly users: UsersQueries,
    private readonly workspaces: WorkspacesQueries,
    private readonly keys: ApiKeysService,
    private readonly audit: AuditService,
    private readonly ids: Ids,
  ) {}

  /** The tenant of an open transaction; `TenantNotFoundError` if it is gone. */
  async get(tx: Tx, tenantId: string): Promise<TenantRow> {
    const tenant = await this.queries.find(tx, tenantId);
    if (!tenant) throw new TenantNotFoundError(tenantId);
    return tenant;
  }

  /** The tenant of a request. */
  async read(ctx: TenantContext): Promise<TenantRow> {
    return this.db.inTenant(ctx.tenantId, (tx) => this.get(tx, ctx.tenantId));
  }

  async update(ctx: TenantContext, changes: TenantChanges, ifMatch: string | undefined): Promise<TenantRow> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const before = await this.queries.lock(tx, ctx.tenantId);
      if (!before) throw new TenantNotFoundError(ctx.tenantId);
      assertIfMatch(ifMatch, before);
      const after = await this.queries.update(tx, ctx.tenantId, changes);
      if (!after) throw new TenantNotFoundError(ctx.tenantId);
      await this.audit.record(tx, ctx, { action: 'tenant.updated', entityType: 'tenant', entityId: after.id, before, after });
      return after;
    });
  }

  /**
   * A new tenant with a workspace, its owner and an API key for them, all or nothing. The key is in the answer and nowhere else.
   * Names need not be unique: calling it twice makes two tenants.
   */
  async create(input: NewTenant): Promise<{ tenantId: string; apiKey: string }> {
    const tenantId = this.ids.uuid();
    const ctx = systemContext(tenantId);
    const userId = this.ids.uuid();
    const workspaceId = this.ids.uuid();
    return this.db.inTenant(tenantId, async (tx) => {
      const { name, timezone = 'UTC', postalAddress = null } = input;
      await this.queries.insert(tx, { id: tenantId, name, timezone, postalAddress });
      await this.workspaces.insert(tx, tenantId, { id: workspaceId, name: 'Main' });
      const email = input.adminEmail.toLowerCase();
      await this.users.insert(tx, tenantId, { id: userId, email, name: email.split('@')[0], role: 'owner' });
      const { key } = await this.keys.issue(tx, ctx, { name: 'First key', roles: ['owner'], userId, workspaceId });
      await this.audit.record(tx, ctx, { action: 'tenant.created', entityType: 'tenant', entityId: tenantId, after: { name } });
      return { tenantId, apiKey: key };
    });
  }

  /** Is there no tenant yet? */
  async isEmpty(): Promise<boolean> {
    return this.db.asSystem(async (tx) => !(await this.queries.exists(tx)));
  }
}
