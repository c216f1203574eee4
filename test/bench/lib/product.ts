import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NO_LIMITS } from '../../support/no-limits.js';
import { freePorts } from '../../support/ports.js';
import type { Cluster } from './cluster.js';
import type { Watched } from './meter.js';
import type { Options } from './options.js';

/** This file runs from dist/bench/test/bench/lib; the product under test is the production build in dist/src. */
const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
const READY_MS = 60_000;
const STOP_MS = 30_000;
export const RESULTS_DIR = join(ROOT, 'test/bench/results');
export const APP_SECRET = 'a secret of the benchmark, thirty-two characters and more';

export interface ProductSettings {
  cluster: Cluster;
  options: Options;
  /** MAIL_PROVIDER and what belongs to it. */
  mail: Record<string, string>;
  env?: Record<string, string>;
  /** Instead of `options.workers`; 0 starts the API alone. */
  workers?: number;
}

interface Running {
  name: string;
  process: ChildProcess;
  log: string;
}

/** The product as an operator runs it: processes with roles, configured by the environment. */
export class Product {
  private constructor(
    readonly baseUrl: string,
    private readonly processes: Running[],
  ) {}

  static async start({ cluster, options, mail, env = {}, workers = options.workers }: ProductSettings): Promise<Product> {
    const processes: Running[] = [];
    const [port] = await freePorts(1);
    const baseUrl = `http://127.0.0.1:${port}`;
    const common = { ...environment(cluster, options), PUBLIC_URL: baseUrl, ...mail, ...env, ...options.env };
    const isApart = !options.isSingle;
    processes.push(
      launch('api', { ...common, PORT: String(port), ROLES: isApart ? 'api,scheduler' : 'api,worker,scheduler' }, cluster, options),
    );
    const ports = isApart ? await freePorts(workers) : [];
    await ready(processes[0], port);
    for (const [i, workerPort] of ports.entries()) {
      processes.push(launch(`worker${i + 1}`, { ...common, PORT: String(workerPort), ROLES: 'worker' }, cluster, options));
    }
    await Promise.all(ports.map((workerPort, i) => ready(processes[i + 1], workerPort)));
    return new Product(baseUrl, processes);
  }

  get watched(): Watched[] {
    return this.processes.map(({ name, process }) => ({ name, pid: process.pid! }));
  }

  /** Warnings and errors the processes have logged. */
  complaints(): string[] {
    return this.processes.flatMap(({ name, log }) =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => `${name}: ${line.slice(0, 400)}`),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map(({ process }) => end(process)));
  }
}

/** Creates a tenant as an operator does and returns its id and key. */
export async function createTenant(cluster: Cluster, options: Options, name: string): Promise<{ tenantId: string; apiKey: string }> {
  const args = ['tenant:create', '--name', name, '--email', `admin@${name}.example`, '--postal-address', '1 Main Street, Springfield'];
  const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'dist/src/cli.js'), ...args], {
    env: environment(cluster, options),
  });
  const apiKey = stdout.trim().split('\n').at(-1)!;
  return { apiKey, tenantId: await cluster.value<string>('SELECT id FROM tenants WHERE name = $1', [name]) };
}

function environment(cluster: Cluster, options: Options): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    ...cluster.databaseEnv,
    DATA_DIR: cluster.dataDir,
    APP_SECRET,
    ...NO_LIMITS,
    ...(options.redisUrl ? { REDIS_URL: options.redisUrl } : {}),
  };
}

function launch(name: string, env: Record<string, string>, cluster: Cluster, options: Options): Running {
  const log = join(cluster.dataDir, `${name}.log`);
  const out = openSync(log, 'a');
  mkdirSync(RESULTS_DIR, { recursive: true });
  const profile = options.cpuProf
    ? ['--cpu-prof', `--cpu-prof-dir=${RESULTS_DIR}`, `--cpu-prof-name=${name}-${Date.now()}.cpuprofile`]
    : [];
  const child = spawn(process.execPath, [...profile, join(ROOT, 'dist/src/main.js')], {
    env,
    cwd: cluster.dataDir,
    stdio: ['ignore', out, out],
  });
  closeSync(out);
  return { name, process: child, log };
}

async function ready({ name, process: child, log }: Running, port: number): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) break;
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
    if (answer?.ok) return;
    await delay(50);
  }
  throw new Error(`${name} did not become ready:\n${readFileSync(log, 'utf8').slice(-2_000)}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exited;
  clearTimeout(timer);
}
