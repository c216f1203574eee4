import { loadavg } from 'node:os';
import { advance } from './benchmarks/advance.js';
import { analytics } from './benchmarks/analytics.js';
import { deliverSendgrid, deliverSmtp } from './benchmarks/deliver.js';
import { enrol } from './benchmarks/enrol.js';
import { events } from './benchmarks/events.js';
import { fairness } from './benchmarks/fairness.js';
import { growth } from './benchmarks/growth.js';
import { idle } from './benchmarks/idle.js';
import { importContacts } from './benchmarks/import.js';
import { simulate } from './benchmarks/simulate.js';
import { tracking } from './benchmarks/tracking.js';
import type { Benchmark } from './lib/benchmark.js';
import { type Options, readOptions, USAGE, UsageError } from './lib/options.js';
import { type Outcome, print, save } from './lib/report.js';
import { clearStage } from './lib/stage.js';

const BENCHMARKS: Benchmark[] = [
  importContacts,
  enrol,
  advance,
  deliverSmtp,
  deliverSendgrid,
  events,
  analytics,
  tracking,
  growth,
  idle,
  fairness,
  simulate,
];

async function main(options: Options): Promise<void> {
  const results: Record<string, { outcomes: Outcome[]; loads: number[] }> = {};
  for (const benchmark of BENCHMARKS.filter(({ name }) => options.only.includes(name))) {
    const size = options.size ?? benchmark.size;
    const outcomes: Outcome[] = [];
    const loads: number[] = [];
    for (let run = 1; run <= options.repeat; run++) {
      process.stderr.write(`${benchmark.name} (${size.toLocaleString('en-US')}), run ${run} of ${options.repeat}: ${benchmark.about}\n`);
      loads.push(loadavg()[0]);
      try {
        outcomes.push(await benchmark.run(size, options));
      } catch (error) {
        // The others still have something to say.
        process.exitCode = 1;
        process.stderr.write(`${benchmark.name} failed: ${(error as Error).stack}\n`);
      }
    }
    if (outcomes.length === 0) continue;
    results[benchmark.name] = { outcomes, loads };
    print(benchmark.name, outcomes, loads);
  }
  if (Object.keys(results).length > 0) process.stderr.write(`\nWritten to ${save(results, options)}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void clearStage().finally(() => process.exit(130)));

try {
  const options = readOptions(
    process.argv.slice(2),
    BENCHMARKS.map(({ name }) => name),
  );
  await main(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}\n`);
  process.exitCode = 2;
}
