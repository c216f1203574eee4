import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export interface Postmaster {
  pid: number;
  port: number;
  /** As the server writes it: `starting`, `ready`, `stopping`, `standby`; empty while the file is being written. */
  status: string;
}

/**
 * The server that runs on this data directory, by its `postmaster.pid`, or null. The file survives a crash and a reboot, after which its
 * number may belong to any other program: such a file is removed, because the server itself would refuse to start over it.
 */
export function runningPostmaster(clusterDir: string): Postmaster | null {
  const path = join(clusterDir, 'postmaster.pid');
  let lines: string[];
  try {
    lines = readFileSync(path, 'utf8').split('\n');
  } catch {
    return null;
  }
  const pid = Number(lines[0]);
  if (!processAlive(pid)) return null;
  if (!servesDirectory(pid, clusterDir)) {
    rmSync(path, { force: true });
    return null;
  }
  return { pid, port: Number(lines[3] ?? 0), status: (lines[7] ?? '').trim() };
}

export function processAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Ended, but its parent has not asked for its exit status (an init that does not, in some containers): signals still reach it. */
function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** A PostgreSQL server stands in its data directory, and ours was given it on the command line. */
function servesDirectory(pid: number, clusterDir: string): boolean {
  try {
    return realpathSync(readlinkSync(`/proc/${pid}/cwd`)) === realpathSync(clusterDir);
  } catch {
    return commandLine(pid).includes(clusterDir);
  }
}

function commandLine(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}
