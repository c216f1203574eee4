import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionsOf } from './lib/options.js';
import { FaultPostgres } from './lib/postgres.js';
import { redisAvailable } from './lib/redis.js';
import type { Outcome, Scenario } from './lib/scenario.js';
import { makeTemplate } from './lib/template.js';
import { SCENARIOS } from './scenarios/index.js';

interface Result extends Outcome {
  name: string;
  verdict: 'passed' | 'failed' | 'skipped';
  seconds: number;
  error?: string;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const options = optionsOf(process.argv.slice(2));
if (options.list) {
  for (const { name, title } of SCENARIOS) console.log(`${name.padEnd(18)} ${title}`);
  process.exit(0);
}
const unknown = options.only.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
if (unknown.length > 0) {
  console.error(`There is no scenario ${unknown.join(', ')}; --list names them.`);
  process.exit(2);
}
const chosen = SCENARIOS.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
console.log(
  `faults: seed ${options.seed}, ${options.contacts} contacts × 3 messages, ${chosen.length} scenarios (replay: npm run faults -- --seed ${options.seed})`,
);

/** Scenarios at the same time: many of them mostly wait. */
const LANES = 3;

/** This file runs from dist/faults/test/faults. */
const DIST = fileURLToPath(new URL('../../../src/', import.meta.url));

const startedAt = performance.now();
const workDir = mkdtempSync(join(tmpdir(), 'campaign-engine-faults-'));
// Also when it is interrupted: the processes have been killed by then.
process.on('exit', () => {
  if (!options.keep) rmSync(workDir, { recursive: true, force: true, maxRetries: 5 });
});
const postgres = await FaultPostgres.start(workDir);
const results: Result[] = [];
try {
  const base = { options, postgres, workDir, dist: DIST };
  const ground = { ...base, template: await makeTemplate(base) };
  const run = async (scenario: Scenario): Promise<void> => void results.push(await perform(scenario, () => scenario.run(ground)));
  for (const scenario of chosen) if (scenario.isAlone) await run(scenario);
  const queue = chosen.filter(({ isAlone }) => !isAlone);
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) await run(next);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
} finally {
  await postgres.stop();
  if (options.keep) console.log(`kept: ${workDir}`);
}
const of = (verdict: Result['verdict']) => results.filter((result) => result.verdict === verdict);
const total = Math.round((performance.now() - startedAt) / 1000);
for (const { name, error } of of('failed')) console.log(`\nFAILED ${name}: ${error}`);
console.log(
  `\nfaults: ${of('passed').length} passed, ${of('failed').length} failed, ${of('skipped').length} skipped in ${total} s (seed ${options.seed})`,
);
process.exit(of('failed').length > 0 ? 1 : 0);

async function perform(scenario: Scenario, run: () => Promise<Outcome>): Promise<Result> {
  const from = performance.now();
  const seconds = (): number => Math.round((performance.now() - from) / 100) / 10;
  if (scenario.needsRedis && !redisAvailable()) {
    console.log(`- ${scenario.name.padEnd(18)} skipped: redis-server is not installed here`);
    return { name: scenario.name, verdict: 'skipped', seconds: 0, facts: [] };
  }
  try {
    const outcome = await run();
    print('✓', scenario, seconds(), outcome);
    return { ...outcome, name: scenario.name, verdict: 'passed', seconds: seconds() };
  } catch (error) {
    const { message, stack } = error as Error;
    print('✗', scenario, seconds(), { facts: [] });
    console.log(message);
    return {
      name: scenario.name,
      verdict: 'failed',
      seconds: seconds(),
      facts: [],
      error: message.split('\n')[0] + (options.verbose ? `\n${stack}` : ''),
    };
  }
}

function print(mark: string, { name, title }: Scenario, seconds: number, { balance, facts }: Outcome): void {
  console.log(`${mark} ${name.padEnd(18)} ${`${seconds.toFixed(1)} s`.padStart(8)}  ${title}`);
  if (balance) {
    const { accepted, unknown, unknownDelivered, duplicates, lost, failed, skipped } = balance;
    console.log(
      `    ${accepted} accepted, ${duplicates} twice, ${lost} lost, ${unknown} in doubt (${unknownDelivered} of them delivered), ${failed} failed, ${skipped} skipped`,
    );
  }
  for (const fact of facts) console.log(`    ${fact}`);
}
