import type { Benchmark } from '../lib/benchmark.js';
import { ledger, templateEmail, untilSent } from '../lib/campaigns.js';
import type { Child } from '../../support/child.js';
import { startProcess } from '../lib/processes.js';
import { Meter, totalCpu } from '../lib/meter.js';
import type { Options } from '../lib/options.js';
import type { Line, Outcome } from '../lib/report.js';
import { inGroup, seedContacts } from '../lib/seed.js';
import { Stage } from '../lib/stage.js';
import { seconds } from '../lib/wait.js';

const WARM_UP = 1_000;
const DEADLINE_MS = 300_000;

interface Rate {
  rate: number;
  /** Of all processes, the sink included. */
  cpuMicros: number;
}

interface Sent extends Rate {
  sample: string;
  outcome: Pick<Outcome, 'processes' | 'notes'>;
}

/** From the launch request to the last message in the sink. A small campaign before it warms code and connections, as the floors are warmed. */
async function send(stage: Stage, sink: Child, size: number): Promise<Sent> {
  const { api, cluster } = stage;
  const email = await templateEmail(stage);
  const campaign = async (group: string) => api.campaign({ name: group, segmentId: await api.segment(group, inGroup(group)) }, [email]);
  const warmUp = await campaign('warm');
  const campaignId = await campaign('all');
  await api.launch(warmUp);
  await untilSent(stage, warmUp, WARM_UP, DEADLINE_MS);
  await cluster.settle('contacts', 'emails', 'campaign_contacts');
  await sink.call('reset');
  const meter = stage.meter({ name: sink.name, pid: sink.pid });
  const took = await seconds(async () => {
    await api.launch(campaignId);
    await sink.call('waitFor', { count: size, deadlineMs: DEADLINE_MS });
  });
  const processes = meter.read();
  await untilSent(stage, campaignId, size, 60_000);
  const { count, bytes } = await sink.call<{ count: number; bytes: number }>('stats');
  if (count !== size)
    throw new Error(`the sink has ${count} messages instead of ${size}; ledger ${JSON.stringify(await ledger(stage, campaignId))}`);
  const pulse = await sink.call<number[]>('pulse');
  const notes = [
    `A message has ${Math.round(bytes / count).toLocaleString('en-US')} bytes on the wire.`,
    `Messages in each quarter of a second since the launch: ${pulse.join(' ')}`,
    ...(await stage.notes()),
  ];
  return {
    rate: size / took,
    cpuMicros: (totalCpu(processes) / size) * 1e6,
    sample: await sink.call<string>('sample'),
    outcome: { processes, notes },
  };
}

const seed = (size: number): Parameters<typeof Stage.use>[0]['prepare'] => {
  return async ({ cluster, tenantId }) => {
    await seedContacts(cluster, tenantId, WARM_UP, 'warm');
    await seedContacts(cluster, tenantId, size, 'all');
  };
};

/** A floor: the same number of messages after a warm-up, once the product has stopped. */
async function blast(file: string, sink: Child, size: number, argument: Record<string, unknown>): Promise<Rate> {
  const child = await startProcess(file);
  try {
    await child.call('blast', { ...argument, count: WARM_UP });
    const meter = new Meter([child, sink]);
    const { seconds: took } = await child.call<{ seconds: number }>('blast', { ...argument, count: size });
    return { rate: size / took, cpuMicros: (totalCpu(meter.read()) / size) * 1e6 };
  } finally {
    await child.stop();
  }
}

/** The comparison of rates, which has a target, and that of CPU, which explains it. */
const compare = (what: string, ours: Rate, floor: Rate, atLeast: number): Line[] => [
  { what: `against ${what}`, unit: 'messages/s', ours: ours.rate, floor: floor.rate, target: { atLeast } },
  { what: `CPU of all processes, against ${what}`, unit: 'µs/message', ours: ours.cpuMicros, floor: floor.cpuMicros },
];

async function withSink<T>(file: string, work: (sink: Child, port: number) => Promise<T>): Promise<T> {
  const sink = await startProcess(file);
  try {
    return await work(sink, await sink.call<number>('port'));
  } finally {
    await sink.stop();
  }
}

export const deliverSmtp: Benchmark = {
  name: 'deliver-smtp',
  about: 'personalised messages from launch to the last one in an SMTP sink',
  size: 20_000,
  run: (size, options: Options) =>
    withSink(options.sink === 'minimal' ? 'smtp-sink' : 'smtp-server-sink', async (sink, port) => {
      const mail = { MAIL_PROVIDER: 'smtp', SMTP_URL: `smtp://127.0.0.1:${port}` };
      const { sample, outcome, ...ours } = await Stage.use({ options, mail, prepare: seed(size) }, (stage) => send(stage, sink, size));
      const connections = Number(options.env.SMTP_CONNECTIONS ?? 8);
      const raw = await blast('smtp-blast', sink, size, { port, connections, sample, build: false });
      const built = await blast('smtp-blast', sink, size, { port, connections, sample, build: true });
      return {
        lines: [...compare('ready-made raw messages', ours, raw, 0.6), ...compare('nodemailer building each message', ours, built, 1.3)],
        ...outcome,
      };
    }),
};

export const deliverSendgrid: Benchmark = {
  name: 'deliver-sendgrid',
  about: 'personalised messages from launch to the last one in a double of POST /v3/mail/send',
  size: 20_000,
  run: (size, options: Options) =>
    withSink('sendgrid-sink', async (sink, port) => {
      const mail = { MAIL_PROVIDER: 'sendgrid', SENDGRID_API_KEY: 'SG.bench', SENDGRID_BASE_URL: `http://127.0.0.1:${port}` };
      const { sample, outcome, ...ours } = await Stage.use({ options, mail, prepare: seed(size) }, (stage) => send(stage, sink, size));
      const connections = Number(options.env.SENDGRID_CONNECTIONS ?? 16);
      const floor = await blast('http-blast', sink, size, { port, connections, sample });
      return {
        lines: compare('undici with ready-made bodies', ours, floor, 0.4),
        ...outcome,
      };
    }),
};
