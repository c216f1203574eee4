import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { DataSource } from 'typeorm';
import {
  withAdvisoryLock,
  affected,
  buildDataSourceOptions,
  Database,
  DatabaseUnavailableError,
  migrateDatabase,
  prepareDatabase,
  preparedRows,
  row,
  rows,
  structured,
  SystemPool,
} from '../../src/database/index.js';
import { SystemRandom } from '../../src/shared/random.js';
import { serverThatEndsSessions } from '../support/ending-server.js';
import { asOwner, createEmptyDatabase, openTestDatabase, type OpenTestDatabase, urlAs, workerUrlOf } from '../support/test-database.js';

const TENANT = '018f0000-0000-7000-8000-000000000001';
const OTHER = '018f0000-0000-7000-8000-000000000002';

describe('Database', () => {
  let database: OpenTestDatabase;
  let db: Database;
  beforeAll(async () => {
    database = await openTestDatabase();
    db = database.db;
    await database.asOwner('CREATE TABLE probe (tenant_id uuid NOT NULL, n int PRIMARY KEY, hits int NOT NULL DEFAULT 0)');
    // As every start does: a table that a migration forgot to protect.
    await migrateDatabase(database.ownerUrl);
  });
  afterAll(() => database.drop());

  const insert = (n: number, tenant = TENANT) =>
    db.inTenant(tenant, (tx) => affected(tx, 'INSERT INTO probe VALUES ($1, $2)', [tenant, n]));
  const numbers = (tenant: string) =>
    db.inTenant(tenant, async (tx) => (await rows<{ n: number }>(tx, 'SELECT n FROM probe ORDER BY n')).map(({ n }) => n));

  it('shows a tenant its own rows only, on every connection of the pool, and the system all of them', async () => {
    await insert(1);
    await insert(2, OTHER);
    expect(await Promise.all([numbers(TENANT), numbers(OTHER), numbers(TENANT), numbers(OTHER)])).toEqual([[1], [2], [1], [2]]);
    expect(await db.asSystem((tx) => row(tx, 'SELECT count(*)::int AS n FROM probe'))).toEqual({ n: 2 });
    // What one transaction may see must not stick to its connection.
    expect(await database.dataSource.query('SELECT n FROM probe')).toEqual([]);
  });

  it('refuses to write a row of another tenant', async () => {
    await expect(db.inTenant(TENANT, (tx) => affected(tx, 'INSERT INTO probe VALUES ($1, 3)', [OTHER]))).rejects.toThrow(
      /row-level security/,
    );
  });

  it('takes nothing but a UUID for a tenant, as the id stands in the text of a statement', async () => {
    await expect(db.inTenant("x'; DROP TABLE probe; --", () => Promise.resolve())).rejects.toThrow(/UUID/);
  });

  it('keeps nothing of a transaction that throws', async () => {
    const attempt = db.inTenant(TENANT, async (tx) => {
      await affected(tx, 'INSERT INTO probe VALUES ($1, 10)', [TENANT]);
      throw new Error('changed my mind');
    });
    await expect(attempt).rejects.toThrow('changed my mind');
    expect(await numbers(TENANT)).not.toContain(10);
  });

  it('does not report success when the error of a statement was swallowed', async () => {
    const attempt = db.inTenant(TENANT, async (tx) => {
      await affected(tx, 'INSERT INTO probe VALUES ($1, 11)', [TENANT]);
      await tx.query('SELECT 1 / 0').catch(() => undefined);
    });
    await expect(attempt).rejects.toThrow(/rolled back/);
    expect(await numbers(TENANT)).not.toContain(11);
  });

  it('refuses a second transaction inside the first, which could exhaust the pool, and allows one after it', async () => {
    await expect(db.inTenant(TENANT, () => db.asSystem(() => Promise.resolve(1)))).rejects.toThrow(/already open/);
    expect(await db.asSystem(() => Promise.resolve(1))).toBe(1);
  });

  it('runs a transaction again that lost a deadlock', async () => {
    await insert(20);
    await insert(21);
    let met = 0;
    let meet!: () => void;
    const bothHoldOne = new Promise<void>((resolve) => (meet = resolve));
    let runs = 0;
    const update = (first: number, second: number) =>
      db.inTenant(TENANT, async (tx) => {
        runs++;
        await affected(tx, 'UPDATE probe SET hits = hits + 1 WHERE n = $1', [first]);
        if (++met === 2) meet();
        await bothHoldOne;
        await affected(tx, 'UPDATE probe SET hits = hits + 1 WHERE n = $1', [second]);
      });
    await Promise.all([update(20, 21), update(21, 20)]);
    expect(runs).toBe(3);
    expect(await db.asSystem((tx) => rows(tx, 'SELECT hits FROM probe WHERE n IN (20, 21)'))).toEqual([{ hits: 2 }, { hits: 2 }]);
  });

  it('answers in one shape for every kind of statement', async () => {
    await db.inTenant(TENANT, async (tx) => {
      expect(await structured(tx, 'UPDATE probe SET hits = 7 WHERE n = 1 RETURNING hits')).toEqual({ records: [{ hits: 7 }], affected: 1 });
      expect(await rows(tx, 'WITH d AS (DELETE FROM probe WHERE n = 20 RETURNING n) SELECT n FROM d')).toEqual([{ n: 20 }]);
      expect(await row(tx, 'SELECT n FROM probe WHERE n = $1', [999])).toBeNull();
      expect(await affected(tx, 'DELETE FROM probe WHERE n = 999')).toBe(0);
      expect(await preparedRows(tx, 'probe-by-n', 'SELECT n FROM probe WHERE n = $1', [1])).toEqual([{ n: 1 }]);
      expect(await preparedRows(tx, 'probe-by-n', 'SELECT n FROM probe WHERE n = $1', [21])).toEqual([{ n: 21 }]);
    });
  });

  it('replaces connections that the server has closed', async () => {
    const admin = new pg.Client({ connectionString: process.env.TEST_ADMIN_URL });
    await admin.connect();
    const name = new URL(database.url).pathname.slice(1);
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
    await admin.end();
    // One idle connection may be found dead in use; the pool must be whole again afterwards.
    await numbers(TENANT).catch(() => undefined);
    expect(await numbers(TENANT)).toContain(1);
  });

  it('outlives a server that ends a session in the packet that ends its login', async () => {
    const ending = await serverThatEndsSessions(database.url);
    const system = new SystemPool(workerUrlOf(ending.url), 2);
    const onIt = new Database(database.dataSource, new SystemRandom(), system);
    await expect(onIt.asSystem((tx) => rows(tx, 'SELECT 1'))).rejects.toThrow(DatabaseUnavailableError);
    await expect(new DataSource(buildDataSourceOptions(ending.url)).initialize()).rejects.toThrow();
    await system.onApplicationShutdown();
    await ending.close();
    expect(await numbers(TENANT)).toContain(1);
  });

  it('lets only one at a time hold a lock of a name, and gives it free when the work fails', async () => {
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    let entered!: () => void;
    const inside = new Promise<void>((resolve) => (entered = resolve));
    const first = withAdvisoryLock(db, 'sweep', async () => {
      entered();
      await held;
    });
    await inside;
    expect(await withAdvisoryLock(db, 'sweep', () => Promise.reject(new Error('must not run')))).toBe(false);
    expect(await withAdvisoryLock(db, 'other', () => Promise.resolve())).toBe(true);
    release();
    expect(await first).toBe(true);
    await expect(withAdvisoryLock(db, 'sweep', () => Promise.reject(new Error('work failed')))).rejects.toThrow('work failed');
    expect(await withAdvisoryLock(db, 'sweep', () => Promise.resolve())).toBe(true);
  });
});

