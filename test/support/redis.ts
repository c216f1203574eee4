import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { until } from './poll.js';
import { freePort } from './ports.js';

/** Whether a real Redis can be started here (`TEST_REDIS_SERVER` names the program, `redis-server` otherwise). */
export function redisAvailable(): boolean {
  try {
    execFileSync(program(), ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export interface TestRedis {
  url: string;
  stop(): Promise<void>;
}

/** A Redis server on a free port that keeps nothing. */
export async function startRedis(): Promise<TestRedis> {
  const dir = mkdtempSync(join(tmpdir(), 'campaign-engine-test-redis-'));
  const port = await freePort();
  const server = spawn(program(), ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir], {
    stdio: 'ignore',
  });
  const url = `redis://127.0.0.1:${port}`;
  await until(() => answers(url), { what: 'Redis to start' });
  return {
    url,
    stop: async () => {
      const exited = once(server, 'exit');
      server.kill('SIGKILL');
      await exited;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const program = () => process.env.TEST_REDIS_SERVER ?? 'redis-server';

async function answers(url: string): Promise<boolean> {
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}
