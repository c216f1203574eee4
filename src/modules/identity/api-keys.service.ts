import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { decodeIdCursor, keysetPage, type PageQuery } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import type { Page } from '../../shared/page.js';
import { ApiKeysQueries, type ApiKeyRow } from './api-keys.queries.js';
import { AuditService } from './audit.service.js';
import { ApiKeyVerifier } from './credentials/api-key-verifier.js';
import { hashApiKey, hintOf, newApiKey } from './domain/api-key-format.js';
import { canGrant, type Role } from './domain/permissions.js';
import { ApiKeyNotFoundError, ExpiryInThePastError, RoleNotGrantableError, UnknownReferenceError } from './identity.errors.js';
import type { TenantContext } from './tenant-context.js';
import { UsersQueries } from './users.queries.js';
import { WorkspacesQueries } from './workspaces.queries.js';

export interface NewApiKey {
  name: string;
  roles: Role[];
  userId?: string | null;
  workspaceId?: string | null;
  expiresAt?: Date | null;
}

export type IssuedApiKey = ApiKeyRow & {
  /** The key itself: here and never again. */
  key: string;
};

@Injectable()
export class ApiKeysService {
  constructor(
    private readonly db: Database,
    private readonly queries: ApiKeysQueries,
    private readonly users: UsersQueries,
    private readonly workspaces: WorkspacesQueries,
    private readonly verifier: ApiKeyVerifier,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  async list({ tenantId }: TenantContext, { limit, cursor }: PageQuery): Promise<Page<ApiKeyRow>> {
    const before = decodeIdCursor(cursor);
    const found = await this.db.inTenant(tenantId, (tx) => this.queries.list(tx, tenantId, before, limit + 1));
    return keysetPage(found, limit, ({ id }) => ({ id }));
  }

  async get({ tenantId }: TenantContext, id: string): Promise<ApiKeyRow> {
    const key = await this.db.inTenant(tenantId, (tx) => this.queries.find(tx, tenantId, id));
    if (!key) throw new ApiKeyNotFoundError(id);
    return key;
  }

  /** A key with roles that the caller has too; what it refers to must exist in the tenant. */
  async create(ctx: TenantContext, input: NewApiKey): Promise<IssuedApiKey> {
    input.roles.forEach((role, index) => {
      if (!canGrant(ctx.roles, role)) throw new RoleNotGrantableError(role, `roles[${index}]`);
    });
    if (input.expiresAt && input.expiresAt <= this.clock.now()) throw new ExpiryInThePastError();
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      if (input.userId && !(await this.users.find(tx, ctx.tenantId, input.userId))) throw new UnknownReferenceError('userId', 'user');
      if (input.workspaceId && !(await this.workspaces.exists(tx, ctx.tenantId, input.workspaceId))) {
        throw new UnknownReferenceError('workspaceId', 'workspace');
      }
      return this.issue(tx, ctx, input);
    });
  }

  /** Makes a key without asking who may: for `create` and for work without a request. The caller has checked the references. */
  async issue(tx: Tx, ctx: TenantContext, input: NewApiKey): Promise<IssuedApiKey> {
    const { name, roles, userId = null, workspaceId = null, expiresAt = null } = input;
    const id = this.ids.uuid();
    const key = newApiKey({ tenantId: ctx.tenantId, keyId: id });
    const stored = await this.queries.insert(tx, ctx.tenantId, {
      id,
      name,
      keyHash: hashApiKey(key),
      hint: hintOf(key),
      roles: [...new Set(roles)],
      userId,
      workspaceId,
      createdAt: this.clock.now(),
      expiresAt,
    });
    await this.audit.record(tx, ctx, { action: 'api_key.created', entityType: 'api_key', entityId: id, after: { name, roles, expiresAt } });
    return { ...stored, key };
  }

  /** Ends a key: at once in this process, within 5 seconds in others (as long as they remember a key). Revoking twice is fine. */
  async revoke(ctx: TenantContext, id: string): Promise<ApiKeyRow> {
    const revoked = await this.db.inTenant(ctx.tenantId, async (tx) => {
      const key = await this.queries.revoke(tx, ctx.tenantId, id, this.clock.now());
      if (!key) throw new ApiKeyNotFoundError(id);
      await this.audit.record(tx, ctx, { action: 'api_key.revoked', entityType: 'api_key', entityId: id });
      return key;
    });
    this.verifier.forgetTenant(ctx.tenantId);
    return revoked;
  }
}
