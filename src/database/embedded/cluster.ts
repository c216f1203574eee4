import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DatabaseSetupError } from '../database.errors.js';
import type { Binaries, ServerUser } from './binaries.js';
import { processAlive } from './postmaster.js';

const MAJOR = '18';

/** What we keep about our server, inside its own directory (mode 0600), so that both are moved, copied and deleted together. */
export interface ClusterSettings {
  password: string;
  /** The port of the last run, taken again if it is free. */
  port?: number;
}

/**
 * Makes the database cluster on the first start. It is built beside its place and renamed into it: a start that is killed half-way leaves
 * nothing that looks finished, and of two that run at once the slower finds the work done.
 */
export async function ensureCluster(clusterDir: string, binaries: Binaries, user: ServerUser | undefined): Promise<void> {
  removeAbandoned(clusterDir);
  if (existsSync(join(clusterDir, 'PG_VERSION'))) return assertOurs(clusterDir);
  const building = `${clusterDir}.new-${process.pid}`;
  mkdirSync(building, { mode: 0o700 });
  const password = randomBytes(24).toString('hex');
  const passwordFile = `${building}.password`;
  try {
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (user) for (const path of [building, passwordFile]) chownSync(path, user.uid, user.gid);
    await initialise(binaries, building, passwordFile, user);
    writeSettings(building, { password });
    renameSync(building, clusterDir);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    // Another process was faster; its cluster is as good.
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(building, { recursive: true, force: true });
  }
}

async function initialise(binaries: Binaries, directory: string, passwordFile: string, user: ServerUser | undefined): Promise<void> {
  const options = [
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--username=postgres',
    '--encoding=UTF8',
    '--data-checksums',
    '--no-instructions',
  ];
  // Sorting and case rules from PostgreSQL itself: the same on every machine, whatever locales it has.
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  try {
    await promisify(execFile)(binaries.initdb, ['-D', directory, ...options, ...locale], {
      cwd: directory,
      env: serverEnv(),
      uid: user?.uid,
      gid: user?.gid,
    });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new DatabaseSetupError(`The embedded database could not be created in ${directory}: ${lastLine(stderr) || message}`, {
      cause: error,
    });
  }
}

export function readSettings(clusterDir: string): ClusterSettings {
  return JSON.parse(readFileSync(join(clusterDir, 'engine.json'), 'utf8')) as ClusterSettings;
}

export function writeSettings(clusterDir: string, settings: ClusterSettings): void {
  const path = join(clusterDir, 'engine.json');
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(settings), { mode: 0o600 });
  renameSync(`${path}.${process.pid}`, path);
}

/** The server gets none of our environment: it needs nothing of it, and our secrets are there. */
export const serverEnv = (): NodeJS.ProcessEnv => ({ PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' });

/** Settings for a server of our own on the machine that also runs the application. Durability is left as it is: on. */
export function serverSettings(memoryBytes = totalmem()): Record<string, string | number> {
  const megabytes = memoryBytes / 2 ** 20;
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: `${Math.round(Math.min(1024, Math.max(128, megabytes / 16)))}MB`,
    effective_cache_size: `${Math.round(megabytes / 2)}MB`,
    work_mem: '16MB',
    maintenance_work_mem: '128MB',
    random_page_cost: 1.1,
    jit: 'off',
    wal_compression: 'on',
    max_wal_size: '4GB',
    min_wal_size: '256MB',
    checkpoint_timeout: '15min',
    // The ledger and the enrolments are updated all the time: clean up after 2 % of a table has changed, not after 20 %.
    autovacuum_vacuum_scale_factor: 0.02,
    autovacuum_vacuum_insert_scale_factor: 0.05,
    autovacuum_analyze_scale_factor: 0.02,
    autovacuum_naptime: '15s',
    autovacuum_vacuum_cost_limit: 2000,
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_messages: 'warning',
    log_checkpoints: 'off',
    log_line_prefix: '%m [%p] ',
  };
}

export const lastLine = (text: string | undefined): string => (text ?? '').trim().split('\n').at(-1) ?? '';

function assertOurs(clusterDir: string): void {
  const version = readFileSync(join(clusterDir, 'PG_VERSION'), 'utf8').trim();
  if (version !== MAJOR) {
    throw new DatabaseSetupError(
      `${clusterDir} was made by PostgreSQL ${version}, this program brings ${MAJOR}: dump it with the old version and load it again, or use another DATA_DIR`,
    );
  }
  if (!existsSync(join(clusterDir, 'engine.json'))) {
    throw new DatabaseSetupError(
      `${clusterDir} holds a database that this program did not make: use another DATA_DIR, or set DATABASE_URL`,
    );
  }
}

/** Half-made clusters of starts that were killed. */
function removeAbandoned(clusterDir: string): void {
  const parent = join(clusterDir, '..');
  for (const name of readdirSync(parent)) {
    const pid = /^postgres\.new-(\d+)/.exec(name)?.[1];
    if (pid && !processAlive(Number(pid))) rmSync(join(parent, name), { recursive: true, force: true });
  }
}
