import { Injectable } from '@nestjs/common';
import { Database, holdLock, type Tx } from '../../database/index.js';
import { decodeIdCursor, keysetPage } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import type { Problem } from '../../shared/domain-error.js';
import { Ids } from '../../shared/ids.js';
import type { Page } from '../../shared/page.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { DnsLookup } from './dns-lookup.js';
import { organisationalDomain, toDomainName } from './domain/domain-name.js';
import {
  DEFAULT_SELECTORS,
  adviceFor,
  bounded,
  checkRecords,
  verdict,
  type SenderAdvice,
  type SenderDomainSettings,
} from './domain/sender-domain.js';
import type { CreateSenderDomainDto } from './dto/sender-domain.dto.js';
import { InvalidSenderDomainError, SenderDomainExistsError, SenderDomainNotFoundError, TooManySenderDomainsError } from './mail.errors.js';
import { SenderDomainsQueries, type SenderDomainRow } from './sender-domains.queries.js';

const MAX_DOMAINS = 50;
/** For all look-ups of one check together. */
const CHECK_MS = 10_000;

/**
 * The domains a tenant sends from and what DNS says about them. Advice for people: nothing here proves who owns a domain, and no mail is held
 * back for it.
 */
@Injectable()
export class SenderDomainsService {
  constructor(
    private readonly db: Database,
    private readonly queries: SenderDomainsQueries,
    private readonly dns: DnsLookup,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  async list({ tenantId }: TenantContext, { limit, cursor }: { limit: number; cursor?: string }): Promise<Page<SenderDomainRow>> {
    const before = decodeIdCursor(cursor);
    const found = await this.db.inTenant(tenantId, (tx) => this.queries.list(tx, tenantId, before, limit + 1));
    return keysetPage(found, limit, ({ id }) => ({ id }));
  }

  async show({ tenantId }: TenantContext, id: string): Promise<SenderDomainRow> {
    const found = await this.db.inTenant(tenantId, (tx) => this.queries.find(tx, tenantId, id));
    if (!found) throw new SenderDomainNotFoundError();
    return found;
  }

  /** Registers a domain and looks it up at once. It stays registered, unchecked, should the process end in between. */
  async register(ctx: TenantContext, input: CreateSenderDomainDto): Promise<SenderDomainRow> {
    const settings = settingsOf(input);
    const { tenantId } = ctx;
    const registered = await this.db.inTenant(tenantId, async (tx) => {
      await holdLock(tx, `sender-domains:${tenantId}`);
      if ((await this.queries.count(tx, tenantId)) >= MAX_DOMAINS) throw new TooManySenderDomainsError(MAX_DOMAINS);
      const created = await this.queries.insert(tx, tenantId, this.ids.uuid(), settings);
      if (!created) throw new SenderDomainExistsError(settings.domain);
      await this.record(tx, ctx, 'created', created.id, undefined, settings);
      return created;
    });
    return this.lookUp(ctx, registered);
  }

  /** Looks the records up again, at most ten seconds long. */
  async check(ctx: TenantContext, id: string): Promise<SenderDomainRow> {
    return this.lookUp(ctx, await this.show(ctx, id));
  }

  async remove(ctx: TenantContext, id: string): Promise<void> {
    await this.db.inTenant(ctx.tenantId, async (tx) => {
      const before = await this.queries.find(tx, ctx.tenantId, id);
      if (!before || (await this.queries.remove(tx, ctx.tenantId, id)) === 0) throw new SenderDomainNotFoundError();
      await this.record(tx, ctx, 'deleted', id, { domain: before.domain, status: before.status }, undefined);
    });
  }

  /** What to say about mail from this address before a launch. Reads only what the last checks have stored: asks no name server. */
  async adviceFor(tx: Tx, tenantId: string, fromEmail: string): Promise<SenderAdvice[]> {
    return adviceFor(fromEmail, await this.queries.list(tx, tenantId, null, MAX_DOMAINS), this.clock.now());
  }

  private async lookUp(ctx: TenantContext, domain: SenderDomainRow): Promise<SenderDomainRow> {
    const checkedAt = this.clock.now();
    const records = await checkRecords(
      domain,
      bounded((name) => this.dns.txt(name), AbortSignal.timeout(CHECK_MS)),
    );
    const status = verdict(records);
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const stored = await this.queries.record(tx, ctx.tenantId, domain.id, { status, checkedAt, records });
      if (!stored) throw new SenderDomainNotFoundError();
      if (status !== domain.status) await this.record(tx, ctx, 'checked', domain.id, { status: domain.status }, { status });
      return stored;
    });
  }

  private async record(tx: Tx, ctx: TenantContext, verb: string, entityId: string, before: unknown, after: unknown): Promise<void> {
    await this.audit.record(tx, ctx, { action: `sender_domain.${verb}`, entityType: 'sender_domain', entityId, before, after });
  }
}

function settingsOf({ domain, dkimSelectors, spfInclude }: CreateSenderDomainDto): SenderDomainSettings {
  const problems: Problem[] = [];
  const name = toDomainName(domain);
  if (name === null) {
    problems.push({ path: 'domain', code: 'invalid_domain', message: 'must be the name of a domain, such as news.example.com' });
  } else if (organisationalDomain(name) === null) {
    problems.push({
      path: 'domain',
      code: 'public_suffix',
      message: 'must be below a public suffix: everybody can have a name under this one',
    });
  }
  const include = spfInclude == null ? null : toDomainName(spfInclude);
  if (spfInclude != null && include === null) {
    problems.push({ path: 'spfInclude', code: 'invalid_domain', message: 'must be the name of a domain, such as sendgrid.net' });
  }
  if (problems.length > 0) throw new InvalidSenderDomainError(problems);
  const selectors = (dkimSelectors ?? DEFAULT_SELECTORS).map((selector) => selector.toLowerCase());
  return { domain: name!, dkimSelectors: [...new Set(selectors)], spfInclude: include };
}
