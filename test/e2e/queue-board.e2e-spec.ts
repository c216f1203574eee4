import { existsSync } from 'node:fs';
import { Processor } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { UnrecoverableError } from 'bullmq';
import { chromium } from 'playwright-core';
import { QueueBoard } from '../../src/app/queue-board.js';
import type { AppConfig } from '../../src/config/index.js';
import { Database } from '../../src/database/index.js';
import { Access } from '../../src/modules/identity/access.js';
import { Operators, PermissionDeniedError } from '../../src/modules/identity/index.js';
import { TenantsQueries } from '../../src/modules/identity/tenants.queries.js';
import { defineQueue, QueueModule, TypedProcessor, type TypedQueue, typedQueueToken } from '../../src/queue/index.js';
import { type HttpApp, startHttpApp } from '../support/http-app.js';
import { until } from '../support/poll.js';
import { redisAvailable, startRedis, type TestRedis } from '../support/redis.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));

interface Jobs {
  broken: { campaignId: string };
}
const definition = defineQueue<Jobs>('probe', { broken: true });

@Injectable()
@Processor(definition.name)
class ProbeProcessor extends TypedProcessor<Jobs> {
  runs = 0;
  protected readonly handlers = {
    broken: async () => {
      this.runs++;
      throw new UnrecoverableError('the disk is full');
    },
  };
}

@Module({ imports: [DiscoveryModule, QueueModule.register(definition)], providers: [QueueBoard, ProbeProcessor] })
class BoardModule {}

const backends: [string, boolean][] = [['PostgreSQL', false]];
if (redisAvailable()) backends.push(['Redis', true]);
else console.warn('The board of queues is tried on PostgreSQL only: there is no redis-server here (install it, or set TEST_REDIS_SERVER).');

