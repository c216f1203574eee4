import { setTimeout as delay } from 'node:timers/promises';
import { assertInvariants } from '../lib/invariants.js';
import { inDoubtPerKill } from '../lib/limits.js';
import { onStage, type Scenario } from '../lib/scenario.js';
import { rates } from '../lib/truth.js';
import type { Stage } from '../lib/stage.js';

const WORKERS = 2;
const FULL_RATE = 0.8;
const BACK_WITHIN_MS = 10_000;
const WINDOW_MS = 500;

/** The database goes away as in a power cut, and later loses connections in the middle of statements; no process of the product may end. */
export const postgresCrash: Scenario = {
  name: 'postgres-crash',
  title: 'PostgreSQL crashes (immediate stop) and has its connections cut while sending',
  isAlone: true,
  run: (ground) =>
    onStage(ground, { name: 'postgres-crash', hasFullSize: true }, async (stage) => {
      const crashes = stage.isFull ? 6 : 2;
      // A pace that the machine can keep without effort, so that the rates before and after can be compared.
      await stage.double.call('rules', [{ verb: 'MESSAGE', answer: { delayMs: stage.isFull ? 5 : 60 } }]);
      const campaign = await stage.campaign();
      await Promise.all(Array.from({ length: WORKERS }, () => stage.worker()));
      await stage.launch(campaign);
      await stage.acceptedReaches(200);
      for (let i = 0; i < crashes; i++) {
        await delay(stage.random.between(2_000, 3_000));
        await crashOnce(stage, stage.random.between(500, 2_000));
      }
      for (let i = 0; i < 10; i++) {
        await stage.ground.postgres.terminateBackends(stage.databaseName, 0.5);
        await delay(stage.random.between(100, 500));
      }
      await stage.double.call('rules', []);
      await stage.completes(campaign, 300_000);
      stage.note(`${crashes} crashes, connections cut 10 times; ${stage.fleet.unordered.length} processes ended`);
      // A result that could not be written in time is in doubt; nothing else may be.
      return assertInvariants(stage, { unknownAtMost: crashes * WORKERS * inDoubtPerKill(1) });
    }),
};

async function crashOnce(stage: Stage, downMs: number): Promise<void> {
  const { postgres, options } = stage.ground;
  const withinMs = BACK_WITHIN_MS * options.patience;
  const before = rates(stage.lately(), Date.now() - 1_500, Date.now(), WINDOW_MS);
  const usual = before.reduce((sum, n) => sum + n, 0) / before.length;
  await postgres.crash();
  await delay(downMs);
  await postgres.launch();
  const backAt = Date.now();
  let took: number | null = null;
  while (took === null && Date.now() - backAt < 3 * withinMs) {
    await delay(WINDOW_MS / 2);
    const windows = rates(stage.lately(), backAt, Date.now(), WINDOW_MS);
    const index = windows.findIndex((rate) => rate >= FULL_RATE * usual);
    if (index >= 0) took = (index + 1) * WINDOW_MS;
    else if (await isThrough(stage)) return stage.note('the campaign was through before its rate could be compared');
  }
  stage.note(
    `down ${downMs} ms; ${Math.round(usual)} messages/s before, ${took === null ? 'never' : `${took / 1000} s`} after the restart back at ${FULL_RATE * 100} %`,
  );
  if (took === null || took > withinMs)
    throw new Error(`after the restart of PostgreSQL the rate was not back within ${withinMs / 1000} s`);
}

async function isThrough(stage: Stage): Promise<boolean> {
  const [{ open }] = await stage.sql.rows<{ open: number }>(
    `SELECT count(*)::int AS open FROM campaign_contacts WHERE status NOT IN ('completed', 'exited', 'failed')`,
  );
  return open === 0;
}
