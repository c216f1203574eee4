import { isIP } from 'node:net';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { FAIL_POINT_NAMES, type FailPointName, type FailPoints } from '../shared/fail-point.js';
import { AppConfig, ConfigError } from './app-config.js';
import { generatedSecret } from './app-secret.js';
import { cronFault } from './cron-expression.js';
import { isP256PublicKey } from './public-key.js';

const ROLES = ['api', 'worker', 'scheduler'] as const;

const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `must be a whole number from ${min} to ${max}`);

const urlOf = (...protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    message: `must be a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`,
  });

const cron = z.string().superRefine((text, context) => {
  const fault = cronFault(text);
  if (fault) context.addIssue({ code: 'custom', message: fault });
});

const roles = z.string().transform((text, context) => {
  const names = listOf(text);
  const unknown = names.filter((name) => !(ROLES as readonly string[]).includes(name));
  if (unknown.length > 0 || names.length === 0) {
    context.addIssue({ code: 'custom', message: `must be a comma-separated list of ${ROLES.join(', ')}` });
    return z.NEVER;
  }
  return { api: names.includes('api'), worker: names.includes('worker'), scheduler: names.includes('scheduler') };
});

const failPoints = z.string().transform((text, context): FailPoints => {
  const points: Partial<Record<FailPointName, number>> = {};
  for (const entry of text.split(',').map((part) => part.trim())) {
    const [name, count] = entry.split(':');
    if (!(FAIL_POINT_NAMES as readonly string[]).includes(name) || !/^[1-9]\d{0,5}$/.test(count ?? '')) {
      context.addIssue({ code: 'custom', message: `"${entry}" must be name:n, with a name of ${FAIL_POINT_NAMES.join(', ')}` });
      return z.NEVER;
    }
    points[name as FailPointName] = Number(count);
  }
  return points;
});

const secret = z.string().min(32, 'must have at least 32 characters (e.g. the output of: openssl rand -hex 32)');

const secrets = z.string().transform((text, context) => {
  const list = listOf(text);
  if (list.some((item) => item.length < 32)) {
    context.addIssue({ code: 'custom', message: 'must be a comma-separated list of secrets of at least 32 characters each' });
    return z.NEVER;
  }
  return list;
});

const origins = z.string().transform((text, context) => {
  const list = listOf(text);
  const wrong = list.filter((origin) => origin !== '*' && !isOrigin(origin));
  if (wrong.length === 0) return list;
  context.addIssue({ code: 'custom', message: `must be origins such as https://app.example.com, comma-separated, or *; not ${wrong[0]}` });
  return z.NEVER;
});

const isOrigin = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text;

