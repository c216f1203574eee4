import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig, isP256PublicKey, readP256PublicKey } from '../../config/index.js';
import { Database, type Tx } from '../../database/index.js';
import { assertIfMatch, decodeIdCursor, keysetPage } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import type { Problem } from '../../shared/domain-error.js';
import { Ids } from '../../shared/ids.js';
import { OutboundFailed, OutboundGuard, OutboundRefused } from '../../shared/outbound/index.js';
import type { Page } from '../../shared/page.js';
import { SecretBox } from '../../shared/secret-box.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { mergeSendGrid, mergeSmtp, type Merged } from './domain/account-settings.js';
import {
  readWebhookKey,
  secretContext,
  webhookPath,
  type AccountSettings,
  type ProviderKind,
  type SendGridAccountSettings,
  type SmtpAccountSettings,
} from './domain/provider-account.js';
import type { CreateProviderAccountDto, ProviderAccountDto, UpdateProviderAccountDto } from './dto/provider-account.dto.js';
import {
  InvalidProviderAccountError,
  ProviderAccountExistsError,
  ProviderAccountInUseError,
  ProviderAccountNotFoundError,
  TooManyProviderAccountsError,
} from './mail.errors.js';
import { ProviderAccountsQueries, type ProviderAccountRow } from './provider-accounts.queries.js';

const MAX_ACCOUNTS = 50;
const CAMPAIGNS_SHOWN = 20;

