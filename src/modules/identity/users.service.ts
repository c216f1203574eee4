import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { assertIfMatch, decodeIdCursor, keysetPage, type PageQuery } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import type { Page } from '../../shared/page.js';
import { AuditService } from './audit.service.js';
import { ApiKeyVerifier } from './credentials/api-key-verifier.js';
import { canGrant, type Role } from './domain/permissions.js';
import { EmailTakenError, LastOwnerError, RoleNotGrantableError, UserNotFoundError } from './identity.errors.js';
import type { TenantContext } from './tenant-context.js';
import { UsersQueries, type UserRow } from './users.queries.js';

export interface UserInput {
  name?: string;
  role?: Role;
  disabled?: boolean;
}

@Injectable()
export class UsersService {
  constructor(
    private readonly db: Database,
    private readonly queries: UsersQueries,
    private readonly audit: AuditService,
    private readonly verifier: ApiKeyVerifier,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  async list({ tenantId }: TenantContext, { limit, cursor }: PageQuery): Promise<Page<UserRow>> {
    const before = decodeIdCursor(cursor);
    const found = await this.db.inTenant(tenantId, (tx) => this.queries.list(tx, tenantId, before, limit + 1));
    return keysetPage(found, limit, ({ id }) => ({ id }));
  }

  async get({ tenantId }: TenantContext, id: string): Promise<UserRow> {
    const user = await this.db.inTenant(tenantId, (tx) => this.queries.find(tx, tenantId, id));
    if (!user) throw new UserNotFoundError(id);
    return user;
  }

  async create(ctx: TenantContext, input: { email: string; name: string; role: Role }): Promise<UserRow> {
    if (!canGrant(ctx.roles, input.role)) throw new RoleNotGrantableError(input.role, 'role');
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const user = await this.queries.insert(tx, ctx.tenantId, { ...input, id: this.ids.uuid(), email: input.email.toLowerCase() });
      if (!user) throw new EmailTakenError();
      await this.audit.record(tx, ctx, { action: 'user.created', entityType: 'user', entityId: user.id, after: { role: user.role } });
      return user;
    });
  }

  /** Changes a user. Disabling one makes their keys worthless (elsewhere within the 5 seconds that other processes remember a key). */
  async update(ctx: TenantContext, id: string, input: UserInput, ifMatch: string | undefined): Promise<UserRow> {
    const { before, after } = await this.db.inTenant(ctx.tenantId, async (tx) => {
      const locked = await this.queries.lockWithOwners(tx, ctx.tenantId, id);
      const user = locked.find((candidate) => candidate.id === id);
      if (!user) throw new UserNotFoundError(id);
      assertIfMatch(ifMatch, user);
      this.assertAllowed(ctx, user, input, locked);
      const disabledAt = input.disabled === undefined ? undefined : input.disabled ? (user.disabledAt ?? this.clock.now()) : null;
      const changed = await this.queries.update(tx, ctx.tenantId, id, { name: input.name, role: input.role, disabledAt });
      if (!changed) throw new UserNotFoundError(id);
      await this.audit.record(tx, ctx, {
        action: 'user.updated',
        entityType: 'user',
        entityId: id,
        before: access(user),
        after: access(changed),
      });
      return { before: user, after: changed };
    });
    if (before.disabledAt?.getTime() !== after.disabledAt?.getTime()) this.verifier.forgetTenant(ctx.tenantId);
    return after;
  }

  private assertAllowed(ctx: TenantContext, user: UserRow, input: UserInput, locked: UserRow[]): void {
    // Nobody touches somebody who may do more than they do, either to take their role or to use it.
    if (!canGrant(ctx.roles, user.role)) throw new RoleNotGrantableError(user.role, 'role');
    if (input.role && !canGrant(ctx.roles, input.role)) throw new RoleNotGrantableError(input.role, 'role');
    const isOwner = user.role === 'owner' && user.disabledAt === null;
    const staysOwner = (input.role ?? 'owner') === 'owner' && input.disabled !== true;
    const others = locked.filter((other) => other.id !== user.id && other.role === 'owner' && other.disabledAt === null);
    if (isOwner && !staysOwner && others.length === 0) throw new LastOwnerError();
  }
}

/** The audit log keeps what matters for access, not personal data. */
function access({ role, disabledAt }: UserRow) {
  return { role, disabledAt };
}