describe.each(backends)('the board of queues on %s', (_name, onRedis) => {
  let http: HttpApp;
  let redis: TestRedis | undefined;
  let owner: { tenantId: string; key: string };
  const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`anybody:${key}`).toString('base64')}` });
  const get = async (path: string) => (await http.call(`GET /queues${path}`, { key: owner.key })).body;

  beforeAll(async () => {
    if (onRedis) redis = await startRedis();
    const env = { ROLES: 'api,worker', ...(redis ? { REDIS_URL: redis.url } : {}) };
    http = await startHttpApp([QueueModule.forRoot(), BoardModule], { env });
    owner = await http.createTenant();
  });
  afterAll(async () => {
    await http.close();
    await redis?.stop();
  });

  it('shows what failed and why; a job can be tried again and removed, and the audit log says who did', async () => {
    const queue = http.app.get<TypedQueue<Jobs>>(typedQueueToken(definition.name), { strict: false });
    const processor = http.app.get(ProbeProcessor, { strict: false });
    await queue.add('broken', { campaignId: 'c-1' });
    const failed = async () => (await get('/api/queues?activeQueue=probe&status=failed')).queues[0];
    await until(async () => (await failed()).counts.failed === 1, { what: 'the job to fail' });
    const { jobs } = await failed();
    expect(jobs).toEqual([expect.objectContaining({ name: 'broken', failedReason: 'the disk is full', attempts: 1 })]);
    const job = `/queues/api/queues/probe/${jobs[0].id}`;
    expect((await http.call(`PUT ${job}/retry`, { headers: basic(owner.key) })).status).toBe(204);
    await until(async () => processor.runs === 2 && (await failed()).counts.failed === 1, { what: 'the job to fail again' });
    expect((await http.call(`PUT ${job}/clean`, { headers: basic(owner.key) })).status).toBe(204);
    expect((await failed()).counts.failed).toBe(0);
    const { body } = await http.call('GET /api/audit-log?action=queue.changed', { key: owner.key });
    expect(body.data.map(({ after }: { after: unknown }) => after)).toEqual([
      { route: 'PUT /api/queues/:queueName/:jobId/clean', queueName: 'probe', jobId: jobs[0].id },
      { route: 'PUT /api/queues/:queueName/:jobId/retry', queueName: 'probe', jobId: jobs[0].id },
    ]);
  });

  it('says of a parameter that nobody can read that it is one', async () => {
    for (const path of ['?status=%00', '?activeQueue=%00', '/probe/%00'])
      expect([path, (await http.call(`GET /queues/api/queues${path}`, { key: owner.key })).status]).toEqual([path, 400]);
  });

  it('is a page of this server alone', async () => {
    const page = await http.call('GET /queues', { headers: basic(owner.key) });
    expect(page).toMatchObject({ status: 200, headers: { 'content-security-policy': expect.stringContaining("default-src 'none'") } });
    expect(page.body).not.toMatch(/https?:\/\/|<%/);
    const files = [...String(page.body).matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, file]) => file);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) expect([file, (await http.call(`GET /queues/${file}`, { key: owner.key })).status]).toEqual([file, 200]);
    expect((await http.call('GET /queues/static/..%2findex.ejs', { key: owner.key })).status).toBe(404);
  });

  it('works in a browser: a job that failed is seen and tried again, without a complaint or a request elsewhere', async () => {
    if (!CHROMIUM) {
      console.warn('No Chromium is installed: the board of queues is not looked at.');
      return;
    }
    const queue = http.app.get<TypedQueue<Jobs>>(typedQueueToken(definition.name), { strict: false });
    const processor = http.app.get(ProbeProcessor, { strict: false });
    await queue.add('broken', { campaignId: 'c-2' });
    await until(async () => (await queue.counts()).failed === 1, { what: 'the job to fail' });
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage({ httpCredentials: { username: 'anybody', password: owner.key } });
      const origin = await http.app.getUrl();
      const complaints: string[] = [];
      page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
      page.on('request', (request) => request.url().startsWith(origin) || complaints.push(request.url()));
      await page.goto(`${origin}/queues/queue/probe?status=failed`);
      await page.getByText('the disk is full').first().waitFor();
      const runs = processor.runs;
      page.setDefaultTimeout(5_000);
      await page.getByRole('button', { name: 'Retry all' }).click();
      await page.getByRole('button', { name: 'Confirm' }).click();
      await until(() => processor.runs === runs + 1, { what: 'the job to run again' });
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  it('is for those who run the installation: it shows things of every tenant', async () => {
    const none = await http.call('GET /queues/api/queues');
    expect(none).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.stringMatching(/^Basic /) } });
    expect((await http.call('GET /queues/static/favicon.ico')).status).toBe(401);
    expect((await http.call('GET /queues', { headers: basic('ce_wrong') })).status).toBe(401);
    const manager = await http.createKey(owner.tenantId, 'campaign_manager');
    expect((await http.call('GET /queues', { headers: basic(manager) })).status).toBe(403);
    // Nowhere else is a password taken: a browser would send it along for any other site.
    expect((await http.call('GET /api/me', { headers: basic(owner.key) })).status).toBe(401);
  });

  it('changes nothing for a page of another site, which would have the password of the browser', async () => {
    const url = 'PUT /queues/api/queues/probe/pause';
    for (const [name, value] of [
      ['sec-fetch-site', 'cross-site'],
      ['sec-fetch-site', 'same-site'],
      ['origin', 'https://evil.example'],
      ['origin', 'null'],
    ])
      expect((await http.call(url, { headers: { ...basic(owner.key), [name]: value } })).body.code).toBe('foreign_origin');
    expect((await get('/api/queues')).queues[0].isPaused).toBe(false);
    expect((await http.call(url, { headers: { ...basic(owner.key), 'sec-fetch-site': 'same-origin' } })).status).toBe(200);
    expect((await get('/api/queues')).queues[0].isPaused).toBe(true);
  });

  it('is closed as soon as there is another tenant, until the installation says who operates it', async () => {
    const other = await http.createTenant('Another');
    for (const { key } of [owner, other]) {
      const refused = { status: 403, body: { code: 'permission_denied', detail: expect.stringContaining('OPERATOR_TENANT') } };
      expect(await http.call('GET /queues/api/queues', { key })).toMatchObject(refused);
    }
    const { body } = await http.call('GET /api/audit-log?action=access.denied', { key: other.key });
    expect(body.data[0].after).toEqual({ permission: 'installation:operate', route: 'GET /queues/api/queues' });
    const parts = [Database, TenantsQueries, Access].map((type) => http.app.get<never>(type, { strict: false })) as [never, never, never];
    const operators = new Operators({ operatorTenant: other.tenantId } as AppConfig, ...parts);
    const ask = (key: string) =>
      operators.admit({ headers: { authorization: `Bearer ${key}` }, socket: {}, ip: '127.0.0.1', method: 'GET', routeOptions: {} });
    expect(await ask(other.key)).toMatchObject({ tenantId: other.tenantId });
    await expect(ask(owner.key)).rejects.toThrow(PermissionDeniedError);
  });
});
