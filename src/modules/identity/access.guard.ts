import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { PUBLIC } from '../../http/index.js';
import { PERMISSION } from './access.decorators.js';
import { Access, type AccessRequest } from './access.js';
import type { Permission } from './domain/permissions.js';
import type { AuthenticatedRequest } from './tenant-context.js';

/**
 * The last of three guards before every route: what they may. It denies by default: a route is open if it is `@Public()`, and open to whom its
 * `@Can(…)` names; one that says neither is open to nobody.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly access: Access,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, targets)) return true;
    const request = context.switchToHttp().getRequest<AccessRequest & AuthenticatedRequest>();
    const permission = this.reflector.getAllAndOverride<Permission | undefined>(PERMISSION, targets);
    await this.access.assertMay(request.tenantContext!, permission ?? null, request);
    return true;
  }
}
