import { Api } from '../lib/api.js';
import { assertInvariants } from '../lib/invariants.js';
import { onStage, type Scenario } from '../lib/scenario.js';
import { until } from '../lib/wait.js';

/** However often and wherever "launch" is pressed, and whatever dies meanwhile, everybody is enrolled once. */
export const launch: Scenario = {
  name: 'launch',
  title: 'launch ×50 at once on two processes; the launching and the enrolling process die in the middle',
  run: (ground) =>
    onStage(ground, { name: 'launch', share: 0.25 }, async (stage) => {
      const apiKey = stage.ground.template.apiKey;
      for (const point of ['launch_before_commit', 'launch_after_commit']) {
        const mined = await stage.fleet.start(`api-${point}`, { roles: 'api', failPoints: `${point}:1` });
        const campaign = await stage.campaign();
        await new Api(mined.url, apiKey).post(`/api/campaigns/${campaign}/launch`).then(
          () => Promise.reject(new Error(`${point}: the process should have died before it answered`)),
          () => undefined,
        );
        await mined.exited;
        const status = await stage.statusOf(campaign);
        const expected = point === 'launch_before_commit' ? 'draft' : 'active';
        if (status !== expected) throw new Error(`${point}: the campaign is ${status}, not ${expected}`);
        if (status === 'draft') await stage.launch(campaign);
      }
      const second = await stage.fleet.start('api2', { roles: 'api' });
      const contested = await stage.campaign();
      const apis = [stage.api, new Api(second.url, apiKey)];
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) => apis[i % 2].call('POST', `/api/campaigns/${contested}/launch`).then(({ status }) => status)),
      );
      const won = answers.filter((status) => status === 200).length;
      const refused = answers.filter((status) => status === 409).length;
      stage.note(`50 launches at once: ${won} won, ${refused} refused with 409`);
      if (won !== 1 || refused !== 49) throw new Error(`50 launches at once were answered ${JSON.stringify(answers)}`);
      for (const point of ['enroll_before_commit', 'enroll_after_commit', 'enroll_before_commit']) {
        const worker = await stage.launchWorker({ failPoints: `${point}:${stage.random.between(1, 3)}` });
        await until(`${point} to be met`, () => !worker.isAlive, { state: () => stage.state() });
      }
      await stage.worker();
      for (const campaign of stage.launched) await stage.completes(campaign);
      return assertInvariants(stage, { unknownAtMost: 2 * 1_000 });
    }),
};
