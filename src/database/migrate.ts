import { runMigrations as runQueueMigrations } from 'bullmq';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { migrations } from '../../migrations/index.js';
import { lockName } from './advisory-lock.js';
import { buildDataSourceOptions } from './data-source.js';
import { DatabaseSetupError, sqlState } from './database.errors.js';
import { ensureRoles, type Logins, secureTables } from './roles.js';

const NO_SUCH_DATABASE = '3D000';
const DUPLICATE_DATABASE = '42P04';
/** The first with views that ask with the rights of whoever asks (`security_invoker`). */
const OLDEST_SERVER = 150_000;

/** What a start-up has to tell people about the database it found; empty if all is well. */
export interface MigrationResult {
  applied: string[];
  warnings: string[];
}

/**
 * Brings a database up to date: our migrations, then BullMQ's tables (schema `bullmq`), then row-level security and the rights of the roles. Creates
 * the database, the roles and the given logins where they are missing and the role may. A role that does not own the tables changes nothing: it only
 * makes sure that nothing is left to do. Safe to call from any number of processes at once: they take turns, and all but the first find nothing to do.
 */
export async function migrateDatabase(url: string, logins: Logins = {}): Promise<MigrationResult> {
  const client = await connectOrCreate(url);
  try {
    await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [lockName('migrate')]);
    const { isOwner } = await inspect(client);
    if (!isOwner) {
      await assertUpToDate(client);
      return { applied: [], warnings: [] };
    }
    await ensureRoles(client, logins);
    const applied = await applyOurs(url);
    await runQueueMigrations(client, 'bullmq');
    await secureTables(client);
    return { applied, warnings: [] };
  } catch (error) {
    if (error instanceof DatabaseSetupError) throw error;
    throw new DatabaseSetupError(`The database could not be brought up to date: ${(error as Error).message}`, { cause: error });
  } finally {
    await client.end();
  }
}

async function applyOurs(url: string): Promise<string[]> {
  // Entities are not needed to migrate, and without a time limit a large table may be altered in peace.
  const options = { ...buildDataSourceOptions(url, { poolSize: 2, statementTimeoutMs: 0, isSystem: true }), entities: [] };
  const dataSource = await new DataSource(options).initialize();
  try {
    return (await dataSource.runMigrations({ transaction: 'each' })).map((migration) => migration.name);
  } finally {
    await dataSource.destroy();
  }
}

async function inspect(client: pg.Client): Promise<{ isOwner: boolean }> {
  const { rows } = await client.query<{ version: number; name: string; isOwner: boolean }>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS name,
            coalesce((SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('public.migrations')), true) AS "isOwner"`,
  );
  const { version, name, isOwner } = rows[0];
  if (version < OLDEST_SERVER) throw new DatabaseSetupError(`DATABASE_URL: PostgreSQL ${name} is too old, 15 or newer is needed`);
  return { isOwner };
}

async function assertUpToDate(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>('SELECT name FROM public.migrations');
  const applied = new Set(rows.map(({ name }) => name));
  const pending = migrations.filter((migration) => !applied.has(migration.name));
  if (pending.length === 0) return;
  throw new DatabaseSetupError(
    `The database is ${pending.length} migration(s) behind this program, and the role of DATABASE_URL does not own its tables: ` +
      'run "npm run cli -- db:migrate" with MIGRATION_DATABASE_URL, the owner\'s address',
  );
}

async function connectOrCreate(url: string): Promise<pg.Client> {
  try {
    return await connect(url);
  } catch (error) {
    if (sqlState(error) !== NO_SUCH_DATABASE) throw unreachable(url, error);
  }
  await createDatabase(url);
  return connect(url).catch((error: unknown) => Promise.reject(unreachable(url, error)));
}

async function createDatabase(url: string): Promise<void> {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  const server = new URL(url);
  server.pathname = '/postgres';
  try {
    const client = await connect(server.href);
    try {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
    } finally {
      await client.end();
    }
  } catch (error) {
    if (sqlState(error) === DUPLICATE_DATABASE) return;
    throw new DatabaseSetupError(
      `DATABASE_URL: the database "${name}" does not exist and cannot be created (${(error as Error).message})`,
      { cause: error },
    );
  }
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, application_name: 'campaign-engine migrate', connectionTimeoutMillis: 5_000 });
  // A connection lost between two statements shows in the next statement; without a listener it would end the process first.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

function unreachable(url: string, error: unknown): DatabaseSetupError {
  const { host, pathname } = new URL(url);
  const cause = error as Error & { code?: string; errors?: Error[] };
  const reason = cause.message || cause.errors?.[0]?.message || cause.code;
  return new DatabaseSetupError(`DATABASE_URL: cannot connect to ${host}${pathname}: ${reason}`, { cause: error });
}
