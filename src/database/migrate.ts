import { runMigrations as runQueueMigrations } from 'bullmq';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { lockName } from './advisory-lock.js';
import { buildDataSourceOptions } from './data-source.js';
import { DatabaseSetupError, sqlState } from './database.errors.js';

const NO_SUCH_DATABASE = '3D000';
const DUPLICATE_DATABASE = '42P04';
const OLDEST_SERVER = 140_000;

/** What a start-up has to tell people about the database it found; empty if all is well. */
export interface MigrationResult {
  applied: string[];
  warnings: string[];
}

/**
 * Brings a database up to date: our migrations, then BullMQ's tables (schema `bullmq`). Creates the database where it is missing and the
 * role may. Safe to call from any number of processes at once: they take turns, and all but the first find nothing to do.
 */
export async function migrateDatabase(url: string): Promise<MigrationResult> {
  const client = await connectOrCreate(url);
  try {
    await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [lockName('migrate')]);
    const warnings = await inspect(client);
    const applied = await applyOurs(url);
    await runQueueMigrations(client, 'bullmq');
    return { applied, warnings };
  } catch (error) {
    if (error instanceof DatabaseSetupError) throw error;
    throw new DatabaseSetupError(`The database could not be brought up to date: ${(error as Error).message}`, { cause: error });
  } finally {
    await client.end();
  }
}

async function applyOurs(url: string): Promise<string[]> {
  // Entities are not needed to migrate, and without a time limit a large table may be altered in peace.
  const options = { ...buildDataSourceOptions(url, { poolSize: 2, statementTimeoutMs: 0 }), entities: [] };
  const dataSource = await new DataSource(options).initialize();
  try {
    return (await dataSource.runMigrations({ transaction: 'each' })).map((migration) => migration.name);
  } finally {
    await dataSource.destroy();
  }
}

async function inspect(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ version: number; name: string; unbound: boolean; role: string }>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS name,
            r.rolsuper OR r.rolbypassrls AS unbound, r.rolname AS role
       FROM pg_roles r WHERE r.rolname = current_user`,
  );
  const { version, name, unbound, role } = rows[0];
  if (version < OLDEST_SERVER) throw new DatabaseSetupError(`DATABASE_URL: PostgreSQL ${name} is too old, 14 or newer is needed`);
  return unbound
    ? [
        `The database role "${role}" is a superuser or bypasses row-level security: tenants are kept apart by the queries alone. Use an ordinary role.`,
      ]
    : [];
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
