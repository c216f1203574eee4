import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { Role } from './domain/permissions.js';

/** Whose request this is: made by the guard from a verified credential, passed on explicitly. Never built from anything in the body. */
export interface TenantContext {
  tenantId: string;
  workspaceId: string | null;
  userId: string | null;
  actor: { type: 'user' | 'api_key' | 'system'; id: string | null };
  roles: Role[];
  /** From where; absent for work without a request. */
  origin?: { ip: string; userAgent: string | null };
}

/** Where the guard leaves it on the request. */
export interface AuthenticatedRequest {
  tenantContext?: TenantContext;
}

/** What work without a request (jobs, crons, the command line) does in a tenant's name. */
export function systemContext(tenantId: string): TenantContext {
  return { tenantId, workspaceId: null, userId: null, actor: { type: 'system', id: null }, roles: [] };
}

/** `@Ctx() ctx: TenantContext`, in any route that has `@Can(…)`. */
export const Ctx = createParamDecorator((_: unknown, context: ExecutionContext): TenantContext => {
  const { tenantContext } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (!tenantContext) throw new Error('@Ctx() in a public route: there is no tenant without a credential');
  return tenantContext;
});
