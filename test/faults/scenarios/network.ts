import { setTimeout as delay } from 'node:timers/promises';
import { startProcess } from '../lib/processes.js';
import { assertInvariants } from '../lib/invariants.js';
import { FaultProxy } from '../lib/proxy.js';
import { onStage, type Scenario } from '../lib/scenario.js';
import { join } from 'node:path';
import { mkdirSync } from 'node:fs';

const CONNECTIONS = 8;
const WORKERS = 2;

/** Between us and the mail server stands a network that resets, swallows answers, stalls and refuses. */
export const network: Scenario = {
  name: 'network',
  title: 'connections to the mail server are reset, half open, stalled and refused',
  async run(ground) {
    const dir = join(ground.workDir, 'network');
    mkdirSync(dir, { recursive: true });
    const sink = await startProcess('smtp', [join(dir, 'accepted.jsonl')]);
    const proxy = await FaultProxy.start(await sink.call<number>('port'));
    try {
      return await onStage(ground, { name: 'network', share: 0.5, mailPort: proxy.port, double: sink }, async (stage) => {
        await sink.call('rules', [{ verb: 'MESSAGE', answer: { delayMs: 30 } }]);
        const campaign = await stage.campaign();
        await Promise.all(Array.from({ length: WORKERS }, () => stage.worker()));
        await stage.launch(campaign);
        await stage.acceptedReaches(100);
        let cut = 0;
        for (let i = 0; i < 10; i++) {
          cut += proxy.reset();
          await delay(stage.random.between(100, 400));
        }
        // The server takes the message, its answer never arrives: the ambiguity of RFC 1047.
        proxy.swallowReplies = true;
        await delay(300);
        cut += proxy.reset();
        proxy.swallowReplies = false;
        await delay(500);
        proxy.become('stalled');
        await delay(stage.random.between(1_000, 2_000));
        proxy.become('clear');
        await delay(500);
        proxy.become('refusing');
        cut += proxy.reset();
        await delay(500);
        proxy.become('clear');
        await sink.call('rules', []);
        await stage.completes(campaign, 300_000);
        stage.note(`${cut} connections reset, once with the answers swallowed; stalled and refused once`);
        return assertInvariants(stage, { unknownAtMost: cut + CONNECTIONS * WORKERS });
      });
    } finally {
      await proxy.stop();
      await sink.stop();
    }
  },
};
