import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { freePort } from '../../support/ports.js';
import { adopt } from './orphans.js';
import { until } from './wait.js';

/** Whether `redis-server` is installed here. */
export function redisAvailable(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A Redis that keeps nothing on disk, so that every start is an empty one. Always at the same port. */
export class FaultRedis {
  private server!: ChildProcess;

  private constructor(
    private readonly dir: string,
    readonly port: number,
  ) {}

  static async start(dir: string): Promise<FaultRedis> {
    const redis = new FaultRedis(dir, await freePort());
    await redis.launch();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async launch(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', this.dir];
    this.server = spawn('redis-server', args, { stdio: 'ignore' });
    adopt(this.server);
    await until('Redis to answer', () => this.ask((client) => client.ping()).catch(() => null));
  }

  async flush(): Promise<void> {
    await this.ask((client) => client.flushall());
  }

  async kill(): Promise<void> {
    if (this.server.exitCode !== null || this.server.signalCode !== null) return;
    const gone = once(this.server, 'exit');
    this.server.kill('SIGKILL');
    await gone;
  }

  private async ask<T>(fn: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await fn(client);
    } finally {
      client.disconnect();
    }
  }
}
