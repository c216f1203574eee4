import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { PUBLIC } from '../../http/index.js';
import { PERMISSION } from './access.decorators.js';
import { CREDENTIAL_VERIFIERS, type CredentialVerifier } from './credentials/credential-verifier.js';
import { can, type Permission } from './domain/permissions.js';
import { PermissionDeniedError, UnauthenticatedError } from './identity.errors.js';
import type { AuthenticatedRequest, TenantContext } from './tenant-context.js';

interface Request extends AuthenticatedRequest {
  headers: { authorization?: string };
}

/**
 * Stands before every route and denies by default: a route is open if it is `@Public()`, and open to whom its `@Can(…)` names; one that says
 * neither is open to nobody.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    @Inject(CREDENTIAL_VERIFIERS) private readonly verifiers: CredentialVerifier[],
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, targets)) return true;
    const request = context.switchToHttp().getRequest<Request>();
    const tenantContext = await this.authenticate(request.headers.authorization);
    const permission = this.reflector.getAllAndOverride<Permission | undefined>(PERMISSION, targets);
    if (!permission || !can(tenantContext.roles, permission)) throw new PermissionDeniedError(permission ?? null);
    request.tenantContext = tenantContext;
    return true;
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
