import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second for user space, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

export interface ProcessUse {
  name: string;
  cpuSeconds: number;
  /** Highest resident memory since the process started; null for PostgreSQL, whose processes share most of theirs. */
  peakRssMb: number | null;
}

export interface Watched {
  name: string;
  pid: number;
  isPostgres?: boolean;
}

/**
 * CPU seconds of processes with all their descendants, living and gone, from /proc. A process that ended is counted by its parent's
 * "waited-for children", so backends that come and go are not lost.
 */
export class Meter {
  private readonly before: number[];

  constructor(private readonly watched: Watched[]) {
    const children = childrenByParent();
    this.before = watched.map(({ pid }) => ticksOfTree(pid, children));
  }

  read(): ProcessUse[] {
    const children = childrenByParent();
    return this.watched.map(({ name, pid, isPostgres }, i) => ({
      name,
      cpuSeconds: (ticksOfTree(pid, children) - this.before[i]) / TICKS_PER_SECOND,
      peakRssMb: isPostgres ? null : peakRssMb(pid),
    }));
  }
}

/** CPU of all these processes together. On a machine that others use too it is steadier than any time on the clock. */
export const totalCpu = (uses: ProcessUse[]): number => uses.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);

function peakRssMb(pid: number): number | null {
  const kilobytes = /VmHWM:\s+(\d+)/.exec(readProc(`${pid}/status`))?.[1];
  return kilobytes === undefined ? null : Math.round(Number(kilobytes) / 1024);
}

function ticksOfTree(pid: number, children: Map<number, number[]>): number {
  const [, , ticks] = statOf(pid) ?? [0, 0, 0];
  return (children.get(pid) ?? []).reduce((sum, child) => sum + ticksOfTree(child, children), ticks);
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(Number(name));
    if (!stat) continue;
    const siblings = children.get(stat[1]);
    if (siblings) siblings.push(stat[0]);
    else children.set(stat[1], [stat[0]]);
  }
  return children;
}

/** Pid, parent, and ticks: user and system time of the process and of its children that ended (proc(5), fields 14 to 17). */
function statOf(pid: number): [pid: number, parent: number, ticks: number] | null {
  const text = readProc(`${pid}/stat`);
  // The command's name stands in parentheses and may hold spaces and parentheses itself.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return fields.length < 15 ? null : [pid, fields[1], fields[11] + fields[12] + fields[13] + fields[14]];
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}
