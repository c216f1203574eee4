import { setTimeout as delay } from 'node:timers/promises';
import { assertInvariants } from '../lib/invariants.js';
import { inDoubtPerKill } from '../lib/limits.js';
import { onStage, type Scenario } from '../lib/scenario.js';
import { rates } from '../lib/truth.js';
import type { Stage } from '../lib/stage.js';
import { percentile } from '../lib/wait.js';

const WORKERS = 2;
const FULL_RATE = 0.8;
const BACK_WITHIN_MS = 10_000;
const WINDOW_MS = 500;
/** At full size there is time to look longer, before a crash and after it. */
const FULL_SIZE = { windowMs: 1_000, before: 15, after: 20 };

/** The database goes away as in a power cut, and later loses connections in the middle of statements; no process of the product may end. */
export const postgresCrash: Scenario = {
  name: 'postgres-crash',
  title: 'PostgreSQL crashes (immediate stop) and has its connections cut while sending',
  isAlone: true,
  run: (ground) =>
    onStage(ground, { name: 'postgres-crash', hasFullSize: true }, async (stage) => {
      const crashes = stage.isFull ? 6 : 2;
      // A pace that the machine can keep without effort, so that the rates before and after can be compared.
      await stage.double.call('rules', [{ verb: 'MESSAGE', answer: { delayMs: stage.isFull ? 20 : 60 } }]);
      const campaign = await stage.campaign();
      await Promise.all(Array.from({ length: WORKERS }, () => stage.worker()));
      await stage.launch(campaign);
      await stage.acceptedReaches(200);
      for (let i = 0; i < crashes; i++) {
        // At full size spread over the campaign.
        if (stage.isFull) await stage.acceptedReaches(((i + 0.5) / (crashes + 1)) * stage.messages, stage.limitMs);
        else await delay(stage.random.between(2_000, 3_000));
        await crashOnce(stage, stage.random.between(500, 2_000));
      }
      for (let i = 0; i < 10; i++) {
        await stage.ground.postgres.terminateBackends(stage.databaseName, 0.5);
        await delay(stage.random.between(100, 500));
      }
      await stage.double.call('rules', []);
      await stage.completes(campaign, stage.limitMs);
      stage.note(`${crashes} crashes, connections cut 10 times; ${stage.fleet.unordered.length} processes ended`);
      // A result that could not be written in time is in doubt; nothing else may be.
      return assertInvariants(stage, { unknownAtMost: crashes * WORKERS * inDoubtPerKill(1) });
    }),
};

async function crashOnce(stage: Stage, downMs: number): Promise<void> {
  const { postgres, options } = stage.ground;
  const withinMs = BACK_WITHIN_MS * options.patience;
  const usual = stage.isFull ? usualRate(stage) : recentRate(stage);
  await postgres.crash();
  await delay(downMs);
  await postgres.launch();
  const backAt = Date.now();
  let took: number | null = null;
  while (took === null && Date.now() - backAt < 3 * withinMs) {
    await delay(WINDOW_MS / 2);
    took = reached(rates(stage.lately(), backAt, Date.now(), WINDOW_MS), FULL_RATE * usual, WINDOW_MS);
    if (took === null && (await isThrough(stage))) return stage.note('the campaign was through before its rate could be compared');
  }
  const after = stage.isFull ? `; ${await lookLonger(stage, backAt, usual)}` : '';
  stage.note(
    `down ${downMs} ms; ${Math.round(usual)} messages/s before, ${took === null ? 'never' : `${took / 1000} s`} after the restart back at ${FULL_RATE * 100} %${after}`,
  );
  if (took === null || took > withinMs)
    throw new Error(`after the restart of PostgreSQL the rate was not back within ${withinMs / 1000} s`);
}

function recentRate(stage: Stage): number {
  const before = rates(stage.lately(), Date.now() - 1_500, Date.now(), WINDOW_MS);
  return before.reduce((sum, n) => sum + n, 0) / before.length;
}

/** The median second before the crash. */
function usualRate(stage: Stage): number {
  const { windowMs, before } = FULL_SIZE;
  return percentile(rates(stage.lately(), Date.now() - before * windowMs, Date.now(), windowMs), 0.5);
}

/** When the whole rate was back, by the second, and what the seconds after that were like. */
async function lookLonger(stage: Stage, backAt: number, usual: number): Promise<string> {
  const { windowMs, after } = FULL_SIZE;
  const until = backAt + after * windowMs;
  await delay(Math.max(0, until - Date.now()));
  if (await isThrough(stage)) return 'then the campaign was through';
  const seconds = rates(stage.lately(), backAt, until, windowMs);
  const times = [0.95, 1].map((share) => {
    const took = reached(seconds, share * usual, windowMs);
    return `${share * 100} % ${took === null ? 'not' : `after ${took / 1000} s`}`;
  });
  const ofUsual = (rate: number): string => `${Math.round((100 * rate) / usual)} %`;
  const later = percentile(seconds.slice(BACK_WITHIN_MS / windowMs), 0.5);
  return `${times.join(', ')}; median of the ${after} s ${ofUsual(percentile(seconds, 0.5))}, from the 11th on ${ofUsual(later)}`;
}

/** Milliseconds until the end of the first window with that rate. */
function reached(windows: readonly number[], rate: number, windowMs: number): number | null {
  const index = windows.findIndex((n) => n >= rate);
  return index < 0 ? null : (index + 1) * windowMs;
}

async function isThrough(stage: Stage): Promise<boolean> {
  const [{ open }] = await stage.sql.rows<{ open: number }>(
    `SELECT count(*)::int AS open FROM campaign_contacts WHERE status NOT IN ('completed', 'exited', 'failed')`,
  );
  return open === 0;
}
