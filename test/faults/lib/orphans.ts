import type { ChildProcess } from 'node:child_process';

const children = new Set<ChildProcess>();

/** Whatever ends this run, nothing it started stays behind. */
export function adopt(child: ChildProcess): void {
  children.add(child);
  child.once('exit', () => children.delete(child));
}

process.on('exit', () => {
  // PostgreSQL takes SIGQUIT as "at once"; it and the others are ours alone.
  for (const child of children) child.kill(child.spawnfile.includes('postgres') ? 'SIGQUIT' : 'SIGKILL');
});
