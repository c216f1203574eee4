import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { migrations } from '../../migrations/index.js';
import { buildDataSourceOptions } from '../../src/database/data-source.js';
import { Database } from '../../src/database/database.js';
import { migrateDatabase } from '../../src/database/migrate.js';
import { SystemRandom } from '../../src/shared/random.js';

/** The role the product connects with in tests: an ordinary one, so that row-level security is in force as in production. */
const ROLE = 'campaign_engine_test';
const TEMPLATE_LOCK = 727_274;

export interface TestDatabase {
  /** Where the migrated database is, for an ordinary role that owns it. */
  url: string;
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
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template} OWNER ${ROLE}`);
  } finally {
    await admin.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
  return { url: urlOf(name), drop: () => dropDatabase(admin, name) };
}

export interface OpenTestDatabase extends TestDatabase {
  dataSource: DataSource;
  db: Database;
}

/** A test database with a `Database` on it, for tests below the level of a Nest application. `drop()` closes both. */
export async function openTestDatabase(): Promise<OpenTestDatabase> {
  const { url, drop } = await createTestDatabase();
  const dataSource = await new DataSource(buildDataSourceOptions(url)).initialize();
  const db = new Database(dataSource, new SystemRandom());
  return {
    url,
    dataSource,
    db,
    drop: async () => {
      await dataSource.destroy();
      await drop();
    },
  };
}

/** An empty database without our schema, for tests of the migrations themselves. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const admin = new pg.Client({ connectionString: adminUrl() });
  admin.on('error', () => undefined);
  await admin.connect();
  await ensureRole(admin);
  const name = `app_test_${randomBytes(6).toString('hex')}`;
  await admin.query(`CREATE DATABASE ${name} OWNER ${ROLE}`);
  return { url: urlOf(name), drop: () => dropDatabase(admin, name) };
}

export function adminUrl(): string {
  const url = process.env.TEST_ADMIN_URL;
  if (!url) throw new Error('TEST_ADMIN_URL is unset: jest runs test/support/global-setup.js, which sets it');
  return url;
}

function urlOf(database: string): string {
  const url = new URL(adminUrl());
  url.username = ROLE;
  url.password = ROLE;
  url.pathname = `/${database}`;
  return url.href;
}

async function ensureRole(admin: pg.Client): Promise<void> {
  const { rowCount } = await admin.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [ROLE]);
  if (rowCount) return;
  try {
    await admin.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${ROLE}' NOSUPERUSER NOBYPASSRLS`);
  } catch (error) {
    // Another test file was faster.
    if (!['42710', '23505'].includes((error as { code: string }).code)) throw error;
  }
}

/** Built under a lock by the first test file that needs it, and only then: its name is a hash of everything that goes into it. */
async function ensureTemplate(admin: pg.Client): Promise<string> {
  const sources = migrations.map((migration) => `${migration.name}${String(migration)}`);
  const template = `app_tpl_${createHash('sha256').update(sources.join()).digest('hex').slice(0, 16)}`;
  const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate', [template]);
  if (rowCount) return template;
  await ensureRole(admin);
  await admin.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${template} OWNER ${ROLE}`);
  await migrateDatabase(urlOf(template));
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
