import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { decodeIdCursor, keysetPage, type PageQuery } from '../../http/index.js';
import { Ids } from '../../shared/ids.js';
import type { Page } from '../../shared/page.js';
import { AuditService } from './audit.service.js';
import { WorkspaceNameTakenError } from './identity.errors.js';
import type { TenantContext } from './tenant-context.js';
import { WorkspacesQueries, type WorkspaceRow } from './workspaces.queries.js';

@Injectable()
export class WorkspacesService {
  constructor(
    private readonly db: Database,
    private readonly queries: WorkspacesQueries,
    private readonly audit: AuditService,
    private readonly ids: Ids,
  ) {}

  async list({ tenantId }: TenantContext, { limit, cursor }: PageQuery): Promise<Page<WorkspaceRow>> {
    const before = decodeIdCursor(cursor);
    const found = await this.db.inTenant(tenantId, (tx) => this.queries.list(tx, tenantId, before, limit + 1));
    return keysetPage(found, limit, ({ id }) => ({ id }));
  }

  async create(ctx: TenantContext, { name }: { name: string }): Promise<WorkspaceRow> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const workspace = await this.queries.insert(tx, ctx.tenantId, { id: this.ids.uuid(), name });
      if (!workspace) throw new WorkspaceNameTakenError();
      await this.audit.record(tx, ctx, {
        action: 'workspace.created',
        entityType: 'workspace',
        entityId: workspace.id,
        after: workspace,
      });
      return workspace;
    });
  }
}
