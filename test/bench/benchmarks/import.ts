import { chownSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Benchmark } from '../lib/benchmark.js';
import type { Cluster } from '../lib/cluster.js';
import { totalCpu } from '../lib/meter.js';
import { peakNodeRss, Stage } from '../lib/stage.js';
import { seconds } from '../lib/wait.js';

interface Report {
  created: number;
  updated: number;
  unchanged: number;
  rejected: number;
}

const row = (i: number) => [
  `person.${i}@mail.example`,
  `Ada ${i}`,
  'Lovelace',
  `Company ${i % 1000}`,
  i % 2 ? 'pro' : 'free',
  `City ${i % 300}`,
];

/** Writes the rows as COPY wants them, where the server can read them. */
function copyFile(cluster: Cluster, tenantId: string, size: number): string {
  const path = join(cluster.dataDir, 'postgres', 'bench.csv');
  const lines = Array.from({ length: size }, (_, n) => {
    const [email, first, last, company, plan, city] = row(n + 1);
    const attributes = JSON.stringify({ company, plan, city }).replaceAll('"', '""');
    return `${tenantId},${email},${email},${first},${last},"${attributes}"`;
  });
  writeFileSync(path, `${lines.join('\n')}\n`);
  const { uid, gid } = statSync(join(cluster.dataDir, 'postgres'));
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
  return path;
}

/** COPY into the empty table, as often as asked; the first round only warms files and caches. */
async function floor(stage: Stage, size: number): Promise<{ rate: number; cpu: number }> {
  const { cluster, tenantId } = stage;
  const path = copyFile(cluster, tenantId, size);
  let took = 0;
  let cpu = 0;
  for (let round = 0; round < 2; round++) {
    await cluster.sql.query('TRUNCATE contacts CASCADE');
    await cluster.settle('contacts');
    const meter = stage.meter();
    took = await seconds(() =>
      cluster.sql.query(`COPY contacts (tenant_id, email, email_norm, first_name, last_name, attributes) FROM '${path}' WITH (FORMAT csv)`),
    );
    cpu = totalCpu(meter.read());
  }
  await cluster.sql.query('TRUNCATE contacts CASCADE');
  await cluster.settle('contacts');
  return { rate: size / took, cpu: micros(cpu, size) };
}

const micros = (cpu: number, size: number): number => (cpu / size) * 1e6;

export const importContacts: Benchmark = {
  name: 'import',
  about: 'a CSV through POST /api/contacts/import, then the same file again',
  size: 200_000,
  run: (size, options) =>
    Stage.use({ options, workers: 0 }, async (stage) => {
      const { rate: floorRate, cpu: floorCpu } = await floor(stage, size);
      const lines = Array.from({ length: size }, (_, n) => row(n + 1).join(','));
      const file = new Blob([`email,firstName,lastName,company,plan,city\n${lines.join('\n')}\n`]);
      const upload = async (expected: keyof Report): Promise<number> => {
        let report: Report | undefined;
        const took = await seconds(async () => (report = await stage.api.upload<Report>('/api/contacts/import', file, 'text/csv')));
        if (report?.[expected] !== size) throw new Error(`expected ${size} ${expected}: ${JSON.stringify(report)}`);
        return size / took;
      };
      const meter = stage.meter();
      const first = await upload('created');
      const processes = meter.read();
      const second = await upload('unchanged');
      const rss = peakNodeRss(stage.meter().read());
      return {
        lines: [
          { what: 'first import', unit: 'rows/s', ours: first, floor: floorRate, target: { atLeast: 0.35 } },
          { what: 'same file again', unit: 'rows/s', ours: second, floor: floorRate, target: { atLeast: 0.35 } },
          { what: 'CPU of all processes, first import', unit: 'µs/row', ours: micros(totalCpu(processes), size), floor: floorCpu },
          { what: 'peak memory of Node', unit: 'MB', ours: rss, target: { atMost: 250 } },
        ],
        processes,
        notes: ['Processes: first import only.', ...(await stage.notes())],
      };
    }),
};
