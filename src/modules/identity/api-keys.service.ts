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
import {
  ApiKeyEndedError,
  ApiKeyNotFoundError,
  ExpiryInThePastError,
  RoleNotGrantableError,
  UnknownReferenceError,
} from './identity.errors.js';
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
      if (input.userId) await this.assertMayName(tx, ctx, input.userId);
      if (input.workspaceId && !(await this.workspaces.exists(tx, ctx.tenantId, input.workspaceId))) {
        throw new UnknownReferenceError('workspaceId', 'workspace');
      }
      return this.issue(tx, ctx, input);
    });
  }

  /** What a key does counts as its user's: approvals count by the role of the user. So it takes as much to make one as to make such a user. */
  private async assertMayName(tx: Tx, ctx: TenantContext, userId: string): Promise<void> {
    const user = await this.users.find(tx, ctx.tenantId, userId);
    if (!user) throw new UnknownReferenceError('userId', 'user');
    if (!canGrant(ctx.roles, user.role)) throw new RoleNotGrantableError(user.role, 'userId');
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
    await this.audit.record(tx, ctx, {
      action: 'api_key.created',
      entityType: 'api_key',
      entityId: id,
      after: { name, roles, userId, expiresAt },
    });
    return { ...stored, key };
  }

  /**
   * A new key in the place of this one, for the same roles, user and workspace. The old one works for `overlapSeconds` more, so that every place it
   * stands in can be changed meanwhile. Without `expiresAt` the new one lives as long as the old one was made to.
   */
  async rotate(ctx: TenantContext, id: string, input: { overlapSeconds: number; expiresAt?: Date | null }): Promise<IssuedApiKey> {
    const now = this.clock.now();
    if (input.expiresAt && input.expiresAt <= now) throw new ExpiryInThePastError();
    const issued = await this.db.inTenant(ctx.tenantId, async (tx) => {
      const old = await this.queries.lock(tx, ctx.tenantId, id);
      if (!old) throw new ApiKeyNotFoundError(id);
      if (old.revokedAt || (old.expiresAt && old.expiresAt <= now)) throw new ApiKeyEndedError();
      old.roles.forEach((role, index) => {
        if (!canGrant(ctx.roles, role)) throw new RoleNotGrantableError(role, `roles[${index}]`);
      });
      if (old.userId) await this.assertMayName(tx, ctx, old.userId);
      const lifetime = old.expiresAt && old.expiresAt.getTime() - old.createdAt.getTime();
      const sameLife = lifetime === null ? null : new Date(now.getTime() + lifetime);
      const expiresAt = input.expiresAt === undefined ? sameLife : input.expiresAt;
      const { name, roles, userId, workspaceId } = old;
      const successor = await this.issue(tx, ctx, { name, roles, userId, workspaceId, expiresAt });
      const oldEndsAt = new Date(now.getTime() + input.overlapSeconds * 1_000);
      await this.queries.expire(tx, ctx.tenantId, id, oldEndsAt);
      const after = { oldEndsAt, replacedBy: successor.id };
      await this.audit.record(tx, ctx, { action: 'api_key.rotated', entityType: 'api_key', entityId: id, after });
      return successor;
    });
    this.verifier.forgetTenant(ctx.tenantId);
    return issued;
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
