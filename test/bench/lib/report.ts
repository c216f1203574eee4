import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import type { ProcessUse } from './meter.js';
import { RESULTS_DIR } from './product.js';

/** One comparison. The ratio is ours / floor; `target` says on which side of which ratio (or of which plain value) ours must be. */
export interface Line {
  what: string;
  unit: string;
  ours: number;
  /** Absent where the target is a plain value. */
  floor?: number;
  target?: { atLeast: number } | { atMost: number };
}

/** What one run of one benchmark found. */
export interface Outcome {
  lines: Line[];
  processes: ProcessUse[];
  notes: string[];
}

export interface Spread {
  min: number;
  median: number;
  max: number;
}

export interface Summary {
  what: string;
  unit: string;
  ours: Spread;
  floor: Spread | null;
  ratio: Spread | null;
  target: string;
  verdict: 'pass' | 'MISS' | '';
}

export function spread(values: number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { min: sorted[0], median, max: sorted.at(-1)! };
}

/** Joins the same line of several runs; judged is the median. */
export function summarise(outcomes: Outcome[]): Summary[] {
  return outcomes[0].lines.map(({ what, unit, target }) => {
    const same = outcomes.flatMap(({ lines }) => lines.filter((line) => line.what === what));
    const compared = same.filter((line): line is Line & { floor: number } => line.floor !== undefined);
    const ratio = compared.length > 0 ? spread(compared.map(({ ours, floor }) => ours / floor)) : null;
    const ours = spread(same.map((line) => line.ours));
    const judged = (ratio ?? ours).median;
    const isMet = !target || ('atLeast' in target ? judged >= target.atLeast : judged <= target.atMost);
    return {
      what,
      unit,
      ours,
      floor: compared.length > 0 ? spread(compared.map(({ floor }) => floor)) : null,
      ratio,
      target: !target ? '' : 'atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`,
      verdict: !target ? '' : isMet ? 'pass' : 'MISS',
    };
  });
}

export function print(name: string, outcomes: Outcome[], loads: number[]): void {
  const say = (line = ''): void => void process.stdout.write(`${line}\n`);
  say(`\n## ${name}  (${outcomes.length} run(s), load average at the start of each: ${loads.map((load) => load.toFixed(1)).join(', ')})\n`);
  say('| what | unit | ours | floor | ratio | must be | |');
  say('|---|---|---|---|---|---|---|');
  for (const s of summarise(outcomes)) {
    say(
      `| ${s.what} | ${s.unit} | ${show(s.ours)} | ${s.floor ? show(s.floor) : '–'} | ${s.ratio ? show(s.ratio) : '–'} | ${s.target} | ${s.verdict} |`,
    );
  }
  say('\nCPU seconds and peak memory in the measured phase of the last run:');
  for (const { name: process, cpuSeconds, peakRssMb } of outcomes.at(-1)!.processes) {
    say(
      `  ${process.padEnd(22)} ${cpuSeconds.toFixed(2).padStart(8)} s CPU ${peakRssMb === null ? '' : `${String(peakRssMb).padStart(6)} MB`}`,
    );
  }
  for (const note of outcomes.at(-1)!.notes) say(`  ${note}`);
}

const show = ({ min, median, max }: Spread): string => (min === max ? figure(median) : `${figure(median)} (${figure(min)}–${figure(max)})`);

function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 0.1 ? 2 : 4);
}

/** Keeps everything that was measured, with the circumstances, beside the benchmarks (not in git). */
export function save(all: Record<string, { outcomes: Outcome[]; loads: number[] }>, options: unknown): string {
  mkdirSync(RESULTS_DIR, { recursive: true });
  const at = new Date().toISOString();
  const path = join(RESULTS_DIR, `${at.replace(/[:.]/g, '-')}-${Object.keys(all).join('+').slice(0, 80)}.json`);
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    load: loadavg(),
  };
  const benchmarks = Object.entries(all).map(([name, { outcomes, loads }]) => ({
    name,
    loads,
    summary: summarise(outcomes),
    runs: outcomes,
  }));
  writeFileSync(path, `${JSON.stringify({ at, machine, options, benchmarks }, null, 2)}\n`);
  return path;
}
