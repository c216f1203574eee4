import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AppModule } from '../../src/app/app.module.js';
import { loadConfig } from '../../src/config/index.js';
import { Database, rows } from '../../src/database/index.js';
import { createHttpAdapter, registerHttp } from '../../src/http/index.js';
import { TenantsService } from '../../src/modules/identity/index.js';
import { DnsLookup, SystemDnsLookup } from '../../src/modules/mail/index.js';
import { Clock } from '../../src/shared/clock.js';
import { ApiClient } from './api-client.js';
import { FakeClock } from './fake-clock.js';
import { NO_LIMITS } from './no-limits.js';
import { freePort } from './ports.js';
import { createTestDatabase, workerUrlOf } from './test-database.js';

export interface TestAppOptions {
  /** Environment on top of the defaults; `MAIL_PROVIDER`, `SMTP_URL` … as an operator would set them. */
  env?: Record<string, string>;
  clock?: FakeClock;
  /** An existing database, to start a second process on it; then it is not dropped here. */
  databaseUrl?: string;
  /** A name server of the tests, `address:port`. */
  dns?: string;
}

export interface TestApp {
  baseUrl: string;
  databaseUrl: string;
  clock: FakeClock;
  app: NestFastifyApplication;
  db: Database;
  /** A statement of the test itself, over the rows of all tenants. */
  sql<Row = Record<string, any>>(text: string, params?: unknown[]): Promise<Row[]>;
  /** A new tenant with a client that holds its owner's key. */
  tenant(name?: string): Promise<{ tenantId: string; api: ApiClient }>;
  close(): Promise<void>;
}

/** Tests ask nobody outside: nothing listens on the discard port. */
const NO_NAME_SERVER = '127.0.0.1:9';

/** The whole product in this process, listening on a port of its own, on a database of its own, with a clock that the test moves. */
export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const database = options.databaseUrl ? null : await createTestDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), 'campaign-engine-test-'));
  const clock = options.clock ?? new FakeClock('2030-01-07T08:00:00Z');
  // Before the start, because links in messages carry it.
  const port = await freePort();
  const databaseUrl = options.databaseUrl ?? database!.url;
  const config = loadConfig({
    NODE_ENV: 'test',
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    WORKER_DATABASE_URL: workerUrlOf(databaseUrl),
    DATA_DIR: dataDir,
    APP_SECRET: 'a secret of tests only, long enough for the check',
    POLL_INTERVAL_MS: '60',
    POOL_API: '6',
    POOL_WORKER: '6',
    POOL_QUEUE: '10',
    ...NO_LIMITS,
    ...options.env,
  });
  const module = await Test.createTestingModule({ imports: [AppModule.register(config)] })
    .overrideProvider(Clock)
    .useValue(clock)
    .overrideProvider(DnsLookup)
    .useValue(new SystemDnsLookup({ servers: [options.dns ?? NO_NAME_SERVER], timeoutMs: 250, tries: 1 }))
    .compile();
  const app = module.createNestApplication<NestFastifyApplication>(createHttpAdapter(config.http), { logger: ['error', 'warn', 'fatal'] });
  registerHttp(app);
  await app.listen(port, '127.0.0.1');
  const baseUrl = `http://127.0.0.1:${port}`;
  return {
    baseUrl,
    databaseUrl: config.database.url!,
    clock,
    app,
    db: app.get(Database),
    sql: (text, params = []) => app.get(Database).asSystem((tx) => rows(tx, text, params)),
    tenant: async (name = 'Acme') => {
      const created = await app.get(TenantsService).create({
        name,
        adminEmail: 'admin@acme.example',
        timezone: 'UTC',
        postalAddress: 'Acme Inc., 1 Main Street, Springfield',
      });
      return { tenantId: created.tenantId, api: new ApiClient(baseUrl, created.apiKey) };
    },
    close: async () => {
      await app.close();
      await rm(dataDir, { recursive: true, force: true });
      await database?.drop();
    },
  };
}
