import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { PUBLIC } from '../../http/index.js';
import { Access, type AccessRequest } from './access.js';
import type { AuthenticatedRequest } from './tenant-context.js';

/** The first of three guards before every route: who calls. A route that is not `@Public()` gets no further without a credential that holds. */
@Injectable()
export class CredentialGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly access: Access,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, [context.getHandler(), context.getClass()])) return true;
    const request = context.switchToHttp().getRequest<AccessRequest & AuthenticatedRequest>();
    request.tenantContext = await this.access.identify(request);
    return true;
  }
}
