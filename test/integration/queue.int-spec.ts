import { Processor } from '@nestjs/bullmq';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ConfigModule, loadConfig } from '../../src/config/index.js';
import { defineQueue, QueueModule, TypedProcessor, type TypedQueue, typedQueueToken } from '../../src/queue/index.js';
import { until } from '../support/poll.js';
import { redisAvailable, startRedis, type TestRedis } from '../support/redis.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

interface Jobs {
  note: { id: string };
  slow: { id: string };
  flaky: { id: string };
}
const definition = defineQueue<Jobs>('probe', { note: true, slow: true, flaky: true });

@Injectable()
@Processor(definition.name, { concurrency: 4 })
class ProbeProcessor extends TypedProcessor<Jobs> {
  readonly seen: string[] = [];
  readonly finished: string[] = [];
  release: () => void = () => undefined;
  private readonly gate = new Promise<void>((resolve) => (this.release = resolve));

  protected readonly handlers = {
    note: async ({ id }: { id: string }) => this.seen.push(id),
    slow: async ({ id }: { id: string }) => {
      this.seen.push(id);
      await this.gate;
      this.finished.push(id);
    },
    flaky: async ({ id }: { id: string }) => {
      this.seen.push(id);
      if (this.seen.filter((other) => other === id).length === 1) throw new Error('the first attempt fails');
    },
  };
}

const backends: [string, boolean][] = [['PostgreSQL', false]];
if (redisAvailable()) backends.push(['Redis', true]);
else console.warn('The queue tests run on PostgreSQL only: there is no redis-server here (install it, or set TEST_REDIS_SERVER).');

describe.each(backends)('the queue on %s', (_name, onRedis) => {
  let database: TestDatabase;
  let redis: TestRedis | undefined;
  const apps: INestApplicationContext[] = [];

  async function start() {
    const config = loadConfig({ DATABASE_URL: database.url, APP_SECRET: 'x'.repeat(32), REDIS_URL: redis?.url });
    const module = await Test.createTestingModule({
      imports: [ConfigModule.forRoot(config), QueueModule.forRoot(), QueueModule.register(definition)],
      providers: [ProbeProcessor],
    }).compile();
    module.useLogger(false);
    await module.init();
    apps.push(module);
    return { app: module, queue: module.get<TypedQueue<Jobs>>(typedQueueToken(definition.name)), processor: module.get(ProbeProcessor) };
  }

  beforeAll(async () => {
    database = await createTestDatabase();
    if (onRedis) redis = await startRedis();
  });
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });
  afterAll(async () => {
    await database.drop();
    await redis?.stop();
  });

  it('hands a job to the handler of its name', async () => {
    const { queue, processor } = await start();
    await queue.add('note', { id: 'a' });
    expect(await queue.hint('note', { id: 'b' })).toBe(true);
    await until(() => processor.seen.length === 2, { what: 'both jobs' });
    expect(processor.seen.sort()).toEqual(['a', 'b']);
  });

  it('collapses a burst of equal hints, but never loses the one that came while its twin ran', async () => {
    const { queue, processor } = await start();
    await queue.add('slow', { id: 'first' }, { dedupeId: 'campaign-1' });
    await until(() => processor.seen.includes('first'), { what: 'the first job to run' });
    for (let i = 0; i < 5; i++) await queue.add('slow', { id: 'again' }, { dedupeId: 'campaign-1' });
    processor.release();
    await until(() => processor.finished.length === 2, { what: 'the hint that came meanwhile' });
    await queue.add('note', { id: 'marker' });
    await until(() => processor.seen.includes('marker'), { what: 'the marker' });
    expect(processor.seen).toEqual(['first', 'again', 'marker']);
  });

  it('moves a delayed wake-up forward when asked to', async () => {
    const { queue, processor } = await start();
    await queue.add('note', { id: 'wake' }, { dedupeId: 'wake-1', delayMs: 600_000 });
    await queue.add('note', { id: 'wake' }, { dedupeId: 'wake-1', delayMs: 600_000 });
    expect(await queue.counts()).toMatchObject({ delayed: 1 });
    await queue.add('note', { id: 'wake' }, { dedupeId: 'wake-1', delayMs: 50, replace: true });
    await until(() => processor.seen.length === 1, { what: 'the wake-up' });
    expect(await queue.counts()).toMatchObject({ delayed: 0 });
  });

  it('tries a failed job again', async () => {
    const { queue, processor } = await start();
    await queue.add('flaky', { id: 'f' });
    await until(() => processor.seen.length === 2, { what: 'the second attempt' });
  });

  it('lets a running job finish before it closes', async () => {
    const { app, queue, processor } = await start();
    await queue.add('slow', { id: 'running' });
    await until(() => processor.seen.includes('running'), { what: 'the job to run' });
    let closed = false;
    const closing = app.close().then(() => (closed = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(false);
    processor.release();
    await closing;
    apps.length = 0;
    expect(processor.finished).toEqual(['running']);
  });
});

describe('a queue that is away', () => {
  it.each([
    ['PostgreSQL', {}],
    ['Redis', { REDIS_URL: 'redis://127.0.0.1:1' }],
  ])('on %s does not fail what was committed before the hint, nor the shutdown', async (_name, env) => {
    const config = loadConfig({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', APP_SECRET: 'x'.repeat(32), ROLES: 'api', ...env });
    const imports = [ConfigModule.forRoot(config), QueueModule.forRoot(), QueueModule.register(definition)];
    const app = await Test.createTestingModule({ imports }).compile();
    app.useLogger(false);
    await app.init();
    const started = performance.now();
    expect(await app.get<TypedQueue<Jobs>>(typedQueueToken(definition.name)).hint('note', { id: 'x' })).toBe(false);
    expect(performance.now() - started).toBeLessThan(3_000);
    await app.close();
  });
});
