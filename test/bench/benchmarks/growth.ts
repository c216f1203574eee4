import type { Benchmark } from '../lib/benchmark.js';
import { templateEmail, untilSent } from '../lib/campaigns.js';
import type { ProcessUse } from '../lib/meter.js';
import type { Options } from '../lib/options.js';
import { spread } from '../lib/report.js';
import { inGroup, seedContacts } from '../lib/seed.js';
import { Stage } from '../lib/stage.js';
import { seconds } from '../lib/wait.js';

const WARM_UP = 1_000;
const SMALL = 10_000;
/** The small size is over in seconds, so it is measured more than once. */
const SMALL_RUNS = 3;

interface Cost {
  microseconds: number;
  cpuMicroseconds: number;
  processes: ProcessUse[];
  notes: string[];
}

async function cost(size: number, options: Options): Promise<Cost> {
  const prepare: Parameters<typeof Stage.use>[0]['prepare'] = async ({ cluster, tenantId }) => {
    await seedContacts(cluster, tenantId, WARM_UP, 'warm');
    await seedContacts(cluster, tenantId, size, 'all');
  };
  return Stage.use({ options, prepare }, async (stage) => {
    const email = await templateEmail(stage);
    const { api } = stage;
    const campaign = async (group: string) => api.campaign({ name: group, segmentId: await api.segment(group, inGroup(group)) }, [email]);
    const [warmUp, campaignId] = [await campaign('warm'), await campaign('all')];
    await api.launch(warmUp);
    await untilSent(stage, warmUp, WARM_UP, 60_000);
    await stage.cluster.settle('contacts', 'emails', 'campaign_contacts');
    const meter = stage.meter();
    const took = await seconds(async () => {
      await api.launch(campaignId);
      await untilSent(stage, campaignId, size, 3_600_000, size > 100_000 ? 500 : 50);
    });
    const processes = meter.read();
    const cpu = processes.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    return { microseconds: (took / size) * 1e6, cpuMicroseconds: (cpu / size) * 1e6, processes, notes: await stage.notes() };
  });
}

export const growth: Benchmark = {
  name: 'growth',
  about: 'enrol + advance + deliver to a null provider at 10k, 100k and 1M; the floor is the cost of a contact at 10k',
  size: 1_000_000,
  run: async (largest, options) => {
    const small: Cost[] = [];
    for (let i = 0; i < SMALL_RUNS; i++) small.push(await cost(SMALL, options));
    const floor = spread(small.map(({ microseconds }) => microseconds)).median;
    const cpuFloor = spread(small.map(({ cpuMicroseconds }) => cpuMicroseconds)).median;
    const sizes = [100_000, 1_000_000].filter((size) => size < largest).concat(largest);
    const lines = [];
    let last: Cost = small[0];
    for (const size of sizes) {
      last = await cost(size, options);
      const what = size.toLocaleString('en-US');
      lines.push({ what: `${what}: time`, unit: 'µs/contact', ours: last.microseconds, floor, target: { atMost: 1.3 } });
      lines.push({ what: `${what}: CPU of all processes`, unit: 'µs/contact', ours: last.cpuMicroseconds, floor: cpuFloor });
    }
    return { lines, processes: last.processes, notes: last.notes };
  },
};
