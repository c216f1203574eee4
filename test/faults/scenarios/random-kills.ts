import { setTimeout as delay } from 'node:timers/promises';
import type { Scenario } from '../lib/scenario.js';
import { onStage } from '../lib/scenario.js';
import { assertInvariants } from '../lib/invariants.js';
import { inDoubtPerKill } from '../lib/limits.js';
import type { Running } from '../lib/product.js';
import type { Stage } from '../lib/stage.js';
import { RecoveryClock } from '../lib/recovery.js';
import { until } from '../lib/wait.js';

const WORKERS = 3;
const TAKEN_UP_WITHIN_MS = 10_000;
/** At full size the kills are spread over this share of one campaign's messages. */
const SPREAD = 0.9;

/** Three workers, of which one is killed every second or two, whatever it does, and replaced. */
export const randomKills: Scenario = {
  name: 'random-kills',
  title: 'three workers, killed at random moments, again and again',
  isAlone: true,
  run: (ground) =>
    onStage(ground, { name: 'random-kills', hasFullSize: true }, async (stage) => {
      const { kills } = stage.ground.options;
      const recovery = new RecoveryClock(stage);
      await stage.double.call('rules', [{ verb: 'MESSAGE', answer: { delayMs: stage.isFull ? 20 : 80 } }]);
      const working: Running[] = await Promise.all(Array.from({ length: WORKERS }, () => stage.worker()));
      const starting = new Set<Promise<unknown>>();
      await keepBusy(stage);
      for (let i = 0; i < kills; i++) {
        if (stage.isFull) await stage.acceptedReaches(((i + stage.random.next()) / kills) * SPREAD * stage.messages, stage.limitMs);
        else await delay(stage.random.between(100, 1_000));
        // Only one that works is worth killing, and somebody must be left to take over: the time until then is what is measured.
        await until('two workers to work', () => working.length >= 2);
        await keepBusy(stage);
        const [victim] = working.splice(stage.random.between(0, working.length - 1), 1);
        await stage.fleet.kill(victim);
        await recovery.note();
        starting.add(stage.worker().then((worker) => working.push(worker)));
      }
      stage.note(`the last kill at ${await stage.accepted()} messages of ${stage.launched.length * stage.messages}`);
      await Promise.all(starting);
      await stage.double.call('rules', []);
      for (const campaign of stage.launched) await stage.completes(campaign, stage.limitMs);
      await recovery.done();
      await stage.operatorsCheck();
      stage.note(`${stage.fleet.kills} kills of ${WORKERS} workers in ${stage.launched.length} campaigns`);
      stage.note(recovery.summary());
      if (recovery.claimedP99 > TAKEN_UP_WITHIN_MS * stage.ground.options.patience)
        throw new Error(`killed work was taken up again only after ${Math.round(recovery.claimedP99)} ms (p99)`);
      return assertInvariants(stage, { unknownAtMost: stage.fleet.kills * inDoubtPerKill(1) });
    }),
};

/**
 * Launches another campaign when little of the last is left (at full size: nothing), and waits until it sends: an idle worker is not worth
 * killing.
 */
async function keepBusy(stage: Stage): Promise<void> {
  const open = await stage.sql.value<number>(`SELECT count(*)::int FROM campaign_contacts WHERE status IN ('enrolled', 'active')`);
  if (stage.launched.length > 0 && open > (stage.isFull ? 0 : stage.contacts / 4)) return;
  const campaign = await stage.campaign();
  await stage.launch(campaign);
  await until('messages to go out', () =>
    stage.sql.value<boolean>(`SELECT EXISTS (SELECT FROM emails WHERE campaign_id = $1 AND status = 'sending')`, [campaign]),
  );
}
