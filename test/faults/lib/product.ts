import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../../support/ports.js';
import { adopt } from './orphans.js';

const CLOCK = fileURLToPath(new URL('../processes/clock-offset.js', import.meta.url));
const READY_MS = 60_000;
const STOP_MS = 60_000;

export interface StartOptions {
  roles: string;
  /** `name:n[,name:n]`: dies by its own hand at the n-th hit. */
  failPoints?: string;
  clockOffsetMs?: number;
  clockJumpAfterMs?: number;
  env?: Record<string, string>;
}

export interface Ended {
  name: string;
  code: number | null;
  signal: NodeJS.Signals | null;
  /** By us, or by a fail point. */
  isOrdered: boolean;
  tookMs?: number;
}

/** One process of the product. */
export class Running {
  isOrdered = false;
  readonly exited: Promise<unknown>;
  readonly startedAt = performance.now();

  constructor(
    readonly name: string,
    readonly port: number,
    readonly child: ChildProcess,
    readonly log: string,
    /** Dies by SIGKILL of its own. */
    readonly isMined: boolean,
  ) {
    this.exited = once(child, 'exit');
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }
}

export interface FleetOptions {
  /** Compiled `src`: where `main.js` and `cli.js` are. */
  dist: string;
  /** Working directory of the processes, and where their logs go. */
  dir: string;
  env: Record<string, string>;
  verbose?: boolean;
}

/** The processes of the product in one scenario; knows which of them ended although nobody told them to. */
export class Fleet {
  readonly ended: Ended[] = [];
  kills = 0;
  private readonly all: Running[] = [];

  constructor(private readonly options: FleetOptions) {}

  get alive(): Running[] {
    return this.all.filter(({ isAlive }) => isAlive);
  }

  /** Nobody ordered these: a crash of the product. */
  get unordered(): Ended[] {
    return this.ended.filter(({ isOrdered }) => !isOrdered);
  }

  async start(name: string, options: StartOptions): Promise<Running> {
    const running = await this.launch(name, options);
    await this.ready(running);
    return running;
  }

  /** Without waiting until it works. */
  async launch(name: string, { roles, failPoints, clockOffsetMs, clockJumpAfterMs, env }: StartOptions): Promise<Running> {
    const port = Number(env?.PORT ?? (await freePort()));
    const log = join(this.options.dir, `${name}.log`);
    const out = openSync(log, 'a');
    const child = spawn(process.execPath, [...(clockOffsetMs ? ['--import', CLOCK] : []), join(this.options.dist, 'main.js')], {
      cwd: this.options.dir,
      env: {
        ...this.options.env,
        PORT: String(port),
        ROLES: roles,
        ...(failPoints ? { FAIL_POINTS: failPoints } : {}),
        ...(clockOffsetMs ? { CLOCK_OFFSET_MS: String(clockOffsetMs) } : {}),
        ...(clockJumpAfterMs ? { CLOCK_JUMP_AFTER_MS: String(clockJumpAfterMs) } : {}),
        ...env,
      },
      stdio: ['ignore', out, out],
    });
    closeSync(out);
    adopt(child);
    const running = new Running(name, port, child, log, failPoints !== undefined);
    this.all.push(running);
    child.on('exit', (code, signal) => this.record(running, code, signal));
    return running;
  }

  async kill(running: Running): Promise<void> {
    if (!running.isAlive) return;
    running.isOrdered = true;
    this.kills++;
    running.child.kill('SIGKILL');
    await running.exited;
  }

  /** Asks it to end in order; answers how it did. */
  async terminate(running: Running): Promise<{ code: number | null; signal: NodeJS.Signals | null; ms: number }> {
    const from = performance.now();
    running.isOrdered = true;
    if (running.isAlive) {
      running.child.kill('SIGTERM');
      const timer = setTimeout(() => running.child.kill('SIGKILL'), STOP_MS);
      await running.exited;
      clearTimeout(timer);
    }
    return { code: running.child.exitCode, signal: running.child.signalCode, ms: Math.round(performance.now() - from) };
  }

  async stop(): Promise<void> {
    await Promise.all(this.alive.map((running) => this.terminate(running)));
  }

  /** What the processes have logged, last lines first come. */
  complaints(limit = 15): string[] {
    const lines = this.all.flatMap(({ name, log }) =>
      existsSync(log)
        ? readFileSync(log, 'utf8')
            .split('\n')
            .filter((line) => /ERROR|FATAL|Error:/.test(line))
            .map((line) => `${name}: ${line.slice(0, 300)}`)
        : [],
    );
    return [...new Set(lines)].slice(-limit);
  }

  private record(running: Running, code: number | null, signal: NodeJS.Signals | null): void {
    const isByFailPoint = running.isMined && signal === 'SIGKILL';
    if (isByFailPoint && !running.isOrdered) this.kills++;
    this.ended.push({ name: running.name, code, signal, isOrdered: running.isOrdered || isByFailPoint });
    if (this.options.verbose) console.log(`    ${running.name} ended (${signal ?? code})`);
  }

  private async ready({ name, child, url, log }: Running): Promise<void> {
    const deadline = performance.now() + READY_MS;
    while (performance.now() < deadline) {
      if (child.exitCode !== null || child.signalCode !== null) break;
      const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) }).catch(() => null);
      if (answer?.ok) return;
      await delay(50);
    }
    throw new Error(`${name} did not become ready:\n${readFileSync(log, 'utf8').slice(-3_000)}`);
  }
}

/** Runs a command of the product's command line. Resolves with its exit code and what it printed. */
export async function runCli(
  dist: string,
  env: Record<string, string>,
  args: string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(dist, 'cli.js'), ...args], {
      env,
      maxBuffer: 64 * 1024 * 1024,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}
