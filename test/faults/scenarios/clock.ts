import { assertInvariants } from '../lib/invariants.js';
import { onStage, type Scenario } from '../lib/scenario.js';

const HOUR = 3_600_000;

/** Leases go by the database's clock, so a worker whose own is wrong takes nothing away from the others and sends nothing twice. */
export const clock: Scenario = {
  name: 'clock',
  title: 'workers whose clocks are an hour ahead, an hour behind, and jump by two',
  run: (ground) =>
    onStage(ground, { name: 'clock', share: 0.5 }, async (stage) => {
      await stage.double.call('rules', [{ verb: 'MESSAGE', answer: { delayMs: 20 } }]);
      const campaign = await stage.campaign();
      await Promise.all([
        stage.worker(),
        stage.worker({ clockOffsetMs: HOUR }),
        stage.worker({ clockOffsetMs: -HOUR }),
        stage.worker({ clockOffsetMs: -HOUR, clockJumpAfterMs: 15_000 }),
      ]);
      await stage.launch(campaign);
      await stage.completes(campaign);
      return assertInvariants(stage, { unknownAtMost: 0 });
    }),
};
