import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database } from '../../database/index.js';
import { Access, type AccessRequest } from './access.js';
import { ForeignOriginError, PasswordNeededError, UnauthenticatedError } from './identity.errors.js';
import type { TenantContext } from './tenant-context.js';
import { TenantsQueries } from './tenants.queries.js';

const NOT_THE_OPERATOR =
  'This shows jobs of all tenants, so only owners and admins of the tenant that operates the installation may see it: the setting OPERATOR_TENANT must name it, and names no tenant or another one.';

/** A request that may come from a browser. */
export interface PageRequest extends AccessRequest {
  headers: AccessRequest['headers'] & { host?: string; origin?: string; 'sec-fetch-site'?: string | string[] };
}

/**
 * Who runs the installation: owners and admins of the tenant that `OPERATOR_TENANT` names, or of the only tenant there is. What no tenant owns (the queues)
 * shows things of all of them, so the role alone opens nothing.
 *
 * For pages: a browser cannot send a bearer token when it goes to an address, so the API key may also be the password of HTTP Basic, with any name. Browsers
 * add that to whatever other sites make them ask for, so nothing is changed but from a page of our own.
 */
@Injectable()
export class Operators {
  constructor(
    private readonly config: AppConfig,
    private readonly db: Database,
    private readonly tenants: TenantsQueries,
    private readonly access: Access,
  ) {}

  async admit(request: PageRequest): Promise<TenantContext> {
    if (!['GET', 'HEAD'].includes(request.method) && isForeign(request)) throw new ForeignOriginError();
    const { ip, socket, method, routeOptions } = request;
    const headers = { authorization: asBearer(request.headers.authorization), 'user-agent': request.headers['user-agent'] };
    const known = { headers, ip, socket, method, routeOptions };
    const ctx = await this.access.admit(known, 'installation:operate').catch((error: unknown) => {
      throw error instanceof UnauthenticatedError ? new PasswordNeededError() : error;
    });
    if (ctx.tenantId !== (await this.operatorTenant())) await this.access.refuse(ctx, 'installation:operate', known, NOT_THE_OPERATOR);
    return ctx;
  }

  /** Without the workers' login a process cannot see whether there are others, and takes it that there are. */
  private async operatorTenant(): Promise<string | null> {
    return this.config.operatorTenant ?? this.db.asSystem((tx) => this.tenants.findOnly(tx));
  }
}

function asBearer(header: string | undefined): string | undefined {
  const basic = /^Basic +([\w+/=-]{1,8192}) *$/i.exec(header ?? '')?.[1];
  if (basic === undefined) return header;
  const pair = Buffer.from(basic, 'base64').toString('utf8');
  return `Bearer ${pair.slice(pair.indexOf(':') + 1)}`;
}

/** Every browser says one of the two; a program that says neither has no remembered password either. */
function isForeign({ headers }: PageRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin';
  return headers.origin !== undefined && (!URL.canParse(headers.origin) || new URL(headers.origin).host !== headers.host);
}
