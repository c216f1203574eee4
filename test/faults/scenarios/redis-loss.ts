import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { assertInvariants } from '../lib/invariants.js';
import { FaultRedis } from '../lib/redis.js';
import { onStage, type Scenario } from '../lib/scenario.js';

/** The queue forgets everything, several times. Rows are the truth, so that may cost time and nothing else. */
export const redisLoss: Scenario = {
  name: 'redis-loss',
  title: 'Redis is flushed, killed, away, and back empty while sending',
  needsRedis: true,
  async run(ground) {
    const dir = join(ground.workDir, 'redis');
    mkdirSync(dir, { recursive: true });
    const redis = await FaultRedis.start(dir);
    try {
      return await onStage(ground, { name: 'redis-loss', share: 0.5, env: { REDIS_URL: redis.url } }, async (stage) => {
        await stage.double.call('rules', [{ verb: 'MESSAGE', answer: { delayMs: 20 } }]);
        const campaign = await stage.campaign();
        await Promise.all([stage.worker(), stage.worker()]);
        await stage.launch(campaign);
        await stage.acceptedReaches(100);
        for (let i = 0; i < 5; i++) {
          await redis.flush();
          await delay(stage.random.between(100, 600));
        }
        for (let i = 0; i < 2; i++) {
          await redis.kill();
          await delay(stage.random.between(1_000, 3_000));
          await redis.launch();
          await delay(stage.random.between(300, 1_000));
        }
        const from = performance.now();
        const [{ open }] = await stage.sql.rows<{ open: number }>(
          `SELECT count(*)::int AS open FROM campaign_contacts WHERE status IN ('enrolled', 'active')`,
        );
        await stage.completes(campaign);
        stage.note(`5 × FLUSHALL, 2 × SIGKILL and an empty restart; ${open} contacts were still on the way, done ${seconds(from)} later`);
        return assertInvariants(stage, { unknownAtMost: 0 });
      });
    } finally {
      await redis.kill();
    }
  },
};

const seconds = (from: number): string => `${((performance.now() - from) / 1000).toFixed(1)} s`;
