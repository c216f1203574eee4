import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { EmbeddedPostgres, migrateDatabase } from '../../../src/database/index.js';
import { ensureDataDir } from '../../../src/config/app-secret.js';

/**
 * An embedded PostgreSQL of its own, with the settings of production, in a directory of its own that is deleted afterwards. `sql` is the superuser:
 * set-up data and floors go past row-level security, which makes them faster, not slower.
 */
export class Cluster {
  private constructor(
    readonly dataDir: string,
    private readonly server: EmbeddedPostgres,
    readonly sql: pg.Client,
    private readonly statements: boolean,
    private readonly withoutRls: boolean,
  ) {}

  static async start({ statements = false, withoutRls = false } = {}): Promise<Cluster> {
    const parent = mkdtempSync(join(tmpdir(), 'ce-bench-'));
    // Started as root, the server runs as another user, who must get through here.
    chmodSync(parent, 0o711);
    const dataDir = join(parent, 'data');
    ensureDataDir(dataDir);
    let server = await EmbeddedPostgres.start({ dataDir });
    if (statements) server = await withStatements(dataDir, server);
    await migrateDatabase(server.addresses.migrationUrl);
    const sql = await superuser(server.addresses.url, dataDir);
    if (statements) await sql.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    if (withoutRls) await sql.query(WITHOUT_RLS);
    return new Cluster(dataDir, server, sql, statements, withoutRls);
  }

  /** As the product's environment names them. */
  get databaseEnv(): Record<string, string> {
    const { url, workerUrl, migrationUrl } = this.server.addresses;
    const env = { DATABASE_URL: url, WORKER_DATABASE_URL: workerUrl };
    // In production the product refuses tables without it, and whoever migrates switches it on again.
    return this.withoutRls ? { ...env, NODE_ENV: 'benchmark' } : { ...env, MIGRATION_DATABASE_URL: migrationUrl };
  }

  get pid(): number {
    return Number(readFileSync(join(this.dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
  }

  /** The first value of the first row. */
  async value<T>(text: string, params: unknown[] = []): Promise<T> {
    const { rows } = await this.sql.query<{ [column: string]: T }>(text, params);
    return Object.values(rows[0])[0];
  }

  /** Statistics and visibility as a database has them that has been running for a while, and no checkpoint in the middle of the measurement. */
  async settle(...tables: string[]): Promise<void> {
    for (const table of tables) await this.sql.query(`VACUUM (ANALYZE) ${table}`);
    await this.sql.query('CHECKPOINT');
    if (this.statements) await this.sql.query('SELECT pg_stat_statements_reset()');
  }

  /** The statements that took most of the server's time since `settle`; empty without `--statements`. */
  async topStatements(limit = 14): Promise<string[]> {
    if (!this.statements) return [];
    const { rows } = await this.sql.query<{ ms: number; calls: string; rows: string; query: string }>(
      `SELECT round(total_exec_time + total_plan_time)::int AS ms, calls, rows, regexp_replace(query, '\\s+', ' ', 'g') AS query FROM pg_stat_statements
       ORDER BY total_exec_time + total_plan_time DESC LIMIT $1`,
      [limit],
    );
    return rows.map(
      (r) => `${String(r.ms).padStart(8)} ms ${r.calls.padStart(8)} calls ${r.rows.padStart(9)} rows  ${r.query.slice(0, 150)}`,
    );
  }

  async stop(): Promise<void> {
    await this.sql.end().catch(() => undefined);
    await this.server.stop();
    rmSync(join(this.dataDir, '..'), { recursive: true, force: true });
  }
}

const WITHOUT_RLS = `DO $$ DECLARE t regclass; BEGIN
  FOR t IN SELECT oid FROM pg_class WHERE relrowsecurity LOOP EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', t); END LOOP; END $$`;

async function superuser(url: string, dataDir: string): Promise<pg.Client> {
  const { password } = JSON.parse(readFileSync(join(dataDir, 'postgres/engine.json'), 'utf8')) as { password: string };
  const address = new URL(url);
  address.username = 'postgres';
  address.password = password;
  const client = new pg.Client({ connectionString: address.href, application_name: 'bench' });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** The library must be there when the server starts. */
async function withStatements(dataDir: string, server: EmbeddedPostgres): Promise<EmbeddedPostgres> {
  const sql = await superuser(server.addresses.url, dataDir);
  await sql.query(`ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`);
  await sql.query(`ALTER SYSTEM SET pg_stat_statements.track_planning = on`);
  await sql.end();
  await server.stop();
  return EmbeddedPostgres.start({ dataDir });
}
