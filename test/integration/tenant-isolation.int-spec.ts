import pg from 'pg';
import { affected, Database, rows, sqlState } from '../../src/database/index.js';
import { SystemRandom } from '../../src/shared/random.js';
import { openTestDatabase, type OpenTestDatabase } from '../support/test-database.js';

const OURS = '018f0000-0000-7000-8000-00000000000a';
const THEIRS = '018f0000-0000-7000-8000-00000000000b';
/** Tables without a tenant, and why that is right. A new one is added here with its reason, or gets a `tenant_id`. */
const OF_NO_TENANT = {
  hit_batches: 'hits of all tenants, committed together; the application may only put them in',
  migrations: 'what has been applied',
  provider_health: 'how a provider account is; the application sees nothing but its state',
  rate_limits: 'counts by hashes that name nobody; who calls is not known before they are counted',
  webhook_cursors: 'how far the dispatcher has looked',
};
/** A value for a column that must have one, by its type; checks and foreign keys are taken off first, as only whose a row is matters here. */
const VALUES: Record<string, string> = {
  uuid: `gen_random_uuid()`,
  timestamptz: `'2030-01-01Z'`,
  date: `'2030-01-01'`,
  jsonb: `'{}'`,
  bytea: `'\\x00'`,
  bool: 'false',
  int2: '1',
  int4: '1',
  int8: '1',
  numeric: '1',
  float8: '1',
  text: `'x'`,
  varchar: `'x'`,
  bpchar: `'x'`,
};

interface Column {
  table: string;
  column: string;
  type: string;
}

