import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { obstacle } from '../../src/database/embedded/binaries.js';
import { EmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';
import { processAlive } from '../../src/database/embedded/postmaster.js';
import { until } from '../support/poll.js';

async function ask<T>(url: string, sql: string): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<Record<string, T>>(sql);
    return Object.values(rows[0] ?? {})[0];
  } finally {
    await client.end().catch(() => undefined);
  }
}

describe('the embedded database', () => {
  const root = mkdtempSync(join(tmpdir(), 'campaign-engine-test-embedded-'));
  chmodSync(root, 0o755);
  const dataDir = join(root, 'data');
  const running: EmbeddedPostgres[] = [];
  const start = async () => {
    const server = await EmbeddedPostgres.start({ dataDir });
    running.push(server);
    return server;
  };
  const pid = () => Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);

  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop();
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('is made on the first start, keeps its data and its address, and leaves no process', async () => {
    const first = await start();
    await ask(first.addresses.migrationUrl, 'CREATE TABLE kept (n int)');
    await ask(first.addresses.migrationUrl, 'INSERT INTO kept VALUES (42) RETURNING n');
    const server = pid();
    expect(await first.stop()).toBe(true);
    running.length = 0;
    expect(processAlive(server)).toBe(false);

    const second = await start();
    expect(second.addresses).toEqual(first.addresses);
    expect(await ask(second.addresses.migrationUrl, 'SELECT n FROM kept')).toBe(42);
  });

  it('gives each part a role of its own, none of them above row-level security, and keeps what is committed', async () => {
    const { url, workerUrl, migrationUrl } = (await start()).addresses;
    const roles = await Promise.all([url, workerUrl, migrationUrl].map((address) => ask(address, 'SELECT current_user::text')));
    expect(roles).toEqual(['campaign_engine_app', 'campaign_engine_worker', 'campaign_engine']);
    for (const address of [url, workerUrl, migrationUrl]) {
      expect(await ask(address, 'SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user')).toBe(false);
    }
    expect(new Set([url, workerUrl, migrationUrl].map((address) => new URL(address).password)).size).toBe(3);
    expect(await ask(url, `SELECT pg_has_role('campaign_engine_worker', 'MEMBER') OR pg_has_role('campaign_engine', 'MEMBER')`)).toBe(
      false,
    );
    expect(
      await ask(url, "SELECT current_setting('fsync') || current_setting('synchronous_commit') || current_setting('full_page_writes')"),
    ).toBe('ononon');
  });

  it('is shared by a second process and stays until the last one leaves', async () => {
    const [first, second] = await Promise.all([start(), start()]);
    running.length = 0;
    expect(second.addresses).toEqual(first.addresses);
    const server = pid();
    expect(await first.stop()).toBe(false);
    expect(await ask(second.addresses.url, 'SELECT 1')).toBe(1);
    expect(await second.stop()).toBe(true);
    expect(processAlive(server)).toBe(false);
  });

  it('comes back at the same address after it was killed', async () => {
    const { url } = (await start()).addresses;
    process.kill(pid(), 'SIGKILL');
    await until(() => ask(url, 'SELECT 1').catch(() => 0), { what: 'the server to come back', deadlineMs: 20_000 });
  });

  it('starts over a stale postmaster.pid whose number belongs to somebody else now', async () => {
    const first = await start();
    await first.stop();
    running.length = 0;
    writeFileSync(
      join(dataDir, 'postgres', 'postmaster.pid'),
      `${process.pid}\n${join(dataDir, 'postgres')}\n1\n5432\n\n127.0.0.1\n\nready   \n`,
    );
    const { url } = (await start()).addresses;
    expect(await ask(url, 'SELECT 1')).toBe(1);
  });

  it('says which directory is in the way of its user', () => {
    const home = join(root, 'home');
    mkdirSync(join(home, 'app'), { recursive: true });
    chmodSync(home, 0o700);
    expect(obstacle({ uid: 12_345, gid: 12_345 }, join(home, 'app'))).toBe(home);
    chmodSync(home, 0o711);
    expect(obstacle({ uid: 12_345, gid: 12_345 }, join(home, 'app'))).toBeNull();
  });

  it('refuses a directory it did not make, in one line', async () => {
    const foreign = join(root, 'foreign');
    mkdirSync(join(foreign, 'postgres'), { recursive: true });
    writeFileSync(join(foreign, 'postgres', 'PG_VERSION'), '15\n');
    await expect(EmbeddedPostgres.start({ dataDir: foreign })).rejects.toThrow(/made by PostgreSQL 15, this program brings 18/);
    expect(existsSync(join(foreign, 'postgres', 'engine.json'))).toBe(false);
  });
});
