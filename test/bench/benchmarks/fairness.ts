import type { Benchmark } from '../lib/benchmark.js';
import { Api } from '../lib/api.js';
import { simpleEmail, templateEmail } from '../lib/campaigns.js';
import { startProcess } from '../lib/processes.js';
import { createTenant } from '../lib/product.js';
import { spread } from '../lib/report.js';
import { inGroup, seedContacts } from '../lib/seed.js';
import { Stage } from '../lib/stage.js';
import { seconds, until } from '../lib/wait.js';

const FEW = 10;
const ROUNDS = 5;

/** Seconds from the launch request to the last of ten messages handed over. */
async function tenContacts(stage: Stage, small: { api: Api; tenantId: string }, round: number): Promise<number> {
  const { api, tenantId } = small;
  const campaignId = await api.campaign({ name: `Small ${round}`, segmentId: await api.segment(`Ten ${round}`, inGroup('ten')) }, [
    simpleEmail,
  ]);
  const isSent = () =>
    stage.cluster.value<boolean>(`SELECT count(*) = ${FEW} FROM emails WHERE tenant_id = $1 AND campaign_id = $2 AND sent_at IS NOT NULL`, [
      tenantId,
      campaignId,
    ]);
  return seconds(async () => {
    await api.launch(campaignId);
    await until('ten messages to be sent', isSent, { deadlineMs: 120_000 });
  });
}

export const fairness: Benchmark = {
  name: 'fairness',
  about: 'ten contacts of tenant B while the many of tenant A are being sent; the floor is B alone',
  size: 500_000,
  run: async (size, options) => {
    const sink = await startProcess('smtp-sink');
    try {
      const mail = { MAIL_PROVIDER: 'smtp', SMTP_URL: `smtp://127.0.0.1:${await sink.call<number>('port')}` };
      const prepare: Parameters<typeof Stage.use>[0]['prepare'] = ({ cluster, tenantId }) => seedContacts(cluster, tenantId, size);
      return await Stage.use({ options, mail, prepare }, async (stage) => {
        const { cluster } = stage;
        const { tenantId, apiKey } = await createTenant(cluster, options, 'small');
        const small = { api: new Api(stage.product.baseUrl, apiKey), tenantId };
        await seedContacts(cluster, tenantId, FEW, 'ten');
        await cluster.settle('contacts');
        await tenContacts(stage, small, 0);
        const alone: number[] = [];
        for (let round = 1; round <= ROUNDS; round++) alone.push(await tenContacts(stage, small, round));

        const large = await stage.api.campaign({ name: 'Large', segmentId: await stage.api.segment('Everybody') }, [
          await templateEmail(stage),
        ]);
        await sink.call('reset');
        const meter = stage.meter({ name: sink.name, pid: sink.pid });
        const start = performance.now();
        await stage.api.launch(large);
        await sink.call('waitFor', { count: 1_000, deadlineMs: 60_000 });
        const together: number[] = [];
        for (let round = 1; round <= ROUNDS; round++) together.push(await tenContacts(stage, small, ROUNDS + round));
        const processes = meter.read();
        const { count } = await sink.call<{ count: number }>('stats');
        if (count >= size) throw new Error(`the large campaign was over before the small ones: give it more than ${size}`);
        const rate = count / ((performance.now() - start) / 1000);
        const [mean, worst, floor] = [spread(together).median, spread(together).max, spread(alone).median];
        return {
          lines: [
            { what: 'ten contacts beside the large campaign, median', unit: 's', ours: mean, floor },
            { what: 'worst of five, less 2 s', unit: 's', ours: Math.max(0, worst - 2), floor, target: { atMost: 2 } },
          ],
          processes,
          notes: [
            `The large campaign went on at ${Math.round(rate)} messages/s; alone ${alone.map((s) => s.toFixed(2)).join(', ')} s, beside it ${together.map((s) => s.toFixed(2)).join(', ')} s.`,
          ],
        };
      });
    } finally {
      await sink.stop();
    }
  },
};
