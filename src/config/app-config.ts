import type { FailPoints } from '../shared/fail-point.js';

export type MailProvider = 'mailbox' | 'smtp' | 'sendgrid' | 'null';
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'verbose';

/**
 * Everything a process may be told from outside: validated, shaped and frozen. Built once by `loadConfig`, injected everywhere by this class.
 * Nothing else reads the environment, so what is not here cannot be configured.
 */
export class AppConfig {
  readonly nodeEnv: string;
  readonly logLevel: LogLevel;
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly publicUrl: string;
    /** Whose `X-Forwarded-For` is believed: the last so many proxies, or those at these addresses and networks. */
    readonly trustProxy: number | readonly string[];
    /** Web pages of these origins may call the API; `*`: of any. */
    readonly corsOrigins: readonly string[];
  };
  /** How often something may be asked for; 0: as often as one likes. */
  readonly rateLimits: {
    /** Requests, by credential; without one by address. */
    readonly perMinute: number;
    /** Credentials that do not hold, by address. */
    readonly failuresPerMinute: number;
    /** The rest by tenant. */
    readonly launchesPerMinute: number;
    readonly importsPerHour: number;
    readonly testSendsPerHour: number;
  };
  /** Base of tracking and unsubscribe links; never ends in a slash. */
  readonly publicUrl: string;
  readonly database: {
    /** Unset only when embedded and not started yet: `main` completes it with `withDatabase`. */
    readonly url?: string;
    /** The login that sees every tenant, for work across tenants; unset in a process that does none. */
    readonly workerUrl?: string;
    /** The owner of the tables; unset: `url` is, or another process migrates. */
    readonly migrationUrl?: string;
    readonly embedded: boolean;
    readonly poolApi: number;
    readonly poolWorker: number;
    readonly poolQueue: number;
  };
  readonly redisUrl?: string;
  /** Absolute. Holds the embedded database, the mailbox and generated secrets. */
  readonly dataDir: string;
  readonly roles: { readonly api: boolean; readonly worker: boolean; readonly scheduler: boolean };
  readonly mail: {
    readonly provider: MailProvider;
    readonly smtpUrl?: string;
    readonly sendgridApiKey?: string;
    readonly sendgridBaseUrl: string;
    readonly sendgridWebhookPublicKey?: string;
    readonly smtpConnections: number;
    readonly sendgridConnections: number;
    /** How long a provider may take over one message; unset: as long as suits the protocol. */
    readonly sendTimeoutSeconds?: number;
  };
  /** Answers to our messages. Without a domain, messages carry no reply address of ours. */
  readonly replies: {
    /** The domain whose mail arrives at `POST /webhooks/sendgrid/inbound`. */
    readonly domain?: string;
    /** What that webhook must present: as the password of HTTP Basic, or as the last part of the path. */
    readonly webhookSecret?: string;
  };
  /** Signs tracking and unsubscribe tokens: changing it breaks the links in mail already sent. At least 32 characters. */
  readonly appSecret: string;
  /** Secrets that `appSecret` has replaced, newest first: what they signed or encrypted stays valid, nothing new is made with them. */
  readonly previousAppSecrets: readonly string[];
  /** The tenant whose owners and admins look after what all tenants share; unset: the only tenant, if there is only one. */
  readonly operatorTenant?: string;
  readonly jwt: { readonly secret?: string; readonly jwksUrl?: string; readonly issuer?: string; readonly audience?: string };
  /** Connections made on behalf of tenants: webhooks, their mail servers, links to be checked. */
  readonly outbound: {
    /** Also to addresses inside the network, http and any port. */
    readonly allowPrivateNetworks: boolean;
  };
  /** Cron expressions, checked. */
  readonly schedules: { readonly steps: string; readonly completion: string; readonly analytics: string };
  readonly engine: {
    /** How often the worker looks for due rows that no hint announced. */
    readonly pollIntervalMs: number;
    /** How long a row may stay `sending` before it counts as `unknown`. */
    readonly sendLeaseSeconds: number;
    /** How long a claimed, not yet fired row stays with its worker: what a worker that dies delays. The default keeps that below ten seconds. */
    readonly claimLeaseSeconds: number;
    /** Contacts advanced in one transaction: larger batches are slower, not faster (see engine.md). */
    readonly advanceBatch: number;
    /** Contacts enrolled in one transaction. */
    readonly enrollChunk: number;
    /** How long an `unknown` send waits for a provider event before the campaign's policy decides. */
    readonly unknownGraceSeconds: number;
  };
  /** For fault tests only; empty otherwise, and always in production. */
  readonly failPoints: FailPoints;
}

/** The same configuration with the addresses of the database, once the embedded server runs. */
export function withDatabase(config: AppConfig, addresses: { url: string; workerUrl?: string; migrationUrl?: string }): AppConfig {
  return Object.freeze(Object.assign(new AppConfig(), config, { database: Object.freeze({ ...config.database, ...addresses }) }));
}

/** What is wrong with the environment, one line for each fault, ready to be printed to a person. */
export class ConfigError extends Error {
  constructor(readonly lines: string[]) {
    super(lines.join('\n'));
    this.name = 'ConfigError';
  }
}
