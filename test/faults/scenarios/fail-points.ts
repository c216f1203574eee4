import { assertInvariants } from '../lib/invariants.js';
import { inDoubtPerKill } from '../lib/limits.js';
import { onStage, type Scenario } from '../lib/scenario.js';
import type { Stage } from '../lib/stage.js';
import { until } from '../lib/wait.js';

/** Met while the audience is being enrolled, which one worker at a time does: these come first, one after the other. */
const OF_ENROLMENT = ['enroll_before_commit', 'enroll_after_commit'];
/** Between any two statements of the engine; met again and again, in any order. */
const OF_SENDING = [
  'advance_before_commit',
  'advance_after_commit',
  'claim_before_commit',
  'after_claim',
  'before_fire',
  'fire_before_commit',
  'after_fire',
  'after_send',
  'before_finish',
  'finish_before_commit',
  'after_finish',
];
const LANES = 2;

/** Two workers at a time, each sure to die between two certain statements; whoever dies is followed by the next. */
export const failPoints: Scenario = {
  name: 'fail-points',
  title: 'a worker dies at every statement boundary of enrol, advance, claim, fire, finish and complete',
  run: (ground) =>
    onStage(ground, { name: 'fail-points' }, async (stage) => {
      const rounds = 1;
      await stage.double.call('rules', [{ verb: 'MESSAGE', answer: { delayMs: 10 } }]);
      const campaign = await stage.campaign();
      await stage.launch(campaign);
      for (const point of OF_ENROLMENT) await dieAt(stage, campaign, point);
      const plan = stage.random.shuffled(Array.from({ length: rounds }, () => OF_SENDING).flat());
      const lane = async (): Promise<void> => {
        for (let point = plan.pop(); point; point = plan.pop()) await dieAt(stage, campaign, point);
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      await dieAt(stage, campaign, 'complete_before_commit');
      await stage.worker();
      await stage.completes(campaign);
      stage.note(`${stage.fleet.kills} kills at ${OF_ENROLMENT.length + OF_SENDING.length + 1} fail points`);
      return assertInvariants(stage, { unknownAtMost: stage.fleet.kills * inDoubtPerKill(1) });
    }),
};

/** A worker that ends by its own hand at this point, at the first, second or third hit. */
async function dieAt(stage: Stage, campaign: string, point: string): Promise<void> {
  const hit = point.startsWith('complete') ? 1 : stage.random.between(1, 3);
  const worker = await stage.launchWorker({ failPoints: `${point}:${hit}` });
  await until(`${point} to be met`, () => !worker.isAlive, {
    deadlineMs: 180_000,
    state: async () => ({ campaign: await stage.statusOf(campaign), ...((await stage.state()) as object) }),
  });
}
