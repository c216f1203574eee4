import { Inject, Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { OutboundGuard } from '../../shared/outbound/index.js';
import { SecretBox } from '../../shared/secret-box.js';
import { secretContext, type SendGridAccountSettings, type SmtpAccountSettings } from './domain/provider-account.js';
import { EmailProvider } from './mail.types.js';
import { ProviderAccountsQueries, type ProviderAccountRow } from './provider-accounts.queries.js';
import { SendGridProvider } from './providers/sendgrid.provider.js';
import { SmtpProvider } from './providers/smtp.provider.js';
import { UnusableProvider } from './providers/unusable.provider.js';

/** A way out: a provider and the account it belongs to (null for the provider of the installation). */
export interface ChosenProvider {
  accountId: string | null;
  /** When the account was last changed (ms); 0 for the provider of the installation. */
  version: number;
  provider: EmailProvider;
}

interface Kept {
  provider: EmailProvider;
  /** The account as it was when the provider was made: a change makes a new one. */
  version: number;
}

/** Each keeps connections open. */
const MAX_KEPT = 50;
const EU_URL = 'https://api.eu.sendgrid.com';

/**
 * The providers of this process, by account: made at first use, kept while they are used, closed when others have been used since or the account
 * has changed. A provider that is closed lets its messages finish and takes no further ones (they are tried again through its successor).
 */
@Injectable()
export class EmailProviders {
  private readonly logger = new Logger('Mail');
  /** The longest unused first. */
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly db: Database,
    private readonly queries: ProviderAccountsQueries,
    private readonly secrets: SecretBox,
    private readonly guard: OutboundGuard,
    private readonly config: AppConfig,
    private readonly clock: Clock,
    @Inject(EmailProvider) private readonly ownProvider: EmailProvider,
  ) {}

  /**
   * The provider of this account; with null, of the tenant's default account or else of the installation. Reads the account each time, so a change
   * counts from the next call on. An account that is gone or whose secret cannot be read gets a provider that lets everything wait.
   */
  async for(tenantId: string, accountId: string | null): Promise<ChosenProvider> {
    const account = await this.db.inTenant(tenantId, (tx) =>
      accountId === null ? this.queries.findDefault(tx, tenantId) : this.queries.find(tx, tenantId, accountId),
    );
    if (account) return { accountId: account.id, version: account.updatedAt.getTime(), provider: this.keep(tenantId, account) };
    if (accountId === null) return { accountId: null, version: 0, provider: this.ownProvider };
    return { accountId, version: 0, provider: new UnusableProvider('smtp', 'The provider account of this campaign has been deleted.') };
  }

  /** Closes all but the provider of the installation. */
  async close(): Promise<void> {
    const providers = [...this.kept.values()].map(({ provider }) => provider);
    this.kept.clear();
    await Promise.all(providers.map((provider) => provider.close()));
  }

  private keep(tenantId: string, account: ProviderAccountRow): EmailProvider {
    const version = account.updatedAt.getTime();
    const known = this.kept.get(account.id);
    this.kept.delete(account.id);
    const isCurrent = known?.version === version;
    if (known && !isCurrent) this.retire(known.provider);
    const kept = known && isCurrent ? known : { provider: this.make(tenantId, account), version };
    this.kept.set(account.id, kept);
    for (const [id, { provider }] of this.kept) {
      if (this.kept.size <= MAX_KEPT) break;
      this.kept.delete(id);
      this.retire(provider);
    }
    return kept.provider;
  }

  private retire(provider: EmailProvider): void {
    provider.close().catch((error: Error) => this.logger.warn(`A provider could not be closed: ${error.message}`));
  }

  private make(tenantId: string, { id, kind, settings, secret }: ProviderAccountRow): EmailProvider {
    const opened = secret && this.secrets.open(secret, secretContext(tenantId, id));
    if (secret && opened === null) {
      const why =
        'The secret of the provider account cannot be read: APP_SECRET has changed. Set the secret again, or APP_SECRET_PREVIOUS.';
      this.logger.error(`Provider account ${id}: ${why}`);
      return new UnusableProvider(kind, why);
    }
    if (kind === 'sendgrid') {
      const { sendgridBaseUrl, sendgridConnections: connections } = this.config.mail;
      const baseUrl = (settings as SendGridAccountSettings).region === 'eu' ? EU_URL : sendgridBaseUrl;
      return new SendGridProvider({ apiKey: opened ?? '', baseUrl, connections }, this.clock);
    }
    const { host, port, encryption, username, connections } = settings as SmtpAccountSettings;
    const url = {
      host,
      port,
      secure: encryption === 'tls',
      requireTls: encryption === 'starttls',
      ...(username === null ? {} : { user: username, pass: opened ?? '' }),
    };
    return new SmtpProvider({ url, connections, guard: this.guard }, this.clock);
  }
}