describe('migrateDatabase', () => {
  it('may be run by several processes at once, and again', async () => {
    const empty = await createEmptyDatabase();
    try {
      const { ownerUrl } = empty;
      const results = await Promise.all([migrateDatabase(ownerUrl), migrateDatabase(ownerUrl), migrateDatabase(ownerUrl)]);
      expect(results.filter(({ applied }) => applied.length > 0)).toHaveLength(1);
      expect((await migrateDatabase(ownerUrl)).applied).toEqual([]);
      // The application's own role may not migrate, and need not.
      expect(await migrateDatabase(empty.url)).toEqual({ applied: [], warnings: [] });
      await asOwner(ownerUrl, 'DELETE FROM migrations WHERE id = (SELECT max(id) FROM migrations)');
      await expect(migrateDatabase(empty.url)).rejects.toThrow(/1 migration\(s\) behind .* run .*db:migrate.* with MIGRATION_DATABASE_URL/);
    } finally {
      await empty.drop();
    }
  });

  it('says in one line where it could not connect, without the password', async () => {
    await expect(migrateDatabase('postgres://u:hidden@127.0.0.1:1/x')).rejects.toThrow(
      'DATABASE_URL: cannot connect to 127.0.0.1:1/x: connect ECONNREFUSED 127.0.0.1:1',
    );
    const gone = new URL(process.env.TEST_ADMIN_URL!);
    gone.username = 'nobody_knows';
    await expect(migrateDatabase(gone.href)).rejects.toThrow(/^DATABASE_URL: cannot connect to .*role "nobody_knows" does not exist/);
  });

  it('makes the roles and logins that are missing where it may, and refuses in production those that stand above row-level security', async () => {
    const empty = await createEmptyDatabase();
    const superuser = new URL(process.env.TEST_ADMIN_URL!);
    superuser.pathname = new URL(empty.url).pathname;
    const [url, workerUrl] = ['app', 'worker'].map((name) => urlAs(empty.url, `${name}_${randomBytes(4).toString('hex')}`));
    const strict = { needsWorker: true, isStrict: true };
    try {
      const addresses = { url, workerUrl, migrationUrl: superuser.href };
      expect((await prepareDatabase(addresses, strict)).warnings).toEqual([]);
      expect((await prepareDatabase({ url, workerUrl }, strict)).applied).toEqual([]);
      await expect(prepareDatabase({ url }, strict)).rejects.toThrow(/^WORKER_DATABASE_URL is required/);
      await expect(prepareDatabase({ url, workerUrl: url }, strict)).rejects.toThrow(
        /WORKER_DATABASE_URL: .* may not use the tables: GRANT/,
      );
      await expect(prepareDatabase({ url: workerUrl, workerUrl }, strict)).rejects.toThrow(/^DATABASE_URL: .* sees every tenant/);
      await expect(prepareDatabase({ url: superuser.href, workerUrl }, strict)).rejects.toThrow(/^DATABASE_URL: .* is a superuser/);
      const relaxed = await prepareDatabase({ url: superuser.href }, { ...strict, isStrict: false });
      expect(relaxed.warnings).toEqual([expect.stringContaining('row-level security')]);
    } finally {
      await empty.drop();
      for (const address of [url, workerUrl])
        await asOwner(process.env.TEST_ADMIN_URL!, `DROP ROLE IF EXISTS ${new URL(address).username}`);
    }
  });
});
