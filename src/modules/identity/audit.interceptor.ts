import { type CallHandler, type ExecutionContext, Injectable, Logger, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { type Observable, concatMap } from 'rxjs';
import { PERMISSION } from './access.decorators.js';
import { AuditService } from './audit.service.js';
import type { Permission } from './domain/permissions.js';
import type { AuthenticatedRequest } from './tenant-context.js';

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The net below the audit log: a request that changed something and of which no service told the log is entered by its route. What services enter, in
 * the transaction of the deed and with before and after, is better; what they forget is not lost. Events that are reported to us are rows
 * themselves and are not entered.
 */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Audit');

  constructor(
    private readonly audit: AuditService,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest & AuthenticatedRequest>();
    const permission = this.reflector.getAllAndOverride<Permission | undefined>(PERMISSION, [context.getHandler(), context.getClass()]);
    if (!WRITES.has(request.method) || !permission || permission.endsWith(':read') || permission === 'events:write') return next.handle();
    return next.handle().pipe(
      concatMap(async (answer: unknown) => {
        await this.enter(request);
        return answer;
      }),
    );
  }

  private async enter(request: FastifyRequest & AuthenticatedRequest): Promise<void> {
    const ctx = request.tenantContext;
    if (!ctx || this.audit.knows(ctx)) return;
    const ids = Object.values(request.params as Record<string, string>).filter((value) => UUID.test(value));
    const action = `${request.method} ${request.routeOptions.url ?? ''}`.slice(0, 100);
    try {
      await this.audit.recordAlone(ctx, { action, entityType: 'request', entityId: ids.at(-1) ?? null });
    } catch (error) {
      // The deed is done: that it could not be entered is no reason to tell the client it failed.
      this.logger.error(`${action} could not be entered in the audit log: ${(error as Error).message}`);
    }
  }
}
