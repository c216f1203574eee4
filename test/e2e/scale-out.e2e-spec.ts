import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Api } from '../faults/lib/api.js';
import { Fleet, runCli, type Running } from '../faults/lib/product.js';
import { NO_LIMITS } from '../support/no-limits.js';
import { redisAvailable, startRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/poll.js';
import { SmtpSink } from '../support/smtp-sink.js';
import { emailStep } from '../support/story.js';
import { createTestDatabase, type TestDatabase, workerUrlOf } from '../support/test-database.js';
import { transpileProduct, type TranspiledProduct } from '../support/transpiled-product.js';

const CAMPAIGNS = 6;
const CONTACTS = 60;
const ROUNDS = 5;

if (!redisAvailable()) console.warn('redis-server is not installed: the scale-out test is skipped');
const withRedis = redisAvailable() ? describe : describe.skip;

/** As on several machines: one process a role, two workers, one PostgreSQL, one Redis. Nothing is shared but these two. */
withRedis('one process for each role, two workers, PostgreSQL and Redis', () => {
  let product: TranspiledProduct;
  let database: TestDatabase;
  let redis: TestRedis;
  let dir: string;
  let fleet: Fleet;
  let api: Api;
  let apiProcess: Running;
  let scheduler: Running;
  let workers: Running[];
  /** One for each worker, to see who sent what. */
  let sinks: SmtpSink[];

  beforeAll(async () => {
    [product, database, redis, dir] = await Promise.all([
      transpileProduct(),
      createTestDatabase(),
      startRedis(),
      mkdtemp(join(tmpdir(), 'campaign-engine-scale-out-')),
    ]);
    sinks = await Promise.all([SmtpSink.start(), SmtpSink.start()]);
    const env = {
      PATH: process.env.PATH ?? '',
      NODE_ENV: 'test',
      LOG_LEVEL: 'warn',
      ...NO_LIMITS,
      DATABASE_URL: database.url,
      WORKER_DATABASE_URL: workerUrlOf(database.url),
      REDIS_URL: redis.url,
      DATA_DIR: dir,
      APP_SECRET: 'the secret of the scale-out test, long enough',
      PUBLIC_URL: 'http://127.0.0.1:1',
      MAIL_PROVIDER: 'smtp',
      SMTP_URL: sinks[0].url(),
      POOL_API: '4',
      POOL_WORKER: '6',
    };
    const created = await runCli(product.dist, env, [
      'tenant:create',
      '--name',
      'Scale',
      '--email',
      'a@scale.example',
      '--postal-address',
      '1 Road',
    ]);
    if (created.code !== 0) throw new Error(created.stderr);
    fleet = new Fleet({ dist: product.dist, dir, env });
    [apiProcess, scheduler, ...workers] = await Promise.all([
      // The API does without the login that sees every tenant.
      fleet.start('api', { roles: 'api', env: { WORKER_DATABASE_URL: '' } }),
      fleet.start('scheduler', { roles: 'scheduler' }),
      ...sinks.map((sink, i) => fleet.start(`worker${i + 1}`, { roles: 'worker', env: { SMTP_URL: sink.url() } })),
    ]);
    api = new Api(apiProcess.url, created.stdout.trim().split('\n').at(-1)!);
    const rows = Array.from({ length: CONTACTS }, (_, i) => `person${i}@scale.example,Person ${i}`);
    await api.post('/api/contacts/import', ['email,firstName', ...rows].join('\n'), 'text/csv');
  }, 120_000);

  afterAll(async () => {
    await fleet?.stop();
    await Promise.all([...(sinks ?? []).map((sink) => sink.stop()), redis?.stop()]);
    await database?.drop();
    await product?.remove();
    if (dir) await rm(dir, { recursive: true, force: true });
  }, 60_000);

  const received = () => sinks.flatMap(({ messages }) => messages);

  async function launchCampaigns(name: string): Promise<string[]> {
    const { id: segmentId } = await api.post<{ id: string }>('/api/segments', { name, type: 'dynamic', rules: { all: [] } });
    const ids: string[] = [];
    for (let i = 0; i < CAMPAIGNS; i++) {
      const { id } = await api.post<{ id: string }>('/api/campaigns', {
        name: `${name} ${i}`,
        campaignType: 'broadcast',
        segmentId,
        fromEmail: 'news@scale.example',
        fromName: 'Scale',
      });
      await api.put(`/api/campaigns/${id}/steps`, { steps: [emailStep({ subjectLine: `${name} ${i}` })] });
      ids.push(id);
    }
    await Promise.all(ids.map((id) => api.post(`/api/campaigns/${id}/launch`)));
    return ids;
  }

  async function complete(ids: string[]): Promise<void> {
    const statuses = (): Promise<string[]> =>
      Promise.all(ids.map(async (id) => (await api.get<{ campaign: { status: string } }>(`/api/campaigns/${id}`)).campaign.status));
    let last: string[] = [];
    await until(async () => (last = await statuses()).every((status) => status === 'completed'), {
      deadlineMs: 60_000,
      what: `all campaigns to complete (${last.join(', ')})`,
    });
  }

  function expectOnceEach(name: string): void {
    const keys = received()
      .map(({ to, raw }) => `${to[0]} ${/^Subject: (.*?)\r?$/im.exec(raw.toString('latin1'))?.[1]}`)
      .filter((key) => key.includes(` ${name} `));
    expect(keys).toHaveLength(CAMPAIGNS * CONTACTS);
    expect(new Set(keys).size).toBe(keys.length);
  }

  it('answers its API in the API process alone, and the supervisor everywhere', async () => {
    for (const { url } of [apiProcess, scheduler, ...workers]) expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    for (const { url } of [scheduler, ...workers]) expect((await fetch(`${url}/api/campaigns`)).status).toBe(404);
    expect((await fetch(`${apiProcess.url}/api/campaigns`)).status).toBe(401);
  });

  it('shares the mail of several campaigns between the workers, each message once', async () => {
    // Small campaigns: a worker that is quick may take them all, so a round proves that nothing comes twice, and some round that both send.
    for (let round = 1; round <= ROUNDS; round++) {
      await complete(await launchCampaigns(`shared${round}`));
      expectOnceEach(`shared${round}`);
      if (sinks.every(({ messages }) => messages.length > 0)) break;
    }
    for (const { messages } of sinks) expect(messages.length).toBeGreaterThan(0);
    const client = new Redis(redis.url);
    try {
      expect(await client.keys('*')).not.toHaveLength(0);
    } finally {
      client.disconnect();
    }
  }, 200_000);

  it('goes on with one worker when the other is asked to leave, without losing or doubling a message', async () => {
    for (const sink of sinks) sink.script = ({ verb }) => (verb === 'MESSAGE' ? { delayMs: 20 } : undefined);
    const before = received().length;
    const ids = await launchCampaigns('left');
    await until(() => received().length > before + 20, { what: 'the first messages' });
    const { code } = await fleet.terminate(workers[0]);
    expect(code).toBe(0);
    await complete(ids);
    expectOnceEach('left');
    expect(fleet.unordered).toEqual([]);
  }, 90_000);
});
