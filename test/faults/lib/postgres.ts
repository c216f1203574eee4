import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { once } from 'node:events';
import pg from 'pg';
import { findBinaries, serverUser, type Binaries, type ServerUser } from '../../../src/database/embedded/binaries.js';
import { APP_ROLE, ensureRoles, WORKER_ROLE } from '../../../src/database/index.js';
import { ensureCluster, readSettings, serverEnv, serverSettings } from '../../../src/database/embedded/cluster.js';
import { freePort } from '../../support/ports.js';
import { adopt } from './orphans.js';
import { until } from './wait.js';

const OWNER = 'faults';
const ROLES = [OWNER, APP_ROLE, WORKER_ROLE];
const ROLE_PASSWORD = randomBytes(12).toString('hex');

/**
 * A PostgreSQL server of this run's own, with the settings of the embedded one in production (fsync on), that can be crashed and started again at
 * the same address. Not `EmbeddedPostgres`: that one brings a lost server back by itself.
 */
export class FaultPostgres {
  private server!: ChildProcess;

  private constructor(
    private readonly clusterDir: string,
    private readonly binaries: Binaries,
    private readonly user: ServerUser | undefined,
    readonly port: number,
    private readonly password: string,
  ) {}

  static async start(dir: string): Promise<FaultPostgres> {
    const clusterDir = join(dir, 'postgres');
    mkdirSync(dir, { recursive: true, mode: 0o755 });
    const binaries = await findBinaries();
    const user = serverUser(clusterDir);
    if (user) chownSync(dir, user.uid, user.gid);
    await ensureCluster(clusterDir, binaries, user);
    const postgres = new FaultPostgres(clusterDir, binaries, user, await freePort(), readSettings(clusterDir).password);
    await postgres.launch();
    await postgres.admin(async (client) => {
      await client.query(`CREATE ROLE ${OWNER} LOGIN PASSWORD '${ROLE_PASSWORD}' NOSUPERUSER NOBYPASSRLS`);
      const { DATABASE_URL: url, WORKER_DATABASE_URL: workerUrl } = postgres.env('postgres');
      await ensureRoles(client, { url, workerUrl });
    });
    return postgres;
  }

  /** The addresses of a database, as the product gets them. */
  env(database: string): Record<string, string> {
    const url = (role: string) => `postgresql://${role}:${ROLE_PASSWORD}@127.0.0.1:${this.port}/${database}`;
    return { DATABASE_URL: url(APP_ROLE), WORKER_DATABASE_URL: url(WORKER_ROLE), MIGRATION_DATABASE_URL: url(OWNER) };
  }

  /** The superuser's, which sees past row-level security. */
  adminUrl(database = 'postgres'): string {
    return `postgresql://postgres:${this.password}@127.0.0.1:${this.port}/${database}`;
  }

  async createDatabase(name: string, template?: string): Promise<void> {
    await this.admin((client) =>
      client.query(`CREATE DATABASE ${name} OWNER ${OWNER}${template ? ` TEMPLATE ${template} STRATEGY file_copy` : ''}`),
    );
  }

  async dropDatabase(name: string): Promise<void> {
    await this.admin((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  }

  /** Ends `share` of the product's connections, in the middle of whatever they do. Returns how many. */
  async terminateBackends(database: string, share = 1): Promise<number> {
    return this.admin(async (client) => {
      const { rows } = await client.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = $1 AND usename = ANY ($2) AND random() < $3) t`,
        [database, ROLES, share],
      );
      return rows[0].n;
    });
  }

  /** As a power cut: every backend is gone at once, nothing is flushed, the next start recovers from the log. */
  async crash(): Promise<void> {
    const gone = once(this.server, 'exit');
    this.server.kill('SIGQUIT');
    await gone;
  }

  /** Resolves when the server answers again. */
  async launch(): Promise<void> {
    const out = openSync(`${this.clusterDir}.log`, 'a');
    const flags = Object.entries({ ...serverSettings(), max_connections: 300 }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(this.binaries.postgres, ['-D', this.clusterDir, '-p', String(this.port), ...flags], {
      cwd: this.clusterDir,
      env: serverEnv(),
      uid: this.user?.uid,
      gid: this.user?.gid,
      stdio: ['ignore', out, out],
    });
    closeSync(out);
    this.server = child;
    adopt(child);
    await until('PostgreSQL to answer', async () => {
      if (child.exitCode !== null)
        throw new Error(`PostgreSQL did not start:\n${readFileSync(`${this.clusterDir}.log`, 'utf8').slice(-2_000)}`);
      return this.admin(() => Promise.resolve(true)).catch(() => false);
    });
  }

  async stop(): Promise<void> {
    if (this.server.exitCode !== null || this.server.signalCode !== null) return;
    const gone = once(this.server, 'exit');
    this.server.kill('SIGINT');
    const timer = setTimeout(() => this.server.kill('SIGQUIT'), 20_000);
    await gone;
    clearTimeout(timer);
  }

  private async admin<T>(fn: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.adminUrl(), connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await fn(client);
    } finally {
      await client.end();
    }
  }
}

/** A pool that survives the server's crashes: queries are tried again until the server answers. For looking, not for changing. */
export class Watcher {
  private readonly pool: pg.Pool;

  constructor(url: string) {
    this.pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 5_000, options: '-c statement_timeout=600000' });
    this.pool.on('error', () => undefined);
  }

  async rows<Row extends object>(sql: string, params: unknown[] = []): Promise<Row[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.pool.query<Row>(sql, params)).rows;
      } catch (error) {
        const state = (error as { code?: string }).code ?? '';
        if (/^(2|42)/.test(state) || attempt === 40) throw error;
        await delay(250);
      }
    }
  }

  /** The first value of the first row. */
  async value<T>(sql: string, params: unknown[] = []): Promise<T> {
    const [row] = await this.rows<Record<string, T>>(sql, params);
    return row === undefined ? (undefined as T) : Object.values(row)[0];
  }

  async end(): Promise<void> {
    await this.pool.end();
  }
}
