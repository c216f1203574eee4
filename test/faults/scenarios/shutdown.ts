import { setTimeout as delay } from 'node:timers/promises';
import { assertInvariants } from '../lib/invariants.js';
import { onStage, type Scenario } from '../lib/scenario.js';

const WORKERS = 2;

/** A deploy: every worker is asked to end (SIGTERM) while it sends, and replaced. Nothing may be left in doubt by that. */
export const shutdown: Scenario = {
  name: 'shutdown',
  title: 'rolling restarts by SIGTERM under load',
  run: (ground) =>
    onStage(ground, { name: 'shutdown', share: 0.5 }, async (stage) => {
      const restarts = 6;
      await stage.double.call('rules', [{ verb: 'MESSAGE', answer: { delayMs: 40 } }]);
      const campaign = await stage.campaign();
      const workers = await Promise.all(Array.from({ length: WORKERS }, () => stage.worker()));
      await stage.launch(campaign);
      await stage.acceptedReaches(100);
      const took: number[] = [];
      for (let i = 0; i < restarts; i++) {
        const place = i % WORKERS;
        await delay(stage.random.between(100, 600));
        const { code, signal, ms } = await stage.fleet.terminate(workers[place]);
        if (code !== 0) throw new Error(`a worker asked to end did so with ${signal ?? `exit code ${code}`} after ${ms} ms`);
        took.push(ms);
        workers[place] = await stage.worker();
      }
      await stage.double.call('rules', []);
      await stage.completes(campaign);
      stage.note(`${restarts} workers asked to end while sending; the slowest took ${Math.max(...took)} ms`);
      return assertInvariants(stage, { unknownAtMost: 0 });
    }),
};
