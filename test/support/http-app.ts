import { mkdtemp, rm } from 'node:fs/promises';
import { type Agent, type RequestOptions, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger, type ModuleMetadata } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { ConfigModule, loadConfig } from '../../src/config/index.js';
import { DatabaseModule } from '../../src/database/index.js';
import { HttpModule, createHttpAdapter, registerHttp } from '../../src/http/index.js';
import { IdentityModule, type Role, TenantsService, ApiKeysService, systemContext } from '../../src/modules/identity/index.js';
import { Clock, SystemClock } from '../../src/shared/clock.js';
import { SharedModule } from '../../src/shared/shared.module.js';
import { NO_LIMITS } from './no-limits.js';
import { createTestDatabase, workerUrlOf } from './test-database.js';

export const HTTP_APP_SECRET = 'a-secret-of-the-tests-32-characters';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** Parsed if it is JSON, else the text. */

  body: any;
}

export interface CallOptions {
  key?: string;
  body?: unknown;
  /** Sent as it is; needs a content-type among the headers. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
  /** To share connections among calls; each has its own otherwise. */
  agent?: Agent;
}

export interface HttpApp {
  app: NestFastifyApplication;
  databaseUrl: string;
  /** One request over a connection of its own: `call('POST /api/users', { key, body })`. */
  call(route: string, options?: CallOptions): Promise<Answer>;
  /** A new tenant and a key with the role owner. */
  createTenant(name?: string): Promise<{ tenantId: string; key: string }>;
  /** A further key of a tenant. */
  createKey(tenantId: string, ...roles: Role[]): Promise<string>;
  close(): Promise<void>;
}

/** The HTTP side of the product with these modules on top of identity, on a database of its own, or as a further process on `databaseUrl`. */
export async function startHttpApp(
  imports: NonNullable<ModuleMetadata['imports']> = [],
  options: { clock?: Clock; controllers?: ModuleMetadata['controllers']; env?: Record<string, string>; databaseUrl?: string } = {},
): Promise<HttpApp> {
  const database = options.databaseUrl === undefined ? await createTestDatabase() : { url: options.databaseUrl, drop: null };
  const dataDir = await mkdtemp(join(tmpdir(), 'campaign-engine-http-'));
  const config = loadConfig({
    DATABASE_URL: database.url,
    WORKER_DATABASE_URL: workerUrlOf(database.url),
    DATA_DIR: dataDir,
    APP_SECRET: HTTP_APP_SECRET,
    ROLES: 'api',
    ...NO_LIMITS,
    ...options.env,
  });
  const moduleRef = await Test.createTestingModule({
    imports: [ConfigModule.forRoot(config), SharedModule, DatabaseModule, HttpModule, IdentityModule, ...imports],
    controllers: options.controllers ?? [],
  })
    .overrideProvider(Clock)
    .useValue(options.clock ?? new SystemClock())
    .compile();
  const app = moduleRef.createNestApplication<NestFastifyApplication>(createHttpAdapter(config.http), {
    logger: false,
    abortOnError: false,
  });
  Logger.overrideLogger(false);
  registerHttp(app);
  await app.listen(0, '127.0.0.1');
  return {
    app,
    databaseUrl: database.url,
    call: (route, call) => callApp(app, route, call),
    createTenant: async (name = 'Test tenant') => {
      const { tenantId, apiKey } = await app.get(TenantsService).create({ name, adminEmail: 'owner@example.com' });
      return { tenantId, key: apiKey };
    },
    createKey: async (tenantId, ...roles) => {
      const ctx = { ...systemContext(tenantId), roles: ['owner' as const] };
      return (await app.get(ApiKeysService).create(ctx, { name: 'Test key', roles })).key;
    },
    close: async () => {
      await app.close();
      await database.drop?.();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Calls a route of any listening application: `callApp(app, 'GET /api/me', { key })`. */
export async function callApp(app: NestFastifyApplication, route: string, options: CallOptions = {}): Promise<Answer> {
  const [method, path] = route.split(' ');
  const { key, body, raw } = options;
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const headers: Record<string, string> = {
    ...(key ? { authorization: `Bearer ${key}` } : {}),
    ...(body !== undefined ? { 'content-type': 'application/json' } : {}),
    ...(payload !== undefined ? { 'content-length': String(Buffer.byteLength(payload)) } : {}),
    ...options.headers,
  };
  const { port } = app.getHttpServer().address() as AddressInfo;
  const response = await exchange({ host: '127.0.0.1', port, method, path, headers, agent: options.agent ?? false }, payload);
  const isJson = /json/.test(String(response.headers['content-type']));
  return { ...response, body: isJson && response.body !== '' ? JSON.parse(response.body) : response.body };
}

function exchange(options: RequestOptions, payload: string | Buffer | undefined): Promise<Answer & { body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const headers = incoming.headers as Record<string, string>;
        resolve({ status: incoming.statusCode ?? 0, headers, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}
