import { setTimeout as delay } from 'node:timers/promises';
import type { Benchmark } from '../lib/benchmark.js';
import { simpleEmail } from '../lib/campaigns.js';
import type { ProcessUse } from '../lib/meter.js';
import type { Options } from '../lib/options.js';
import { seedContacts } from '../lib/seed.js';
import { Stage } from '../lib/stage.js';

const SMALL = 1_000;
const WINDOW_MS = 20_000;
/** Ticks follow each other closely, so that their cost stands out; the product's default is 250. */
const POLL_MS = 20;

interface Idle {
  /** CPU of PostgreSQL and the worker for each transaction of the pollers. */
  cpuPerTransaction: number;
  /** Time of the query that looks for due campaigns, from a session of our own. */
  scanMs: number;
  processes: ProcessUse[];
}

const SCAN = `SELECT count(*) FROM campaigns c CROSS JOIN LATERAL (
    SELECT 1 FROM campaign_contacts cc WHERE cc.tenant_id = c.tenant_id AND cc.campaign_id = c.id AND cc.status IN ('enrolled', 'active')
      AND cc.next_email_scheduled_at <= now() ORDER BY cc.next_email_scheduled_at LIMIT 1) due
  WHERE c.status = 'active'`;

async function idleWith(waiting: number, options: Options): Promise<Idle> {
  const prepare: Parameters<typeof Stage.use>[0]['prepare'] = ({ cluster, tenantId }) => seedContacts(cluster, tenantId, waiting);
  return Stage.use({ options, prepare, env: { POLL_INTERVAL_MS: String(POLL_MS) } }, async (stage) => {
    const { api, cluster, tenantId } = stage;
    const segmentId = await api.segment('Nobody', { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'none' });
    const wait = { stepType: 'wait', stepName: 'long', waitDuration: { value: 60, unit: 'days' } };
    const campaignId = await api.campaign({ name: 'Waiting', segmentId, campaignType: 'drip' }, [wait, simpleEmail]);
    await api.launch(campaignId);
    await api.post(`/api/campaigns/${campaignId}/pause`);
    const stepId = await cluster.value<string>(`SELECT id FROM campaign_steps WHERE campaign_id = $1 AND step_type = 'wait'`, [campaignId]);
    await cluster.sql.query(
      `INSERT INTO campaign_contacts (tenant_id, campaign_id, contact_id, status, current_step_id, started_at, step_entered_at, next_email_scheduled_at)
       SELECT tenant_id, $2, id, 'active', $3, now(), now(), now() + interval '50 days' FROM contacts WHERE tenant_id = $1`,
      [tenantId, campaignId, stepId],
    );
    await api.post(`/api/campaigns/${campaignId}/resume`);
    await cluster.settle('contacts', 'campaign_contacts');
    // Autovacuum looks in once more after so many new rows; what it does is not the cost of a tick.
    await delay(waiting > 100_000 ? 40_000 : 5_000);
    const transactions = (): Promise<number> =>
      cluster.value<number>(`SELECT (xact_commit + xact_rollback)::int FROM pg_stat_database WHERE datname = current_database()`);
    const meter = stage.meter();
    const before = await transactions();
    await delay(WINDOW_MS);
    const count = (await transactions()) - before;
    const processes = meter.read();
    const busy = processes.filter(({ name }) => name === 'PostgreSQL' || name.startsWith('worker') || options.isSingle);
    const cpu = busy.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    return { cpuPerTransaction: (cpu / count) * 1e6, scanMs: await scanTime(stage), processes };
  });
}

async function scanTime({ cluster }: Stage): Promise<number> {
  const rounds = 200;
  const start = performance.now();
  for (let i = 0; i < rounds; i++) await cluster.sql.query(SCAN);
  return (performance.now() - start) / rounds;
}

export const idle: Benchmark = {
  name: 'idle',
  about: `the ticks of a worker while contacts wait and nobody is due; the floor is the same with ${SMALL}`,
  size: 1_000_000,
  run: async (size, options) => {
    const small = await idleWith(SMALL, options);
    const large = await idleWith(size, options);
    const total = (use: Idle) => use.processes.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / (WINDOW_MS / 1000);
    return {
      lines: [
        {
          what: 'CPU for each transaction of the ticks',
          unit: 'µs',
          ours: large.cpuPerTransaction,
          floor: small.cpuPerTransaction,
          target: { atMost: 1.5 },
        },
        { what: 'search for due campaigns', unit: 'ms', ours: large.scanMs, floor: small.scanMs, target: { atMost: 1.5 } },
        { what: `CPU of all processes, a tick every ${POLL_MS} ms`, unit: 'cores', ours: total(large), floor: total(small) },
      ],
      processes: large.processes,
      notes: [],
    };
  },
};
