import { setTimeout as delay } from 'node:timers/promises';
import { assertInvariants } from '../lib/invariants.js';
import { onStage, type Scenario } from '../lib/scenario.js';

/** Pausing must mean it: not one row may pass the gate between the answer to `pause` and the request to `resume`. */
export const pauseResume: Scenario = {
  name: 'pause-resume',
  title: 'pause and resume ×200 while sending',
  run: (ground) =>
    onStage(ground, { name: 'pause-resume' }, async (stage) => {
      const cycles = 200;
      await stage.double.call('rules', [{ verb: 'MESSAGE', answer: { delayMs: 15 } }]);
      const campaign = await stage.campaign();
      await Promise.all([stage.worker(), stage.worker()]);
      await stage.launch(campaign);
      await stage.acceptedReaches(50);
      await stage.sql.rows('CREATE UNLOGGED TABLE paused_rows (id uuid PRIMARY KEY)');
      const pauses: { from: number; to: number; inFlight: number }[] = [];
      let fired = 0;
      let done = 0;
      for (; done < cycles; done++) {
        const { status, body } = await stage.api.call<{ inFlight: number }>('POST', `/api/campaigns/${campaign}/pause`);
        if (status === 409) break;
        if (status !== 200) throw new Error(`pause answered ${status}: ${JSON.stringify(body)}`);
        const from = Date.now();
        await stage.sql.rows('TRUNCATE paused_rows');
        await stage.sql.rows(`INSERT INTO paused_rows SELECT id FROM emails WHERE status = 'queued'`);
        await delay(stage.random.between(0, 40) + (done % 20 === 0 ? 500 : 0));
        fired += await stage.sql.value<number>(
          `SELECT count(*)::int FROM paused_rows p JOIN emails e ON e.id = p.id WHERE e.status IN ('sending', 'sent', 'unknown', 'failed')`,
        );
        pauses.push({ from, to: Date.now(), inFlight: body.inFlight });
        await stage.api.post(`/api/campaigns/${campaign}/resume`, {});
        await delay(stage.random.between(0, 30));
      }
      if (done === 0) throw new Error('the campaign was over before it could be paused');
      await stage.double.call('rules', []);
      await stage.completes(campaign);
      await stage.sql.rows('DROP TABLE paused_rows');
      const truth = stage.truth();
      const late = pauses.filter(({ from, to, inFlight }) => truth.filter(({ at }) => at > from && at < to).length > inFlight);
      stage.note(
        `${done} pauses; ${fired} messages fired after an answer; at most ${Math.max(...pauses.map((p) => p.inFlight))} in flight`,
      );
      if (fired > 0) throw new Error(`I3: ${fired} messages passed the gate while the campaign was paused`);
      if (late.length > 0)
        throw new Error(`I3: during ${late.length} pauses more messages arrived than the answer had said were in flight`);
      return assertInvariants(stage, { unknownAtMost: 0 });
    }),
};
