import type { AddressInfo } from 'node:net';
import { Test } from '@nestjs/testing';
import type { ModuleMetadata } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigModule, loadConfig } from '../../src/config/index.js';
import { Database, DatabaseModule, affected, row } from '../../src/database/index.js';
import { HttpModule, createHttpAdapter, registerHttp } from '../../src/http/index.js';
import { IdentityModule, TenantsService } from '../../src/modules/identity/index.js';
import { QueueModule } from '../../src/queue/index.js';
import { Clock } from '../../src/shared/clock.js';
import { SharedModule } from '../../src/shared/shared.module.js';
import { FakeClock } from './fake-clock.js';
import { NO_LIMITS } from './no-limits.js';
import { createTestDatabase, workerUrlOf } from './test-database.js';

export interface Answer {
  status: number;
  // Tests look into bodies of every shape: parsed if they are JSON, else the text.

  body: any;
  etag: string | undefined;
  headers: Record<string, string>;
}

/** One tenant's client: what its API key may see and do. */
export interface TestTenant {
  tenantId: string;
  call(
    method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** A static segment with nobody in it. */
  segment(): Promise<string>;
}

export interface CampaignsApp {
  app: NestFastifyApplication;
  db: Database;
  clock: FakeClock;
  tenant(postalAddress?: string | null): Promise<TestTenant>;
  close(): Promise<void>;
}

/** The HTTP application with the given modules on a database of its own, at 2030-01-01 by its clock. */
export async function startCampaignsApp(
  modules: NonNullable<ModuleMetadata['imports']>,
  providers: NonNullable<ModuleMetadata['providers']> = [],
): Promise<CampaignsApp> {
  const database = await createTestDatabase();
  const clock = new FakeClock();
  const config = loadConfig({
    DATABASE_URL: database.url,
    WORKER_DATABASE_URL: workerUrlOf(database.url),
    APP_SECRET: 'x'.repeat(32),
    ROLES: 'api',
    MAIL_PROVIDER: 'null',
    ...NO_LIMITS,
  });
  const module = await Test.createTestingModule({
    imports: [ConfigModule.forRoot(config), SharedModule, DatabaseModule, QueueModule.forRoot(), HttpModule, IdentityModule, ...modules],
    providers,
  })
    .overrideProvider(Clock)
    .useValue(clock)
    .compile();
  const app = module.createNestApplication<NestFastifyApplication>(createHttpAdapter(), { logger: false });
  registerHttp(app);
  await app.listen(0, '127.0.0.1');
  const origin = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  const db = app.get(Database);
  return {
    app,
    db,
    clock,
    tenant: async (postalAddress = '1 Main Street, Springfield') => {
      const { tenantId, apiKey } = await app
        .get(TenantsService)
        .create({ name: 'Test', adminEmail: 'owner@example.com', postalAddress, timezone: 'Europe/Berlin' });
      return {
        tenantId,
        call: (method, path, body, headers) => call(origin, apiKey, method, path, body, headers),
        segment: async () => {
          const made = await db.inTenant(tenantId, (tx) =>
            row<{ id: string }>(tx, `INSERT INTO segments (tenant_id, name, type) VALUES ($1, 'Everybody', 'static') RETURNING id`, [
              tenantId,
            ]),
          );
          return made!.id;
        },
      };
    },
    close: async () => {
      await app.close();
      await database.drop();
    },
  };
}

/** A contact in a static segment, for audiences that are not empty. */
export async function addContact(app: CampaignsApp, tenantId: string, segmentId: string, email: string): Promise<string> {
  return app.db.inTenant(tenantId, async (tx) => {
    const made = await row<{ id: string }>(
      tx,
      'INSERT INTO contacts (tenant_id, email, email_norm, first_name) VALUES ($1, $2::text, lower($2), $3) RETURNING id',
      [tenantId, email, 'Ada'],
    );
    await affected(tx, 'INSERT INTO segment_members (tenant_id, segment_id, contact_id) VALUES ($1, $2, $3)', [
      tenantId,
      segmentId,
      made!.id,
    ]);
    return made!.id;
  });
}

async function call(
  origin: string,
  apiKey: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await fetch(origin + path, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const contents = Object.fromEntries(answer.headers);
  const isCsv = contents['content-type']?.startsWith('text/csv');
  return { status: answer.status, body: text === '' || isCsv ? text || null : JSON.parse(text), etag: contents.etag, headers: contents };
}