/** A tenant's accounts with mail providers. Secrets go in and never come out. */
@Injectable()
export class ProviderAccountsService {
  constructor(
    private readonly db: Database,
    private readonly queries: ProviderAccountsQueries,
    private readonly secrets: SecretBox,
    private readonly guard: OutboundGuard,
    private readonly audit: AuditService,
    private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  async list({ tenantId }: TenantContext, { limit, cursor }: { limit: number; cursor?: string }): Promise<Page<ProviderAccountDto>> {
    const before = decodeIdCursor(cursor);
    const found = await this.db.inTenant(tenantId, (tx) => this.queries.list(tx, tenantId, before, limit + 1));
    return keysetPage(
      found.map((account) => shown(tenantId, account)),
      limit,
      ({ id }) => ({ id }),
    );
  }

  async show({ tenantId }: TenantContext, id: string): Promise<ProviderAccountDto> {
    const account = await this.db.inTenant(tenantId, (tx) => this.queries.find(tx, tenantId, id));
    if (!account) throw new ProviderAccountNotFoundError();
    return shown(tenantId, account);
  }

  /** For other modules: is there such an account (not deleted) in the tenant? */
  async exists(tx: Tx, tenantId: string, id: string): Promise<boolean> {
    return (await this.queries.find(tx, tenantId, id)) !== null;
  }

  /** Whose webhook the last part of a `webhookPath` belongs to, and what its calls are signed with; null if it names no account. */
  async webhookAccount(key: string): Promise<{ tenantId: string; publicKey: KeyObject | null } | null> {
    const named = readWebhookKey(key);
    if (!named) return null;
    const { tenantId, accountId } = named;
    const account = await this.db.inTenant(tenantId, (tx) => this.queries.webhookKey(tx, tenantId, accountId));
    return account && { tenantId, publicKey: account.publicKey === null ? null : readP256PublicKey(account.publicKey) };
  }

  async create(ctx: TenantContext, input: CreateProviderAccountDto): Promise<ProviderAccountDto> {
    const { tenantId } = ctx;
    const id = this.ids.uuid();
    const merged = this.merged(input.kind, null, input);
    await this.assertReachable(merged.settings);
    return this.db.inTenant(tenantId, async (tx) => {
      await this.queries.lockTenant(tx, tenantId);
      if ((await this.queries.count(tx, tenantId)) >= MAX_ACCOUNTS) throw new TooManyProviderAccountsError(MAX_ACCOUNTS);
      if (await this.queries.nameTaken(tx, tenantId, input.name, id)) throw new ProviderAccountExistsError();
      if (input.isDefault) await this.queries.clearDefault(tx, tenantId);
      const account = await this.queries.insert(tx, tenantId, {
        id,
        name: input.name,
        kind: input.kind,
        isDefault: input.isDefault ?? false,
        settings: merged.settings,
        secret: merged.secret == null ? null : this.secrets.seal(merged.secret, secretContext(tenantId, id)),
      });
      await this.record(tx, ctx, 'created', id, undefined, shown(tenantId, account));
      return shown(tenantId, account);
    });
  }

  async update(ctx: TenantContext, id: string, input: UpdateProviderAccountDto, ifMatch: string | undefined): Promise<ProviderAccountDto> {
    const { tenantId } = ctx;
    if (input.smtp?.host !== undefined) await this.assertReachable({ host: input.smtp.host });
    return this.db.inTenant(tenantId, async (tx) => {
      await this.queries.lockTenant(tx, tenantId);
      const before = await this.queries.lock(tx, tenantId, id);
      if (!before) throw new ProviderAccountNotFoundError();
      assertIfMatch(ifMatch, shown(tenantId, before));
      const merged = this.merged(before.kind, before, input);
      if (input.name !== undefined && (await this.queries.nameTaken(tx, tenantId, input.name, id))) throw new ProviderAccountExistsError();
      if (input.isDefault && !before.isDefault) await this.queries.clearDefault(tx, tenantId);
      const account = await this.queries.update(tx, tenantId, {
        id,
        name: input.name ?? before.name,
        isDefault: input.isDefault ?? before.isDefault,
        settings: merged.settings,
        secret: this.resealed(tenantId, before, merged.secret),
      });
      await this.record(tx, ctx, 'updated', id, shown(tenantId, before), {
        ...shown(tenantId, account),
        ...(merged.secret === undefined ? {} : { secretChanged: true }),
      });
      return shown(tenantId, account);
    });
  }

  /** Refused while campaigns need the account. Those that are over, and drafts, keep its id; a draft must choose another before it is launched. */
  async remove(ctx: TenantContext, id: string): Promise<void> {
    const { tenantId } = ctx;
    await this.db.inTenant(tenantId, async (tx) => {
      const before = await this.queries.lock(tx, tenantId, id);
      if (!before) throw new ProviderAccountNotFoundError();
      const campaigns = await this.queries.campaignsUsing(tx, tenantId, id, CAMPAIGNS_SHOWN);
      if (campaigns.length > 0) throw new ProviderAccountInUseError(campaigns);
      await this.queries.archive(tx, tenantId, id, this.clock.now());
      await this.record(tx, ctx, 'deleted', id, shown(tenantId, before), undefined);
    });
  }

  private merged(
    kind: ProviderKind,
    before: ProviderAccountRow | null,
    input: Pick<UpdateProviderAccountDto, 'smtp' | 'sendgrid'>,
  ): Merged<AccountSettings> {
    const foreign = kind === 'smtp' ? 'sendgrid' : 'smtp';
    const wrong: Problem[] =
      input[foreign] === undefined
        ? []
        : [{ path: foreign, code: 'foreign_field', message: `does not belong to an account of kind ${kind}` }];
    const hasSecret = before?.secret != null;
    const merged: Merged<AccountSettings> =
      kind === 'smtp'
        ? mergeSmtp(
            (before?.settings as SmtpAccountSettings) ?? null,
            hasSecret,
            input.smtp ?? {},
            this.config.outbound.allowPrivateNetworks,
          )
        : mergeSendGrid((before?.settings as SendGridAccountSettings) ?? null, hasSecret, input.sendgrid ?? {});
    const key = input.sendgrid?.webhookPublicKey;
    if (key != null && !isP256PublicKey(key)) {
      const message = 'must be the verification key that SendGrid shows: an ECDSA key on the curve P-256, as base64 or PEM';
      wrong.push({ path: 'sendgrid.webhookPublicKey', code: 'invalid_key', message });
    }
    const problems = [...wrong, ...merged.problems];
    if (problems.length > 0) throw new InvalidProviderAccountError(problems);
    return merged;
  }

  /** A mail server inside our network is refused when it is named, and again whenever a connection is made: names change their meaning. */
  private async assertReachable(settings: AccountSettings | { host: string }): Promise<void> {
    if (!('host' in settings)) return;
    try {
      await this.guard.addresses(settings.host);
    } catch (error) {
      if (!(error instanceof OutboundRefused || error instanceof OutboundFailed)) throw error;
      throw new InvalidProviderAccountError([{ path: 'smtp.host', code: error.reason, message: `cannot be used: ${error.message}` }]);
    }
  }

  /** A secret that is kept is sealed anew with the present key, so that an old `APP_SECRET` can be given up some day. */
  private resealed(tenantId: string, before: ProviderAccountRow, secret: string | null | undefined): Buffer | null {
    const context = secretContext(tenantId, before.id);
    if (secret === null) return null;
    if (secret !== undefined) return this.secrets.seal(secret, context);
    const kept = before.secret && this.secrets.open(before.secret, context);
    return kept == null ? before.secret : this.secrets.seal(kept, context);
  }

  private async record(tx: Tx, ctx: TenantContext, verb: string, entityId: string, before: unknown, after: unknown): Promise<void> {
    await this.audit.record(tx, ctx, { action: `provider_account.${verb}`, entityType: 'provider_account', entityId, before, after });
  }
}

function shown(
  tenantId: string,
  { id, name, kind, isDefault, settings, secret, createdAt, updatedAt }: ProviderAccountRow,
): ProviderAccountDto {
  const common = { id, name, kind, isDefault, createdAt, updatedAt };
  const hasSecret = secret !== null;
  if (kind === 'sendgrid') {
    const { region, webhookPublicKey = null } = settings as SendGridAccountSettings;
    const sendgrid = { region, hasApiKey: hasSecret, webhookPublicKey, webhookPath: webhookPath(tenantId, id) };
    return { ...common, smtp: null, sendgrid };
  }
  const { host, port, encryption, username, connections } = settings as SmtpAccountSettings;
  return { ...common, smtp: { host, port, encryption, username, hasPassword: hasSecret, connections }, sendgrid: null };
}