describe('tenants in the database', () => {
  let database: OpenTestDatabase;
  /** Every table with rows of a tenant, and the column that says whose. */
  let tables: { name: string; key: string }[];

  beforeAll(async () => {
    database = await openTestDatabase();
    tables = await database.asOwner(`
      SELECT c.relname AS name, CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END AS key FROM pg_class c
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND (c.relname = 'tenants'
         OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)) ORDER BY 1`);
  });
  afterAll(() => database.drop());

  /** Null: it went through and touched nothing. Otherwise the SQLSTATE with which it was refused, or the number of rows. */
  async function attempt(sql: string): Promise<string | number | null> {
    try {
      return (await database.db.inTenant(OURS, (tx) => affected(tx, sql))) || null;
    } catch (error) {
      return sqlState(error) ?? String(error);
    }
  }

  it('are kept apart by row-level security in every table, which the owner is not exempt from', async () => {
    const open = await database.asOwner(`
      SELECT c.relname AS name FROM pg_class c
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relname = ANY ('{${Object.keys(OF_NO_TENANT).join()}}')
         AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant_isolation'))`);
    expect(open).toEqual([]);
    const views = await database.asOwner(`
      SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm') AND NOT coalesce(reloptions @> '{security_invoker=true}', false)`);
    expect(views).toEqual([]);
  });

  it('cannot be found out by a key that is unique across tenants, nor joined by a reference from one to another', async () => {
    const unique = await database.asOwner<{ name: string }>(`
      SELECT i.indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
       WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND i.indkey[0] <> a.attnum`);
    // Calls from providers have the id that we gave them.
    expect(unique.map(({ name }) => name)).toEqual(['pk_webhook_batches']);
    const foreign = await database.asOwner(`
      SELECT f.conname FROM pg_constraint f
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attname = 'tenant_id'
        JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attname = CASE f.confrelid WHEN 'tenants'::regclass THEN 'id' ELSE 'tenant_id' END
       WHERE f.contype = 'f' AND NOT EXISTS (SELECT FROM unnest(f.conkey, f.confkey) AS k(own, other) WHERE k.own = a.attnum AND k.other = b.attnum)`);
    expect(foreign).toEqual([]);
  });

  describe('with a row of each in every table', () => {
    beforeAll(async () => {
      const constraints = await database.asOwner<{ name: string; target: string }>(`
        SELECT conname AS name, conrelid::regclass::text AS target FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f') AND coninhcount = 0 AND conparentid = 0 ORDER BY contype DESC`);
      await database.asOwner(constraints.map(({ name, target }) => `ALTER TABLE ${target} DROP CONSTRAINT ${name}`).join(';'));
      // What is counted by triggers would add rows of its own.
      await database.asOwner(tables.map(({ name }) => `ALTER TABLE ${name} DISABLE TRIGGER USER`).join(';'));
      const columns = await database.asOwner<Column>(`
        SELECT c.relname AS "table", a.attname AS "column", t.typname AS type FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
         WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''`);
      for (const tenant of [OURS, THEIRS]) {
        await database.asOwner(tables.map(({ name, key }) => insert(name, key, tenant, columns)).join(';'));
      }
      inserts = new Map(tables.map(({ name, key }) => [name, insert(name, key, THEIRS, columns)]));
    });
    let inserts: Map<string, string>;

    function insert(table: string, key: string, tenant: string, columns: Column[]): string {
      const wanted = columns.filter((column) => column.table === table && column.column !== key);
      const values = wanted.map(({ type, column }) => {
        const value = type.startsWith('_') ? `'{}'` : VALUES[type];
        if (!value) throw new Error(`${table}.${column} has the type ${type}: add a value for it`);
        return value;
      });
      return `INSERT INTO ${table} (${[key, ...wanted.map(({ column }) => column)].join()}) VALUES (${[`'${tenant}'`, ...values].join()})`;
    }

    it('show and lose nothing to a query that forgot whose rows it is about', async () => {
      const found: Record<string, unknown> = {};
      for (const { name, key } of tables) {
        const others = `${key} IS DISTINCT FROM '${OURS}'`;
        const tries = {
          reads: await attempt(`SELECT ${key} FROM ${name} WHERE ${others}`),
          changes: await attempt(`UPDATE ${name} SET ${key} = ${key} WHERE ${others}`),
          deletes: await attempt(`DELETE FROM ${name} WHERE ${others}`),
          // Taking over a row of ours into another tenant.
          movesTo: await attempt(`UPDATE ${name} SET ${key} = '${THEIRS}'`),
          adds: await attempt(inserts.get(name)!),
        };
        // 42501: the role has no right to do it at all, or the policy refuses the new row.
        const leaks = Object.entries(tries).filter(([what, result]) =>
          what === 'adds' || what === 'movesTo' ? result !== '42501' : result !== null && result !== '42501',
        );
        if (leaks.length > 0) found[name] = Object.fromEntries(leaks);
      }
      expect(found).toEqual({});
      const left = await database.asOwner<{ n: number }>(
        `SELECT count(*)::int AS n FROM (${tables.map(({ name, key }) => `(SELECT 1 FROM ${name} WHERE ${key} = '${THEIRS}' LIMIT 1)`).join(' UNION ALL ')}) t`,
      );
      expect(left).toEqual([{ n: tables.length }]);
    });

    it('show the owner of a row that row, and workers all of them', async () => {
      const readable = tables.filter(({ name }) => name !== 'webhook_batches');
      const count = readable.map(({ name, key }) => `SELECT ${key}::text AS tenant FROM ${name}`).join(' UNION ALL ');
      const grouped = `SELECT tenant, count(*)::int AS n FROM (${count}) t GROUP BY 1 ORDER BY 1`;
      const all = [OURS, THEIRS].map((tenant) => ({ tenant, n: readable.length }));
      expect(await database.db.inTenant(OURS, (tx) => rows(tx, grouped))).toEqual([all[0]]);
      expect(await database.db.asSystem((tx) => rows(tx, grouped))).toEqual(all);
    });

    it('show nothing to the application without a tenant, whatever it sets and whoever it tries to be', async () => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      const visible = async () => (await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM contacts`)).rows[0].n;
      try {
        expect(await visible()).toBe(0);
        // After the first transaction that set it, the setting is empty and no longer missing.
        await client.query(`BEGIN; SET LOCAL app.tenant_id = '${OURS}'; COMMIT`);
        expect(await visible()).toBe(0);
        await client.query(`SET app.system = 'on'`);
        expect(await visible()).toBe(0);
        await client.query(`SET row_security = off`);
        await expect(visible()).rejects.toThrow(/row-level security/);
        await client.query(`RESET row_security`);
        for (const role of ['campaign_engine_worker', 'campaign_engine_test']) {
          await expect(client.query(`SET ROLE ${role}`)).rejects.toThrow(/permission denied/);
          await expect(client.query(`SELECT set_config('role', '${role}', false)`)).rejects.toThrow(/permission denied/);
        }
        await expect(client.query('TRUNCATE contacts')).rejects.toThrow(/permission denied/);
        await expect(client.query('ALTER TABLE contacts NO FORCE ROW LEVEL SECURITY')).rejects.toThrow(/must be owner/);
        await expect(client.query('SELECT * FROM email_events_default')).rejects.toThrow(/permission denied/);
      } finally {
        await client.end();
      }
    });
  });

  it('lets a process without the workers’ login take in what comes for all of them, and see nothing of it', async () => {
    const apiAlone = new Database(database.dataSource, new SystemRandom());
    expect(await apiAlone.statement('hit', `INSERT INTO hit_batches (hit_count, hits) VALUES ($1, $2)`, [1, '[]'])).toMatchObject({
      affected: 1,
    });
    const call = (tenant: string) => `INSERT INTO webhook_batches (provider, tenant_id, body) VALUES ('sendgrid', ${tenant}, '\\x00')`;
    expect(await apiAlone.asSystem((tx) => affected(tx, call('NULL')))).toBe(1);
    await expect(apiAlone.asSystem((tx) => affected(tx, call(`'${THEIRS}'`)))).rejects.toThrow(/row-level security/);
    expect(await apiAlone.asSystem((tx) => rows(tx, 'SELECT 1 FROM contacts'))).toEqual([]);
    for (const table of ['hit_batches', 'webhook_batches', 'webhook_cursors']) {
      await expect(apiAlone.asSystem((tx) => rows(tx, `SELECT * FROM ${table}`))).rejects.toThrow(/permission denied/);
    }
    expect(await apiAlone.asSystem((tx) => rows(tx, 'SELECT account_key, state FROM provider_health'))).toEqual([]);
    await expect(apiAlone.asSystem((tx) => rows(tx, 'SELECT detail FROM provider_health'))).rejects.toThrow(/permission denied/);
  });

  it('leaves the audit log as it was written, to the application and its workers alike', async () => {
    for (const sql of ['UPDATE audit_log SET action = action', 'DELETE FROM audit_log', 'TRUNCATE audit_log']) {
      expect(await attempt(sql)).toBe('42501');
      await expect(database.db.asSystem((tx) => affected(tx, sql))).rejects.toThrow(/permission denied/);
    }
  });

  it('costs no plan: a query of one tenant still finds its rows by the index, and compares tenants once, not row by row', async () => {
    const sql = `EXPLAIN SELECT id FROM contacts WHERE tenant_id = '${OURS}' AND email_norm = 'a@b.example'`;
    const plan = await database.db.inTenant(OURS, async (tx) => {
      await rows(tx, 'SET LOCAL enable_seqscan = off');
      return (await rows<Record<string, string>>(tx, sql)).map((line) => Object.values(line)[0]).join('\n');
    });
    expect(plan).toMatch(/One-Time Filter: .*app\.tenant_id/);
    expect(plan).toMatch(/Index Cond: \(\(tenant_id = '018f0000-0000-7000-8000-00000000000a'::uuid\) AND \(\(email_norm\)::text = /);
    expect(plan).not.toMatch(/^\s*Filter:/m);
  });

  it('lets the workers add the months of events to come, protected like the others', async () => {
    const made = await database.db.asSystem((tx) =>
      rows<{ made: number }>(tx, `SELECT ensure_email_event_partitions('2031-05-01', 1) AS made`),
    );
    expect(made).toEqual([{ made: 1 }]);
    const [partition] = await database.asOwner(
      `SELECT relrowsecurity AND relforcerowsecurity AS "isForced" FROM pg_class WHERE relname = 'email_events_2031_05'`,
    );
    expect(partition).toEqual({ isForced: true });
    expect(await attempt(`SELECT ensure_email_event_partitions('2031-06-01', 1)`)).toBe('42501');
  });
});
