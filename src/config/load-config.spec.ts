import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, withDatabase } from './app-config.js';
import { loadConfig } from './load-config.js';

const SECRET = 'x'.repeat(32);
const external = { DATABASE_URL: 'postgres://u:p@db/x', APP_SECRET: SECRET };

function faultsOf(env: Record<string, string>): string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines;
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  it('gives every documented default', () => {
    const config = loadConfig({ APP_SECRET: SECRET });
    expect(config).toMatchObject({
      http: { host: '127.0.0.1', port: 3000, trustProxy: 0, corsOrigins: [] },
      rateLimits: { perMinute: 600, failuresPerMinute: 60, launchesPerMinute: 10, importsPerHour: 60, testSendsPerHour: 60 },
      publicUrl: 'http://127.0.0.1:3000',
      database: { embedded: true, url: undefined },
      roles: { api: true, worker: true, scheduler: true },
      mail: { provider: 'mailbox', smtpConnections: 8, sendgridConnections: 16, sendgridBaseUrl: 'https://api.sendgrid.com' },
      schedules: { steps: '*/5 * * * *', completion: '0 * * * *', analytics: '0 2 * * *' },
      engine: { pollIntervalMs: 250, advanceBatch: 2000, enrollChunk: 10_000 },
      logLevel: 'info',
      outbound: { allowPrivateNetworks: false },
      previousAppSecrets: [],
    });
    expect(config.dataDir).toMatch(/^\/.*\.data$/);
  });

  it('lists every fault at once, with the name, the value and what is allowed, and never the value of a secret', () => {
    const lines = faultsOf({
      PORT: '80a',
      ROLES: 'api,wroker',
      MAIL_PROVIDER: 'gmail',
      STEP_CRON: '*/5 * * *',
      APP_SECRET: 'short',
      LOG_LEVEL: 'loud',
    });
    expect(lines).toEqual([
      'LOG_LEVEL=loud: must be one of fatal, error, warn, info, debug, verbose',
      'PORT=80a: must be a whole number from 0 to 65535',
      'ROLES=api,wroker: must be a comma-separated list of api, worker, scheduler',
      'MAIL_PROVIDER=gmail: must be one of mailbox, smtp, sendgrid, null',
      'APP_SECRET: must have at least 32 characters (e.g. the output of: openssl rand -hex 32)',
      'STEP_CRON=*/5 * * *: has 4 fields, a cron expression has five (minute hour day month weekday)',
    ]);
  });

  it('keeps older secrets for what they signed, and never shows them', () => {
    const older = ['a'.repeat(32), 'b'.repeat(40)];
    expect(loadConfig({ ...external, APP_SECRET_PREVIOUS: ` ${older.join(' , ')},` }).previousAppSecrets).toEqual(older);
    expect(faultsOf({ ...external, APP_SECRET_PREVIOUS: `${older[0]},tooshort` })).toEqual([
      'APP_SECRET_PREVIOUS: must be a comma-separated list of secrets of at least 32 characters each',
    ]);
    expect(faultsOf({ ...external, ALLOW_PRIVATE_NETWORKS: 'yes' })).toEqual(['ALLOW_PRIVATE_NETWORKS=yes: must be one of true, false']);
  });

  it('takes proxies by number or by network and origins exactly as browsers send them, so that no typing error trusts or lets in more', () => {
    const http = (env: Record<string, string>) => loadConfig({ ...external, ...env }).http;
    expect(http({ TRUST_PROXY: '2' }).trustProxy).toBe(2);
    expect(http({ TRUST_PROXY: '10.0.0.0/8, 2001:db8::/32,192.0.2.1' }).trustProxy).toEqual(['10.0.0.0/8', '2001:db8::/32', '192.0.2.1']);
    for (const value of ['true', '-1', '10', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/', 'proxy.internal']) {
      expect(faultsOf({ ...external, TRUST_PROXY: value })).toEqual([expect.stringMatching(/^TRUST_PROXY=.*: must be how many proxies/)]);
    }
    const origins = ['https://app.example.com', 'http://localhost:5173'];
    expect(http({ CORS_ORIGINS: origins.join(' , ') }).corsOrigins).toEqual(origins);
    expect(http({ CORS_ORIGINS: '*' }).corsOrigins).toEqual(['*']);
    for (const value of [
      'app.example.com',
      'https://app.example.com/',
      'https://*.example.com/x',
      'file://x',
      'null',
      'https://App.example.com',
    ]) {
      expect(faultsOf({ ...external, CORS_ORIGINS: value })).toEqual([expect.stringMatching(/^CORS_ORIGINS=.*: must be origins such as/)]);
    }
  });

  it('refuses what does not fit together', () => {
    expect(faultsOf({ DATABASE_URL: 'postgres://u:p@db/x' })).toEqual([expect.stringContaining('APP_SECRET: is required')]);
    expect(faultsOf({ WORKER_DATABASE_URL: 'postgres://u:hidden@db/x', APP_SECRET: SECRET })).toEqual([
      "WORKER_DATABASE_URL: needs DATABASE_URL, the application's own address of the same database",
    ]);
    expect(faultsOf({ ...external, MAIL_PROVIDER: 'smtp' })).toEqual([expect.stringContaining('SMTP_URL: is required')]);
    expect(faultsOf({ ...external, MAIL_PROVIDER: 'sendgrid' })).toEqual([expect.stringContaining('SENDGRID_API_KEY: is required')]);
    const tokens = { ...external, JWT_ISSUER: 'https://id', JWT_AUDIENCE: 'campaigns' };
    expect(faultsOf({ ...tokens, JWT_SECRET: SECRET, JWT_JWKS_URL: 'https://id/jwks' })).toEqual([expect.stringContaining('not both')]);
    expect(faultsOf({ ...external, JWT_SECRET: SECRET })).toEqual([
      expect.stringMatching(/^JWT_ISSUER: is required/),
      expect.stringMatching(/^JWT_AUDIENCE: is required/),
    ]);
    expect(faultsOf({ ...tokens, JWT_JWKS_URL: 'http://id/jwks', NODE_ENV: 'production' })).toEqual([
      expect.stringContaining('must be https'),
    ]);
    expect(faultsOf({ DATABASE_URL: 'mysql://u:hidden@db/x', APP_SECRET: SECRET })).toEqual([
      'DATABASE_URL: must be a URL that starts with postgres:// or postgresql://',
    ]);
  });

  it('takes the id of a tenant for who operates the installation, and nothing else', () => {
    const id = '0192F1DE-7c00-7a55-8c6b-3f6d4c1e9a10';
    expect(loadConfig({ ...external, OPERATOR_TENANT: id }).operatorTenant).toBe(id.toLowerCase());
    expect(faultsOf({ ...external, OPERATOR_TENANT: 'Acme' })).toEqual(['OPERATOR_TENANT=Acme: must be the id of a tenant (a UUID)']);
  });

  it('takes an empty value for an unset one, and a SendGrid key for the wish to use it', () => {
    expect(loadConfig({ ...external, PORT: '', SENDGRID_API_KEY: 'SG.x' })).toMatchObject({
      http: { port: 3000 },
      mail: { provider: 'sendgrid' },
    });
  });

  it('never puts a wildcard address or a double slash into links', () => {
    expect(loadConfig({ ...external, HOST: '0.0.0.0' }).publicUrl).toBe('http://localhost:3000');
    expect(loadConfig({ ...external, PUBLIC_URL: 'https://mail.example.com/base//' }).publicUrl).toBe('https://mail.example.com/base');
  });

  it('cannot be changed after the start', () => {
    const config = withDatabase(loadConfig({ APP_SECRET: SECRET }), { url: 'postgres://u@h/x' });
    expect(config.database.url).toBe('postgres://u@h/x');
    expect(() => Object.assign(config.database, { url: 'y' })).toThrow(TypeError);
    expect(() => Object.assign(config, { publicUrl: 'y' })).toThrow(TypeError);
  });
});

describe('the generated secret', () => {
  const dir = mkdtempSync(join(tmpdir(), 'config-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  it('is made once, private, and found again', () => {
    const dataDir = join(dir, 'a', 'data');
    const first = loadConfig({ DATA_DIR: dataDir }).appSecret;
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(loadConfig({ DATA_DIR: dataDir }).appSecret).toBe(first);
    expect(readFileSync(join(dataDir, 'app-secret'), 'utf8')).toBe(first);
    expect(statSync(join(dataDir, 'app-secret')).mode & 0o777).toBe(0o600);
  });

  it('says in one line why it cannot be kept', () => {
    writeFileSync(join(dir, 'file'), '');
    expect(faultsOf({ DATA_DIR: join(dir, 'file', 'below') })).toEqual([
      expect.stringMatching(/^DATA_DIR=.*cannot keep the generated secret/),
    ]);
  });
});
