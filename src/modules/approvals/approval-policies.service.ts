import { Injectable } from '@nestjs/common';
import { Database, holdLock, type Tx } from '../../database/index.js';
import { assertIfMatch, decodeIdCursor, keysetPage, type PageQuery } from '../../http/index.js';
import { Ids } from '../../shared/ids.js';
import type { Page } from '../../shared/page.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { ApprovalPoliciesQueries, type PolicyRow, type PolicySettings } from './approval-policies.queries.js';
import { ApprovalPolicyConflictError, ApprovalPolicyNotFoundError } from './approvals.errors.js';

/** So that a launch has not to go through any number of them. */
const MAX_POLICIES = 50;

/** Which campaigns of a tenant need whose approval. What is being decided goes on under the stages it was asked for; a launch asks the policies of its time. */
@Injectable()
export class ApprovalPoliciesService {
  constructor(
    private readonly db: Database,
    private readonly queries: ApprovalPoliciesQueries,
    private readonly audit: AuditService,
    private readonly ids: Ids,
  ) {}

  async list({ tenantId }: TenantContext, { limit, cursor }: PageQuery): Promise<Page<PolicyRow>> {
    const before = decodeIdCursor(cursor);
    const found = await this.db.inTenant(tenantId, (tx) => this.queries.list(tx, tenantId, before, limit + 1));
    return keysetPage(found, limit, ({ id }) => ({ id }));
  }

  async get({ tenantId }: TenantContext, id: string): Promise<PolicyRow> {
    const policy = await this.db.inTenant(tenantId, (tx) => this.queries.find(tx, tenantId, id));
    if (!policy) throw new ApprovalPolicyNotFoundError();
    return policy;
  }

  async create(ctx: TenantContext, settings: PolicySettings): Promise<PolicyRow> {
    const { tenantId } = ctx;
    return this.db.inTenant(tenantId, async (tx) => {
      await holdLock(tx, `approval-policies:${tenantId}`);
      if ((await this.queries.all(tx, tenantId)).length >= MAX_POLICIES) {
        throw new ApprovalPolicyConflictError(
          `There are ${MAX_POLICIES} approval policies already, which is as many as a tenant may have.`,
        );
      }
      const created = await this.queries.insert(tx, tenantId, this.ids.uuid(), settings);
      if (!created) throw taken();
      await this.record(tx, ctx, 'created', created.id, undefined, settings);
      return created;
    });
  }

  async update(ctx: TenantContext, id: string, change: Partial<PolicySettings>, ifMatch: string | undefined): Promise<PolicyRow> {
    const { tenantId } = ctx;
    return this.db.inTenant(tenantId, async (tx) => {
      const before = await this.queries.lock(tx, tenantId, id);
      if (!before) throw new ApprovalPolicyNotFoundError();
      assertIfMatch(ifMatch, before);
      const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
      const after: PolicySettings = { ...settingsOf(before), ...given };
      if (await this.queries.nameTaken(tx, tenantId, after.name, id)) throw taken();
      const updated = (await this.queries.update(tx, tenantId, id, after))!;
      await this.record(tx, ctx, 'updated', id, settingsOf(before), after);
      return updated;
    });
  }

  async remove(ctx: TenantContext, id: string): Promise<void> {
    await this.db.inTenant(ctx.tenantId, async (tx) => {
      const before = await this.queries.lock(tx, ctx.tenantId, id);
      if (!before) throw new ApprovalPolicyNotFoundError();
      await this.queries.remove(tx, ctx.tenantId, id);
      await this.record(tx, ctx, 'deleted', id, settingsOf(before), undefined);
    });
  }

  private async record(tx: Tx, ctx: TenantContext, verb: string, entityId: string, before: unknown, after: unknown): Promise<void> {
    await this.audit.record(tx, ctx, { action: `approval_policy.${verb}`, entityType: 'approval_policy', entityId, before, after });
  }
}

function settingsOf({ name, campaignTypes, minAudience, stages }: PolicySettings): PolicySettings {
  return { name, campaignTypes, minAudience, stages };
}

function taken(): ApprovalPolicyConflictError {
  return new ApprovalPolicyConflictError('There is an approval policy with this name already.', [
    { path: 'name', code: 'name_taken', message: 'is taken' },
  ]);
}
