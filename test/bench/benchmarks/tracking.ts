import type { Benchmark } from '../lib/benchmark.js';
import { templateEmail, untilSent } from '../lib/campaigns.js';
import type { Child } from '../../support/child.js';
import { startProcess } from '../lib/processes.js';
import { APP_SECRET } from '../lib/product.js';
import { inGroup, seedContacts } from '../lib/seed.js';
import { Stage } from '../lib/stage.js';
import { until } from '../lib/wait.js';
import { signTracking, TokenKeys } from '../../../src/modules/tracking/domain/tokens.js';

interface LoadResult {
  seconds: number;
  sent: number;
  ok: number;
  other: Record<string, number>;
  p50: number;
  p99: number;
  max: number;
}

/** Messages of an earlier campaign, whose pixels and links are asked for. */
const READ = 5_000;
/** Readers are many; over few connections only the latency would be measured. */
const CONNECTIONS = 128;
const MAX_MS = 30_000;
/** A steady stream, at which latency is judged: at full speed it only says how many connections the load has. */
const STEADY_RATE = 500;
const SENDING = 200_000;

async function paths({ cluster, tenantId }: Stage, campaignId: string, count: number): Promise<string[]> {
  const { rows: emails } = await cluster.sql.query<{ id: string }>('SELECT id FROM emails WHERE tenant_id = $1 AND campaign_id = $2', [
    tenantId,
    campaignId,
  ]);
  const { rows: links } = await cluster.sql.query<{ id: string }>('SELECT id FROM tracked_links WHERE tenant_id = $1', [tenantId]);
  const keys = new TokenKeys([APP_SECRET]);
  const tokens = emails.map(({ id }) => signTracking(keys, { tenantId, emailId: id }));
  return Array.from({ length: count }, (_, i) => {
    const token = tokens[i % tokens.length];
    return i % 3 === 0 ? `/t/c/${token}.${links[i % links.length].id}` : `/t/o/${token}`;
  });
}

export const tracking: Benchmark = {
  name: 'tracking',
  about:
    'pixel and click requests while a campaign sends; the floor is an empty Fastify route under the same load beside the same campaign',
  size: 60_000,
  run: async (size, options) => {
    const children = {
      sink: await startProcess('smtp-sink'),
      load: await startProcess('http-load'),
      empty: await startProcess('empty-fastify'),
    };
    try {
      const mail = { MAIL_PROVIDER: 'smtp', SMTP_URL: `smtp://127.0.0.1:${await children.sink.call<number>('port')}` };
      const prepare: Parameters<typeof Stage.use>[0]['prepare'] = async ({ cluster, tenantId }) => {
        await seedContacts(cluster, tenantId, READ, 'read');
        await seedContacts(cluster, tenantId, SENDING, 'all');
      };
      return await Stage.use({ options, mail, prepare }, (stage) => measure(stage, size, children));
    } finally {
      await Promise.all(Object.values(children).map((child) => child.stop()));
    }
  },
};

async function measure(stage: Stage, size: number, { sink, load, empty }: Record<'sink' | 'load' | 'empty', Child>) {
  const { api, cluster } = stage;
  const email = await templateEmail(stage);
  const campaign = async (group: string) => api.campaign({ name: group, segmentId: await api.segment(group, inGroup(group)) }, [email]);
  const [readId, sendingId] = [await campaign('read'), await campaign('all')];
  await api.launch(readId);
  await untilSent(stage, readId, READ, 120_000);
  await cluster.settle('contacts', 'emails', 'campaign_contacts');
  const ours = Number(new URL(stage.product.baseUrl).port);
  const floorPort = await empty.call<number>('port');
  const hits = await paths(stage, readId, size);
  const run = (port: number, some: string[], rate?: number) =>
    load.call<LoadResult>('load', { port, paths: some, connections: CONNECTIONS, maxMs: MAX_MS, rate });

  const quiet = { floor: await run(floorPort, hits), ours: await run(ours, hits.slice(0, size / 4)) };
  await sink.call('reset');
  await api.launch(sendingId);
  await sink.call('waitFor', { count: 1_000, deadlineMs: 60_000 });
  const floor = await run(floorPort, hits);
  const meter = stage.meter({ name: load.name, pid: load.pid }, { name: sink.name, pid: sink.pid });
  const busy = await run(ours, hits);
  const processes = meter.read();
  const steady = await run(ours, hits.slice(0, STEADY_RATE * 10), STEADY_RATE);
  const { count } = await sink.call<{ count: number }>('stats');
  if (count >= SENDING) throw new Error('the campaign was over before the load: make it larger');

  const answered = quiet.ours.ok + busy.ok + steady.ok;
  const refused = [quiet.ours, busy, steady].flatMap(({ other }) => Object.entries(other));
  const stored = () =>
    cluster.value<number>(`SELECT (SELECT count(*) FROM email_events WHERE source IN ('pixel', 'link'))::int
                                + (SELECT coalesce(sum(hit_count), 0) FROM hit_batches)::int`);
  await until('hits to be stored', async () => (await stored()) >= answered, { deadlineMs: 5_000 }).catch(() => undefined);
  const rate = (result: LoadResult) => result.ok / result.seconds;
  return {
    lines: [
      { what: 'while a campaign sends', unit: 'requests/s', ours: rate(busy), floor: rate(floor), target: { atLeast: 0.5 } },
      { what: 'with nothing else going on', unit: 'requests/s', ours: rate(quiet.ours), floor: rate(quiet.floor) },
      { what: `p99 at ${STEADY_RATE} requests/s while a campaign sends`, unit: 'ms', ours: steady.p99, target: { atMost: 50 } },
      { what: `p99 at full speed over ${CONNECTIONS} connections`, unit: 'ms', ours: busy.p99, floor: floor.p99 },
      { what: 'hits lost after a 2xx or 3xx', unit: 'hits', ours: answered - (await stored()), target: { atMost: 0 } },
    ],
    processes,
    notes: [`Other answers: ${refused.length === 0 ? 'none' : JSON.stringify(refused)}`, ...(await stage.notes())],
  };
}
