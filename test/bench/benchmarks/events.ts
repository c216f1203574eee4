import { generateKeyPairSync } from 'node:crypto';
import type { Benchmark } from '../lib/benchmark.js';
import { templateEmail, untilSent } from '../lib/campaigns.js';
import type { Child } from '../../support/child.js';
import { startProcess } from '../lib/processes.js';
import { seedContacts } from '../lib/seed.js';
import { Stage } from '../lib/stage.js';
import { until } from '../lib/wait.js';

/** SendGrid posts from several machines at once. */
const PARALLEL = 4;
const URLS = Array.from({ length: 10 }, (_, i) => `https://shop.example/offers/${i}?campaign=spring`);

export const events: Benchmark = {
  name: 'events',
  about: 'signed calls of SendGrid’s Event Webhook, 500 events each, 5 % repeated, until ledger and counters show them',
  size: 200_000,
  run: async (size, options) => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const env = { SENDGRID_WEBHOOK_PUBLIC_KEY: publicKey.export({ format: 'der', type: 'spki' }).toString('base64') };
    const messages = Math.ceil(size / 6);
    const load = await startProcess('webhook-load');
    try {
      return await Stage.use({ options, env, prepare: ({ cluster, tenantId }) => seedContacts(cluster, tenantId, messages) }, (stage) =>
        measure(stage, load, size, messages, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()),
      );
    } finally {
      await load.stop();
    }
  },
};

async function measure(stage: Stage, load: Child, size: number, messages: number, privateKey: string) {
  const { api, cluster, tenantId } = stage;
  const campaignId = await api.campaign({ name: 'Spring', segmentId: await api.segment('Everybody') }, [await templateEmail(stage)]);
  await api.launch(campaignId);
  await untilSent(stage, campaignId, messages, 600_000);
  const { rows } = await cluster.sql.query<{ id: string }>('SELECT id FROM emails WHERE tenant_id = $1 AND campaign_id = $2', [
    tenantId,
    campaignId,
  ]);
  const prepared = { tenantId, emailIds: rows.map(({ id }) => id), count: size, privateKey, urls: URLS };
  const { distinct, hits } = await load.call<{ distinct: number; hits: number }>('prepare', prepared);
  // The events happened ten minutes ago, and nobody reads mail that has not been sent.
  await cluster.sql.query(`UPDATE emails SET sent_at = sent_at - interval '1 hour' WHERE campaign_id = $1`, [campaignId]);
  await cluster.settle('contacts', 'emails', 'campaign_contacts', 'email_events');

  const applied = async () =>
    (await cluster.value<number>('SELECT count(*)::int FROM email_events WHERE applied_at IS NOT NULL')) >= distinct;
  const counted = () => cluster.value<number>('SELECT opens + clicks FROM campaign_steps WHERE campaign_id = $1', [campaignId]);
  const meter = stage.meter(load);
  const start = performance.now();
  const posted = await load.call<{ seconds: number; calls: number }>('post', {
    port: Number(new URL(stage.product.baseUrl).port),
    parallel: PARALLEL,
  });
  // Counting them costs the database as much as applying a few hundred.
  await until('all events to be applied', applied, { everyMs: 1_000 });
  const ledgerSeconds = (performance.now() - start) / 1000;
  const processes = meter.read();
  await until('the counters to show them', async () => (await counted()) >= hits, { everyMs: 100, deadlineMs: 120_000, state: counted });
  const counterSeconds = (performance.now() - start) / 1000;

  const stored = await cluster.value<number>('SELECT count(*)::int FROM email_events');
  if (stored !== distinct) throw new Error(`${distinct} events happened, ${stored} are stored`);
  return {
    lines: [
      { what: 'answered', unit: 'events/s', ours: size / posted.seconds },
      { what: 'applied to the ledger', unit: 'events/s', ours: size / ledgerSeconds, target: { atLeast: 5_000 } },
      {
        what: 'shown by the counters of the step, which are brought up to date every 5 s',
        unit: 'events/s',
        ours: size / counterSeconds,
        target: { atLeast: 5_000 },
      },
      { what: 'opens and clicks counted twice', unit: 'events', ours: (await counted()) - hits, target: { atMost: 0 } },
    ],
    processes,
    notes: [`${posted.calls} calls; ${distinct} distinct events of ${size}.`, ...(await stage.notes())],
  };
}
