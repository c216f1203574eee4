import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppConfig } from '../../../config/index.js';
import { UNLIMITED, clientAddress, networkOf } from '../../../http/index.js';
import { PERMISSION } from '../access.decorators.js';
import { can, type Permission } from '../domain/permissions.js';
import { RateLimitedError } from '../identity.errors.js';
import type { AuthenticatedRequest } from '../tenant-context.js';
import { type Limit, OWN_LIMIT, type OwnLimit, limitsOf } from './limits.js';
import { SharedCounters } from './shared-counters.js';

/**
 * Stands between the guard that knows who calls and the one that knows what they may: what is refused for want of a permission counts too. By
 * credential, so that one client's flood is no other's; by address where a public route asks for none. An operation with a limit of its own counts
 * for both, and its headers tell of its own; that one is the whole tenant's, so only a request that may be made counts for it: nobody without the permission
 * uses up what others need.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  private readonly limits: ReturnType<typeof limitsOf>;

  constructor(
    config: AppConfig,
    private readonly reflector: Reflector,
    private readonly counters: SharedCounters,
  ) {
    this.limits = limitsOf(config);
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean>(UNLIMITED, [context.getHandler(), context.getClass()])) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest & AuthenticatedRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const { tenantContext: ctx } = request;
    if (!ctx) await this.count(this.limits.address, networkOf(clientAddress(request)), reply);
    else await this.count(this.limits.credential, `${ctx.actor.type} ${ctx.actor.id}`, reply);
    const own = this.reflector.get<OwnLimit | undefined>(OWN_LIMIT, context.getHandler());
    const permission = this.reflector.getAllAndOverride<Permission | undefined>(PERMISSION, [context.getHandler(), context.getClass()]);
    if (own && ctx && permission && can(ctx.roles, permission)) await this.count(this.limits[own], ctx.tenantId, reply);
    return true;
  }

  private async count(limit: Limit, whose: string, reply: FastifyReply): Promise<void> {
    if (limit.limit === 0) return;
    const { isAllowed, left, resetSeconds } = await this.counters.count(limit, whose);
    void reply.headers({ 'RateLimit-Limit': limit.limit, 'RateLimit-Remaining': left, 'RateLimit-Reset': resetSeconds });
    if (!isAllowed) throw new RateLimitedError(limit, resetSeconds);
  }
}
