import { type CanActivate, type ExecutionContext, Inject, Injectable, Logger } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { PUBLIC } from '../../http/index.js';
import { PERMISSION } from './access.decorators.js';
import { AuditService } from './audit.service.js';
import { CREDENTIAL_VERIFIERS, type CredentialVerifier } from './credentials/credential-verifier.js';
import { can, type Permission } from './domain/permissions.js';
import { PermissionDeniedError, UnauthenticatedError } from './identity.errors.js';
import type { AuthenticatedRequest, TenantContext } from './tenant-context.js';

interface Request extends AuthenticatedRequest {
  headers: { authorization?: string; 'user-agent'?: string };
  ip: string;
  method: string;
  routeOptions: { url?: string };
}

/** The log keeps one refusal of a kind a minute: somebody who knocks a thousand times is one entry, not a thousand. */
const REFUSALS_EVERY_MS = 60_000;
const MAX_REFUSALS = 10_000;

/**
 * Stands before every route and denies by default: a route is open if it is `@Public()`, and open to whom its `@Can(…)` names; one that says
 * neither is open to nobody.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly logger = new Logger('Access');
  private readonly refusals = new Map<string, number>();

  constructor(
    private readonly reflector: Reflector,
    @Inject(CREDENTIAL_VERIFIERS) private readonly verifiers: CredentialVerifier[],
    private readonly audit: AuditService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, targets)) return true;
    const request = context.switchToHttp().getRequest<Request>();
    const verified = await this.authenticate(request.headers.authorization);
    // An object of this request's own: verifiers hand out the same one again and again.
    const tenantContext = { ...verified, origin: { ip: request.ip, userAgent: request.headers['user-agent']?.slice(0, 300) ?? null } };
    const permission = this.reflector.getAllAndOverride<Permission | undefined>(PERMISSION, targets);
    if (!permission || !can(tenantContext.roles, permission)) {
      await this.recordRefusal(tenantContext, permission ?? null, request);
      throw new PermissionDeniedError(permission ?? null);
    }
    request.tenantContext = tenantContext;
    return true;
  }

  private async recordRefusal(ctx: TenantContext, permission: Permission | null, { method, routeOptions }: Request): Promise<void> {
    const kind = `${ctx.actor.id} ${permission}`;
    const now = performance.now();
    if ((this.refusals.get(kind) ?? -Infinity) > now - REFUSALS_EVERY_MS) return;
    if (this.refusals.size >= MAX_REFUSALS) this.refusals.clear();
    this.refusals.set(kind, now);
    const after = { permission, route: `${method} ${routeOptions.url ?? ''}` };
    await this.audit
      .recordAlone(ctx, { action: 'access.denied', entityType: 'permission', entityId: null, after })
      .catch((error: Error) => {
        this.logger.error(`A refusal could not be entered in the audit log: ${error.message}`);
      });
  }

  private async authenticate(header: string | undefined): Promise<TenantContext> {
    const token = /^Bearer +(\S{1,4096}) *$/i.exec(header ?? '')?.[1];
    if (token === undefined) throw new UnauthenticatedError(header !== undefined && header.trim() !== '');
    for (const verifier of this.verifiers) {
      const context = await verifier.verify(token);
      if (context) return context;
    }
    throw new UnauthenticatedError(true);
  }
}