const trustedProxies = z.string().transform((text, context): number | string[] => {
  if (/^\d$/.test(text.trim())) return Number(text);
  const list = listOf(text);
  const wrong = list.filter((entry) => !isNetwork(entry));
  if (wrong.length === 0) return list;
  const message = `must be how many proxies a request comes through (0 to 9), or their addresses and networks, comma-separated; not ${wrong[0]}`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/** An address, or a network such as 10.0.0.0/8. */
function isNetwork(text: string): boolean {
  const [address, prefix, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

const Environment = z.object({
  NODE_ENV: z.string().default('development'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'verbose']).default('info'),
  HOST: z.string().default('127.0.0.1'),
  PORT: integer(0, 65_535).default(3000),
  PUBLIC_URL: urlOf('http:', 'https:').optional(),
  TRUST_PROXY: trustedProxies.default(0),
  CORS_ORIGINS: origins.default([]),
  RATE_LIMIT_PER_MINUTE: integer(0, 1_000_000).default(600),
  RATE_LIMIT_FAILURES_PER_MINUTE: integer(0, 1_000_000).default(60),
  RATE_LIMIT_LAUNCHES_PER_MINUTE: integer(0, 1_000_000).default(10),
  RATE_LIMIT_IMPORTS_PER_HOUR: integer(0, 1_000_000).default(60),
  RATE_LIMIT_TEST_SENDS_PER_HOUR: integer(0, 1_000_000).default(60),
  DATABASE_URL: urlOf('postgres:', 'postgresql:').optional(),
  WORKER_DATABASE_URL: urlOf('postgres:', 'postgresql:').optional(),
  MIGRATION_DATABASE_URL: urlOf('postgres:', 'postgresql:').optional(),
  POOL_API: integer(1, 500).default(10),
  POOL_WORKER: integer(1, 500).default(12),
  POOL_QUEUE: integer(4, 500).default(16),
  REDIS_URL: urlOf('redis:', 'rediss:').optional(),
  DATA_DIR: z.string().default('./.data'),
  ROLES: roles.default({ api: true, worker: true, scheduler: true }),
  MAIL_PROVIDER: z.enum(['mailbox', 'smtp', 'sendgrid', 'null']).optional(),
  SMTP_URL: urlOf('smtp:', 'smtps:').optional(),
  SMTP_CONNECTIONS: integer(1, 200).default(8),
  SENDGRID_API_KEY: z.string().optional(),
  SENDGRID_BASE_URL: urlOf('http:', 'https:').default('https://api.sendgrid.com'),
  SENDGRID_WEBHOOK_PUBLIC_KEY: z
    .string()
    .refine(isP256PublicKey, 'must be the verification key of the Event Webhook: an ECDSA P-256 public key, base64 of its DER form or PEM')
    .optional(),
  REPLY_DOMAIN: z
    .string()
    .toLowerCase()
    .regex(/^(?=.{1,189}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,}$/, 'must be a domain such as reply.example.com')
    .optional(),
  REPLY_WEBHOOK_SECRET: z
    .string()
    .regex(/^[\w.~-]{16,200}$/, 'must have 16 to 200 letters, digits or . _ ~ - (e.g. the output of: openssl rand -hex 24)')
    .optional(),
  SENDGRID_CONNECTIONS: integer(1, 500).default(16),
  SEND_TIMEOUT_SECONDS: integer(1, 600).optional(),
  APP_SECRET: secret.optional(),
  APP_SECRET_PREVIOUS: secrets.default([]),
  OPERATOR_TENANT: z.uuid('must be the id of a tenant (a UUID)').toLowerCase().optional(),
  JWT_SECRET: secret.optional(),
  JWT_JWKS_URL: urlOf('http:', 'https:').optional(),
  JWT_ISSUER: z.string().optional(),
  JWT_AUDIENCE: z.string().optional(),
  ALLOW_PRIVATE_NETWORKS: flag.default(false),
  STEP_CRON: cron.default('*/5 * * * *'),
  COMPLETION_CRON: cron.default('0 * * * *'),
  ANALYTICS_CRON: cron.default('0 2 * * *'),
  POLL_INTERVAL_MS: integer(20, 60_000).default(250),
  SEND_LEASE_SECONDS: integer(5, 3600).default(150),
  CLAIM_LEASE_SECONDS: integer(5, 3600).default(5),
  ADVANCE_BATCH: integer(1, 20_000).default(2000),
  ENROLL_CHUNK: integer(1, 100_000).default(10_000),
  UNKNOWN_GRACE_SECONDS: integer(1, 604_800).default(3600),
  FAIL_POINTS: failPoints.optional(),
});
type Environment = z.output<typeof Environment>;

/** Names whose values are never repeated in a message: they may end up in a log. */
const SECRET_NAMES = new Set([
  'REPLY_WEBHOOK_SECRET',
  'APP_SECRET',
  'APP_SECRET_PREVIOUS',
  'JWT_SECRET',
  'SENDGRID_API_KEY',
  'DATABASE_URL',
  'WORKER_DATABASE_URL',
  'MIGRATION_DATABASE_URL',
  'REDIS_URL',
  'SMTP_URL',
]);

/**
 * Reads and checks the environment. An empty value counts as unset (as compose files write it). Throws `ConfigError` with one line for each
 * fault. With the embedded database and no `APP_SECRET` it creates `DATA_DIR/app-secret` on the first call.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): AppConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''));
  const parsed = Environment.safeParse(given);
  const faults = parsed.success
    ? relationFaults(parsed.data)
    : parsed.error.issues.map((issue) => fault(String(issue.path[0]), given, issue));
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);
  return deepFreeze(Object.assign(new AppConfig(), shape(parsed.data)));
}

function fault(name: string, given: Record<string, string | undefined>, issue: z.core.$ZodIssue): string {
  const shown = SECRET_NAMES.has(name) ? name : `${name}=${given[name]}`;
  const message = issue.code === 'invalid_value' ? `must be one of ${issue.values.join(', ')}` : issue.message;
  return `${shown}: ${message}`;
}

/** Faults that only show when several variables are seen together. */
function relationFaults(e: Environment): string[] {
  const faults: string[] = [];
  if (e.MAIL_PROVIDER === 'smtp' && !e.SMTP_URL)
    faults.push('SMTP_URL: is required when MAIL_PROVIDER=smtp (smtp://user:password@host:587)');
  if (e.MAIL_PROVIDER === 'sendgrid' && !e.SENDGRID_API_KEY) faults.push('SENDGRID_API_KEY: is required when MAIL_PROVIDER=sendgrid');
  if (e.REPLY_DOMAIN && !e.REPLY_WEBHOOK_SECRET) {
    faults.push('REPLY_WEBHOOK_SECRET: is required when REPLY_DOMAIN is set: without it anybody could answer in the name of a contact');
  }
  faults.push(...jwtFaults(e));
  if (e.DATABASE_URL && !e.APP_SECRET) {
    faults.push('APP_SECRET: is required when DATABASE_URL is set: every process must sign with the same one (openssl rand -hex 32)');
  }
  for (const name of ['WORKER_DATABASE_URL', 'MIGRATION_DATABASE_URL'] as const) {
    if (e[name] && !e.DATABASE_URL) faults.push(`${name}: needs DATABASE_URL, the application's own address of the same database`);
  }
  if (e.FAIL_POINTS && e.NODE_ENV === 'production')
    faults.push('FAIL_POINTS: makes this process kill itself; refused with NODE_ENV=production');
  return faults;
}

function jwtFaults(e: Environment): string[] {
  const faults: string[] = [];
  const isOn = e.JWT_SECRET !== undefined || e.JWT_JWKS_URL !== undefined;
  if (e.JWT_SECRET && e.JWT_JWKS_URL) faults.push('JWT_SECRET, JWT_JWKS_URL: set one of them, not both');
  for (const name of ['JWT_ISSUER', 'JWT_AUDIENCE'] as const) {
    if (isOn && !e[name]) faults.push(`${name}: is required with tokens: without it, tokens made for other programs would open this one`);
  }
  if (e.JWT_JWKS_URL?.startsWith('http:') && e.NODE_ENV === 'production') {
    faults.push('JWT_JWKS_URL: must be https with NODE_ENV=production: whoever can change the keys on their way can sign in as anybody');
  }
  return faults;
}

function shape(e: Environment): AppConfig {
  const dataDir = isAbsolute(e.DATA_DIR) ? e.DATA_DIR : resolve(e.DATA_DIR);
  const publicUrl = (e.PUBLIC_URL ?? ownUrl(e.HOST, e.PORT)).replace(/\/+$/, '');
  return {
    nodeEnv: e.NODE_ENV,
    logLevel: e.LOG_LEVEL,
    http: { host: e.HOST, port: e.PORT, publicUrl, trustProxy: e.TRUST_PROXY, corsOrigins: e.CORS_ORIGINS },
    publicUrl,
    rateLimits: {
      perMinute: e.RATE_LIMIT_PER_MINUTE,
      failuresPerMinute: e.RATE_LIMIT_FAILURES_PER_MINUTE,
      launchesPerMinute: e.RATE_LIMIT_LAUNCHES_PER_MINUTE,
      importsPerHour: e.RATE_LIMIT_IMPORTS_PER_HOUR,
      testSendsPerHour: e.RATE_LIMIT_TEST_SENDS_PER_HOUR,
    },
    database: {
      url: e.DATABASE_URL,
      workerUrl: e.WORKER_DATABASE_URL,
      migrationUrl: e.MIGRATION_DATABASE_URL,
      embedded: e.DATABASE_URL === undefined,
      poolApi: e.POOL_API,
      poolWorker: e.POOL_WORKER,
      poolQueue: e.POOL_QUEUE,
    },
    redisUrl: e.REDIS_URL,
    dataDir,
    roles: e.ROLES,
    mail: {
      provider: e.MAIL_PROVIDER ?? (e.SENDGRID_API_KEY ? 'sendgrid' : 'mailbox'),
      smtpUrl: e.SMTP_URL,
      sendgridApiKey: e.SENDGRID_API_KEY,
      sendgridBaseUrl: e.SENDGRID_BASE_URL.replace(/\/+$/, ''),
      sendgridWebhookPublicKey: e.SENDGRID_WEBHOOK_PUBLIC_KEY,
      smtpConnections: e.SMTP_CONNECTIONS,
      sendgridConnections: e.SENDGRID_CONNECTIONS,
      sendTimeoutSeconds: e.SEND_TIMEOUT_SECONDS,
    },
    replies: { domain: e.REPLY_DOMAIN, webhookSecret: e.REPLY_WEBHOOK_SECRET },
    appSecret: e.APP_SECRET ?? generatedSecret(dataDir),
    previousAppSecrets: e.APP_SECRET_PREVIOUS,
    operatorTenant: e.OPERATOR_TENANT,
    jwt: { secret: e.JWT_SECRET, jwksUrl: e.JWT_JWKS_URL, issuer: e.JWT_ISSUER, audience: e.JWT_AUDIENCE },
    outbound: { allowPrivateNetworks: e.ALLOW_PRIVATE_NETWORKS },
    schedules: { steps: e.STEP_CRON, completion: e.COMPLETION_CRON, analytics: e.ANALYTICS_CRON },
    engine: {
      pollIntervalMs: e.POLL_INTERVAL_MS,
      sendLeaseSeconds: e.SEND_LEASE_SECONDS,
      claimLeaseSeconds: e.CLAIM_LEASE_SECONDS,
      advanceBatch: e.ADVANCE_BATCH,
      enrollChunk: e.ENROLL_CHUNK,
      unknownGraceSeconds: e.UNKNOWN_GRACE_SECONDS,
    },
    failPoints: e.FAIL_POINTS ?? {},
  };
}

/** A wildcard address is where we listen, not where a browser can go. */
function ownUrl(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

function deepFreeze<T extends object>(object: T): T {
  for (const value of Object.values(object)) if (typeof value === 'object' && value !== null) deepFreeze(value);
  return Object.freeze(object);
}
