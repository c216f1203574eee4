import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { migrations } from '../../migrations/index.js';
import { buildDataSourceOptions, sessionOptions } from '../../src/database/data-source.js';
import { Database } from '../../src/database/database.js';
import { migrateDatabase } from '../../src/database/migrate.js';
import { APP_ROLE, ensureRoles, secureTables, WORKER_ROLE } from '../../src/database/roles.js';
import { SystemPool } from '../../src/database/system-pool.js';
import { type Random, SystemRandom } from '../../src/shared/random.js';

/** Owns the databases. The product connects with the roles it has in production, so that row-level security is in force. */
const OWNER = 'campaign_engine_test';
const TEMPLATE_LOCK = 727_274;

export interface TestDatabase {
  /** Where the migrated database is, for the application's role. */
  url: string;
  /** For the role that owns it. */
  ownerUrl: string;
  /** Call in afterAll, when everything is closed. Throws if connections were left open. */
  drop(): Promise<void>;
}

/** A migrated database of this test file's own, cloned from a template in about 100 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const admin = new pg.Client({ connectionString: adminUrl() });
  admin.on('error', () => undefined);
  await admin.connect();
  const name = `app_test_${randomBytes(6).toString('hex')}`;
  await admin.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const template = await ensureTemplate(admin);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template} OWNER ${OWNER}`);
  } finally {
    await admin.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
  return { url: urlOf(name, APP_ROLE), ownerUrl: urlOf(name, OWNER), drop: () => dropDatabase(admin, name) };
}

export interface OpenTestDatabase extends TestDatabase {
  dataSource: DataSource;
  db: Database;
  /** One statement of the owner's, who sees every row: for what the product's own roles must not do (TRUNCATE, DDL). */
  asOwner<Row extends object>(sql: string, params?: unknown[]): Promise<Row[]>;
}

/** A test database with a `Database` on it, for tests below the level of a Nest application. `drop()` closes both. */
export async function openTestDatabase(): Promise<OpenTestDatabase> {
  const { url, ownerUrl, drop } = await createTestDatabase();
  const { db, close } = await openDatabase(url, new SystemRandom());
  return {
    url,
    ownerUrl,
    dataSource: db.dataSource,
    db,
    asOwner: (sql, params) => asOwner(ownerUrl, sql, params),
    drop: async () => {
      await close();
      await drop();
    },
  };
}

/** A `Database` with both logins of the product, as the Nest module makes it. */
export async function openDatabase(url: string, random: Random): Promise<{ db: Database; close(): Promise<void> }> {
  const dataSource = await new DataSource(buildDataSourceOptions(url)).initialize();
  const system = new SystemPool(workerUrlOf(url), 6);
  const close = async () => {
    await dataSource.destroy();
    await system.onApplicationShutdown();
  };
  return { db: new Database(dataSource, random, system), close };
}

/** The workers' address of the same database. */
export const workerUrlOf = (url: string): string => urlAs(url, WORKER_ROLE);

/** The owner's address of the same database, for `asOwner`. */
export const ownerUrlOf = (url: string): string => urlAs(url, OWNER);

/** The same database for another role; in tests the password of a role is its name. */
export function urlAs(address: string, role: string): string {
  const url = new URL(address);
  url.username = role;
  url.password = role;
  return url.href;
}

/** One statement on a connection of its own, to which the owner's policy shows every row. */
export async function asOwner<Row extends object>(connectionString: string, sql: string, params?: unknown[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString, options: sessionOptions({ isSystem: true }) });
  await client.connect();
  try {
    return (await client.query<Row>(sql, params)).rows;
  } finally {
    await client.end();
  }
}

/** An empty database without our schema, for tests of the migrations themselves. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const admin = new pg.Client({ connectionString: adminUrl() });
  admin.on('error', () => undefined);
  await admin.connect();
  await makeRoles(admin);
  const name = `app_test_${randomBytes(6).toString('hex')}`;
  await admin.query(`CREATE DATABASE ${name} OWNER ${OWNER}`);
  return { url: urlOf(name, APP_ROLE), ownerUrl: urlOf(name, OWNER), drop: () => dropDatabase(admin, name) };
}

export function adminUrl(): string {
  const url = process.env.TEST_ADMIN_URL;
  if (!url) throw new Error('TEST_ADMIN_URL is unset: jest runs test/support/global-setup.js, which sets it');
  return url;
}

function urlOf(database: string, role: string): string {
  const url = new URL(adminUrl());
  url.pathname = `/${database}`;
  return urlAs(url.href, role);
}

async function makeRoles(admin: pg.Client): Promise<void> {
  await ensureRoles(admin, { url: urlAs(adminUrl(), APP_ROLE), workerUrl: urlAs(adminUrl(), WORKER_ROLE) });
  const { rowCount } = await admin.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [OWNER]);
  if (rowCount) return;
  try {
    await admin.query(`CREATE ROLE ${OWNER} LOGIN PASSWORD '${OWNER}' NOSUPERUSER NOBYPASSRLS`);
  } catch (error) {
    // Another test file was faster.
    if (!['42710', '23505'].includes((error as { code: string }).code)) throw error;
  }
}

/** Built under a lock by the first test file that needs it, and only then: its name is a hash of everything that goes into it. */
async function ensureTemplate(admin: pg.Client): Promise<string> {
  const sources = [...migrations, secureTables].map((part) => `${part.name}${String(part)}`);
  const template = `app_tpl_${createHash('sha256').update(sources.join()).digest('hex').slice(0, 16)}`;
  const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate', [template]);
  if (rowCount) return template;
  await makeRoles(admin);
  await admin.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${template} OWNER ${OWNER}`);
  await migrateDatabase(urlOf(template, OWNER));
  await connectionsGone(admin, template);
  // Only a finished template is marked as one: a run killed half-way leaves something that is built again.
  await admin.query(`ALTER DATABASE ${template} IS_TEMPLATE true`);
  return template;
}

/** Sockets close a moment after `end()` resolves. */
async function connectionsGone(admin: pg.Client, database: string): Promise<string[]> {
  let left: string[] = [];
  for (let attempt = 0; attempt < 80; attempt++) {
    const { rows } = await admin.query<{ what: string }>(
      `SELECT format('%s: %s', coalesce(nullif(application_name, ''), '(unnamed)'), left(query, 80)) AS what
         FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'`,
      [database],
    );
    left = rows.map((row) => row.what);
    if (left.length === 0) break;
    await delay(25);
  }
  return left;
}

async function dropDatabase(admin: pg.Client, name: string): Promise<void> {
  const left = await connectionsGone(admin, name);
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  await admin.end();
  if (left.length > 0) throw new Error(`Test left ${left.length} database connection(s) open:\n${left.join('\n')}`);
}
