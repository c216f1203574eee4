import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureDataDir } from '../../config/app-secret.js';
import { DatabaseSetupError } from '../database.errors.js';
import { assertReachable, type Binaries, findBinaries, serverUser, type ServerUser } from './binaries.js';
import { ensureCluster, lastLine, readSettings, serverEnv, serverSettings, writeSettings } from './cluster.js';
import type { DatabaseAddresses } from '../prepare.js';
import { Keeper } from './keeper.js';
import { processAlive, runningPostmaster } from './postmaster.js';

const START_LIMIT_MS = 180_000;
const STOP_LIMIT_MS = 60_000;
const LOG_LIMIT_BYTES = 10_000_000;

export interface EmbeddedPostgresOptions {
  /** Absolute. The server lives in `postgres` below it and writes to `postgres.log` beside it. */
  dataDir: string;
  log?: (message: string) => void;
}

/**
 * A PostgreSQL server of our own. It runs detached from us, so neither a Ctrl-C in the terminal nor our own crash takes it away:
 *
 *     start ──▶ is one running here? ──yes──▶ share it            (another process of ours, or one that was killed, started it)
 *                   └─no─▶ start it ─────▶ share it
 *     stop  ──▶ does another process share it? ──yes──▶ leave it
 *                   └─no─▶ shut it down, wait until it is gone
 *
 * Sharing is a shared advisory lock that each process holds on a connection of its own (`Keeper`): it ends with the process, however that
 * ends. Whoever can take it exclusively is the last one.
 */
export class EmbeddedPostgres {
  private keeper!: Keeper;
  private stopping = false;
  private rejoining: Promise<void> = Promise.resolve();

  private constructor(
    private readonly clusterDir: string,
    private readonly binaries: Binaries,
    private readonly user: ServerUser | undefined,
    private readonly log: (message: string) => void,
  ) {}

  /** Starts the server, or joins the one already running on this directory. Throws `DatabaseSetupError` with one line for people. */
  static async start({ dataDir, log = () => undefined }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const clusterDir = join(dataDir, 'postgres');
    const binaries = await findBinaries();
    ensureDataDir(dataDir);
    const user = serverUser(clusterDir);
    assertReachable(user, { binaries, dataDir });
    await ensureCluster(clusterDir, binaries, user);
    const embedded = new EmbeddedPostgres(clusterDir, binaries, user, log);
    await embedded.join();
    return embedded;
  }

  /** Where the application's database is, for the application, its workers, and the owner of its tables. */
  get addresses(): Required<DatabaseAddresses> {
    return this.keeper.addresses;
  }

  /** Shuts the server down if nobody else uses it. Returns whether it did; afterwards no process is left. */
  async stop(): Promise<boolean> {
    this.stopping = true;
    await this.rejoining;
    const last = await this.keeper.isLast();
    const server = last ? runningPostmaster(this.clusterDir) : null;
    if (server) {
      process.kill(server.pid, 'SIGINT');
      if (!(await this.gone(server.pid, STOP_LIMIT_MS))) {
        this.log('The embedded PostgreSQL did not stop in time and is ended at once; it recovers on the next start');
        process.kill(server.pid, 'SIGQUIT');
        await this.gone(server.pid, 10_000);
      }
    }
    await this.keeper.close();
    return server !== null;
  }

  private async join(): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    while (performance.now() < deadline) {
      const port = await this.readyPort(deadline);
      const keeper = port === null ? null : await Keeper.open(port, readSettings(this.clusterDir).password, () => this.onLost());
      if (keeper) {
        this.keeper = keeper;
        return;
      }
      // It was just shutting down, or another process won the race to start it: look again.
      await delay(50);
    }
    throw new DatabaseSetupError(`The embedded PostgreSQL did not become ready within ${START_LIMIT_MS / 1000} s; see ${this.logPath}`);
  }

  /** The port of a server that accepts connections, started here if none runs. Null: look again. */
  private async readyPort(deadline: number): Promise<number | null> {
    const child = runningPostmaster(this.clusterDir) ? null : await this.launch();
    while (performance.now() < deadline) {
      const server = runningPostmaster(this.clusterDir);
      if (server?.status === 'ready') return server.port;
      if (child && (child.exitCode !== null || child.signalCode !== null)) {
        // Another start was faster, or the helpers of a server killed a moment ago are still leaving.
        if (server || this.lastLog().includes('still in use')) return null;
        throw new DatabaseSetupError(`The embedded PostgreSQL did not start: ${this.lastLog()} (more in ${this.logPath})`);
      }
      if (!child && !server) return null;
      await delay(20);
    }
    return null;
  }

  private async launch(): Promise<ChildProcess> {
    const settings = readSettings(this.clusterDir);
    const port = await usablePort(settings.port);
    if (port !== settings.port) writeSettings(this.clusterDir, { ...settings, port });
    const flags = Object.entries(serverSettings()).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const out = this.openLog();
    const child = spawn(this.binaries.postgres, ['-D', this.clusterDir, '-p', String(port), ...flags], {
      cwd: this.clusterDir,
      env: serverEnv(),
      uid: this.user?.uid,
      gid: this.user?.gid,
      detached: true,
      stdio: ['ignore', out, out],
    });
    child.on('error', (error) => this.log(`The embedded PostgreSQL could not be started: ${error.message}`));
    child.unref();
    closeSync(out);
    return child;
  }

  /** The server went away under us (killed, out of memory): bring it back at the same address, so that the pools find it again. */
  private onLost(): void {
    if (this.stopping) return;
    this.log('The embedded PostgreSQL was lost; starting it again');
    this.rejoining = this.join().catch((error: unknown) =>
      this.log(`The embedded PostgreSQL could not be started again: ${(error as Error).message}`),
    );
  }

  private async gone(pid: number, limitMs: number): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    while (processAlive(pid)) {
      if (performance.now() > deadline) return false;
      await delay(15);
    }
    return true;
  }

  private get logPath(): string {
    return `${this.clusterDir}.log`;
  }

  private openLog(): number {
    if ((statSync(this.logPath, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT_BYTES) renameSync(this.logPath, `${this.logPath}.1`);
    return openSync(this.logPath, 'a', 0o600);
  }

  private lastLog(): string {
    return lastLine(readFileSync(this.logPath, 'utf8').replace(/^.*(HINT|DETAIL|LOG):.*$\n?/gm, ''));
  }
}

async function usablePort(preferred: number | undefined): Promise<number> {
  return (preferred !== undefined && (await listenOnce(preferred))) || (await listenOnce(0)) || Promise.reject(new Error('no free port'));
}

function listenOnce(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(null));
    probe.listen(port, '127.0.0.1', () => {
      const { port: found } = probe.address() as AddressInfo;
      probe.close(() => resolve(found));
    });
  });
}
