import { Inject, Injectable, Logger } from '@nestjs/common';
import { type AddressedRequest, clientAddress } from '../../http/index.js';
import { AuditService } from './audit.service.js';
import { CREDENTIAL_VERIFIERS, type CredentialVerifier } from './credentials/credential-verifier.js';
import { can, type Permission } from './domain/permissions.js';
import { PermissionDeniedError, UnauthenticatedError } from './identity.errors.js';
import { FailedCredentials } from './limits/failed-credentials.js';
import type { TenantContext } from './tenant-context.js';

/** What is looked at of a request. */
export interface AccessRequest extends AddressedRequest {
  headers: { authorization?: string; 'user-agent'?: string };
  method: string;
  routeOptions: { url?: string };
}

/** The log keeps one refusal of a kind a minute: somebody who knocks a thousand times is one entry, not a thousand. */
const REFUSALS_EVERY_MS = 60_000;
const MAX_REFUSALS = 10_000;

/** Who is it, and may they? Refusals go into the audit log of the tenant whose credential it was. */
@Injectable()
export class Access {
  private readonly logger = new Logger('Access');
  private readonly refusals = new Map<string, number>();

  constructor(
    @Inject(CREDENTIAL_VERIFIERS) private readonly verifiers: CredentialVerifier[],
    private readonly failures: FailedCredentials,
    private readonly audit: AuditService,
  ) {}

  /** Both at once, for what is not a route of Nest's. */
  async admit(request: AccessRequest, permission: Permission | null): Promise<TenantContext> {
    const ctx = await this.identify(request);
    await this.assertMay(ctx, permission, request);
    return ctx;
  }

  /** Whose request this is. Throws without a valid credential, and where too many that are not have come from there. */
  async identify(request: AccessRequest): Promise<TenantContext> {
    const { authorization = '', 'user-agent': userAgent } = request.headers;
    const ip = clientAddress(request);
    this.failures.assertMayTry(ip, authorization);
    const verified = await this.verify(authorization);
    if (!verified) {
      await this.failures.record(ip);
      throw new UnauthenticatedError(authorization.trim() !== '');
    }
    this.failures.prove(authorization);
    // An object of this request's own: verifiers hand out the same one again and again.
    return { ...verified, origin: { ip, userAgent: userAgent?.slice(0, 300) ?? null } };
  }

  /** Throws without the permission, and for everybody where there is no permission to have. */
  async assertMay(ctx: TenantContext, permission: Permission | null, request: AccessRequest): Promise<void> {
    if (!permission || !can(ctx.roles, permission)) await this.refuse(ctx, permission, request);
  }

  /** Records it and throws. `why`, where the roles are not the reason. */
  async refuse(ctx: TenantContext, permission: Permission | null, { method, routeOptions }: AccessRequest, why?: string): Promise<never> {
    const kind = `${ctx.actor.id} ${permission}`;
    const now = performance.now();
    if ((this.refusals.get(kind) ?? -Infinity) <= now - REFUSALS_EVERY_MS) {
      if (this.refusals.size >= MAX_REFUSALS) this.refusals.clear();
      this.refusals.set(kind, now);
      const after = { permission, route: `${method} ${routeOptions.url ?? ''}` };
      await this.audit
        .recordAlone(ctx, { action: 'access.denied', entityType: 'permission', entityId: null, after })
        .catch((error: Error) => {
          this.logger.error(`A refusal could not be entered in the audit log: ${error.message}`);
        });
    }
    throw new PermissionDeniedError(permission, why);
  }

  private async verify(header: string): Promise<TenantContext | null> {
    const token = /^Bearer +(\S{1,4096}) *$/i.exec(header)?.[1];
    if (token === undefined) return null;
    for (const verifier of this.verifiers) {
      const context = await verifier.verify(token);
      if (context) return context;
    }
    return null;
  }
}
