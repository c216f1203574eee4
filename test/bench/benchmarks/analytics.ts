import { DataSource } from 'typeorm';
import { buildDataSourceOptions } from '../../../src/database/data-source.js';
import { Database } from '../../../src/database/index.js';
import { AnalyticsService } from '../../../src/modules/analytics/analytics.service.js';
import { DaysQueries } from '../../../src/modules/analytics/days.queries.js';
import { RollupQueries } from '../../../src/modules/analytics/rollup.queries.js';
import { Rollup } from '../../../src/modules/analytics/rollup.service.js';
import { StepCountersQueries } from '../../../src/modules/steps/index.js';
import { SystemClock } from '../../../src/shared/clock.js';
import { SystemRandom } from '../../../src/shared/random.js';
import type { Benchmark } from '../lib/benchmark.js';
import type { Cluster } from '../lib/cluster.js';
import { makeHistory, tellHistory } from '../lib/history.js';
import { Recount } from '../lib/recount.js';
import type { Line } from '../lib/report.js';
import { Stage } from '../lib/stage.js';
import { seconds, until } from '../lib/wait.js';

const REPORTS = 300;
const REQUESTS = 40;
const REPORT_MS = 100;
/** It consists of five reports. */
const PAGE_MS = 300;

export const analytics: Benchmark = {
  name: 'analytics',
  about:
    'a history of events, late, shuffled and repeated, in three zones over a change of the clocks: every number against a naive recount',
  size: 1_000_000,
  run: (size, options) =>
    Stage.use({ options, prepare: ({ cluster, tenantId }) => makeHistory(cluster, tenantId, size) }, (stage) => measure(stage, size)),
};

async function measure(stage: Stage, size: number) {
  const { cluster, tenantId, api } = stage;
  const meter = stage.meter();
  const applying = await seconds(() => tellHistory(cluster, tenantId, size));
  const processes = meter.read();
  await until('the links to be counted', async () => {
    const stale = `SELECT count(*)::int FROM analytics_link_counts WHERE version <> counted_version`;
    return (await cluster.value<number>('SELECT count(*)::int FROM analytics_deltas')) === 0 && (await cluster.value<number>(stale)) === 0;
  });
  const recount = await Recount.of(cluster, api);
  const comparing = await seconds(() => recount.compareReports());
  const campaigns = recount.subjects.map(({ campaignId }) => campaignId);
  await cluster.settle('analytics_buckets', 'analytics_steps', 'analytics_states', 'email_events', 'emails');
  const requests = [
    ...(await reportTimes(stage, campaigns)),
    ...(await requestTimes(stage, campaigns)),
    ...(await exportTimes(stage, campaigns[0])),
  ];
  const fresh = await freshness(stage, campaigns[0]);
  await stage.product.stop();
  const jobs = await derive(cluster, tenantId, recount);
  return {
    lines: [
      { what: 'numbers answered that differ from the naive recount', unit: 'numbers', ours: recount.wrong.length, target: { atMost: 0 } },
      { what: 'days stored that differ from the naive recount', unit: 'days', ours: jobs.wrongDays, target: { atMost: 0 } },
      { what: 'the same after all days were computed anew', unit: 'days', ours: jobs.wrongDaysAnew, target: { atMost: 0 } },
      { what: 'the same after a rebuild', unit: 'days', ours: jobs.wrongAfterRebuild, target: { atMost: 0 } },
      { what: 'rollups that differ from the ledger and the events', unit: 'numbers', ours: jobs.differences, target: { atMost: 0 } },
      { what: 'from an event to the report that shows it', unit: 's', ours: fresh, target: { atMost: 5 } },
      ...requests,
      { what: 'the daily job over all days', unit: 's', ours: jobs.daily, target: { atMost: 10 } },
      { what: 'rebuild from the ledger and the events', unit: 's', ours: jobs.rebuild },
      { what: 'events told, a tenth by way of the product', unit: 'events/s', ours: size / applying },
    ],
    processes,
    notes: [
      `${recount.compared.toLocaleString('en-US')} numbers answered were compared in ${Math.round(comparing)} s; ${jobs.days} days are stored.`,
      ...recount.wrong.slice(0, 10),
      ...(await stage.notes()),
    ],
  };
}

/** One more opening, and how long until the report has it. */
async function freshness({ cluster, tenantId, api }: Stage, campaignId: string): Promise<number> {
  const opens = async () =>
    (await api.get<{ totals: { totalOpens: number } }>(`/api/campaigns/${campaignId}/analytics?startDate=2026-02-01&endDate=2026-06-01`))
      .totals.totalOpens;
  const before = await opens();
  // Of a message that people have opened before, so that it is one more opening and nothing else.
  const opened = `SELECT email_id FROM bench.history WHERE campaign_id = $1 AND type = 'opened' AND NOT is_machine LIMIT 1`;
  const emailId = await cluster.value<string>(opened, [campaignId]);
  const { rowCount } = await cluster.sql.query(
    `WITH told AS (
       INSERT INTO bench.facts (campaign_id, step_id, sent_at, what, at)
       SELECT campaign_id, step_id, sent_at, 'totalOpens', sent_at + interval '20 days' FROM bench.history WHERE campaign_id = $2 AND email_id = $3 LIMIT 1 RETURNING at)
     INSERT INTO email_events (tenant_id, email_id, type, source, occurred_at, dedupe_key) SELECT $1, $3, 'opened', 'page', at, 'late ' || $3 FROM told`,
    [tenantId, campaignId, emailId],
  );
  if (rowCount !== 1) throw new Error('the late event was not stored');
  return seconds(() =>
    until('the report to show the event', async () => (await opens()) === before + 1, { everyMs: 20, deadlineMs: 60_000 }),
  );
}

const FORMS = [
  'startDate=2025-06-01&endDate=2026-05-31',
  'startDate=2026-02-01&endDate=2026-06-01&timezone=Asia/Kathmandu',
  'startDate=2026-02-01&endDate=2026-06-01&granularity=week&cohort=send',
  'granularity=hour&startDate=2026-03-15&endDate=2026-04-10',
];

/** Reports of all campaigns in turn; and of the first, which has half of all mail, beside another, which has a fifty-eighth. */
async function reportTimes({ api }: Stage, campaigns: string[]): Promise<Line[]> {
  const ask = (campaignId: string, i: number) => api.get(`/api/campaigns/${campaignId}/analytics?${FORMS[i % FORMS.length]}`);
  const all = await times(REPORTS, (i) => ask(campaigns[i % campaigns.length], i));
  const small = await times(REQUESTS, (i) => ask(campaigns[1], i));
  const big = await times(REQUESTS, (i) => ask(campaigns[0], i));
  return [
    { what: 'report, 95 of 100', unit: 'ms', ours: at(all, 0.95), target: { atMost: REPORT_MS } },
    {
      what: 'report of a campaign with 29 times as much mail, median',
      unit: 'ms',
      ours: at(big, 0.5),
      floor: at(small, 0.5),
      target: { atMost: 1.5 },
    },
  ];
}

/** What else is asked of the first campaign. The ledger is counted at that moment, as that is what it is for, so it grows with it. */
async function requestTimes({ api }: Stage, campaigns: string[]): Promise<Line[]> {
  const [campaignId] = campaigns;
  const asked = {
    'summary in the campaign': `/api/campaigns/${campaignId}`,
    hours: `/api/campaigns/${campaignId}/analytics/hours?startDate=2026-02-01&endDate=2026-06-01`,
    links: `/api/campaigns/${campaignId}/analytics/links`,
    variants: `/api/campaigns/${campaignId}/analytics/variants`,
    'comparison of ten': `/api/analytics/compare?campaignIds=${campaigns.slice(0, 10).join(',')}`,
    'report page': `/campaigns/${campaignId}/report`,
    ledger: `/api/campaigns/${campaignId}/ledger`,
  };
  const lines: Line[] = [];
  for (const [name, path] of Object.entries(asked)) {
    const taken = await times(REQUESTS, async () => (await api.open(path)).text());
    const target = name === 'ledger' ? undefined : { atMost: name === 'report page' ? PAGE_MS : REPORT_MS };
    lines.push({ what: `${name}, 95 of 100`, unit: 'ms', ours: at(taken, 0.95), target });
  }
  return lines;
}

/** The longest lists there are, as fast as a client takes them. */
async function exportTimes(stage: Stage, campaignId: string): Promise<Line[]> {
  const { api, cluster } = stage;
  const lines: Line[] = [];
  for (const [list, from] of Object.entries({ events: 'history', recipients: 'mail' })) {
    const expected = await cluster.value<number>(`SELECT count(*)::int FROM bench.${from} WHERE campaign_id = $1`, [campaignId]);
    let ends = 0;
    const taken = await seconds(async () => {
      for await (const piece of (await api.open(`/api/campaigns/${campaignId}/analytics/${list}.csv`)).body!) {
        for (const byte of piece) if (byte === LINE_END) ends++;
      }
    });
    if (ends !== expected + 1) throw new Error(`${list}.csv has ${ends - 1} rows instead of ${expected}`);
    lines.push({ what: `${list} of the first campaign as CSV`, unit: 'rows/s', ours: expected / taken });
  }
  const [ofApi] = stage.meter().read();
  return [...lines, { what: 'memory of the API after that, at its highest', unit: 'MB', ours: ofApi.peakRssMb! }];
}

const LINE_END = 10;

async function times(count: number, ask: (i: number) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < count; i++) taken.push(1000 * (await seconds(() => ask(i))));
  return taken.sort((a, b) => a - b);
}

const at = (sorted: number[], share: number): number => sorted[Math.floor(sorted.length * share)];

/** The days that changed, the daily job over everything at once, and the rebuild, in this process; each compared with the naive recount. */
async function derive(cluster: Cluster, tenantId: string, recount: Recount) {
  const dataSource = await new DataSource(buildDataSourceOptions(cluster.databaseEnv.WORKER_DATABASE_URL)).initialize();
  try {
    const db = new Database(dataSource, new SystemRandom());
    const rollups = new RollupQueries();
    const rollup = new Rollup(db, rollups, new StepCountersQueries());
    const service = new AnalyticsService(db, new SystemClock(), new DaysQueries(), rollups, rollup, {} as never);
    await service.refreshDays();
    const wrongDays = await recount.wrongDays();
    await cluster.sql.query(`UPDATE analytics_buckets SET is_dirty = true WHERE cohort = 'event'`);
    await cluster.sql.query('DELETE FROM campaign_analytics');
    const daily = await seconds(() => service.refreshDays());
    const wrongDaysAnew = await recount.wrongDays();
    const rebuild = await seconds(() => service.rebuild(tenantId));
    const differences = await db.inTenant(tenantId, (tx) => rollups.differences(tx, tenantId, null), { statementTimeoutMs: 600_000 });
    return {
      daily,
      wrongDays,
      wrongDaysAnew,
      rebuild,
      wrongAfterRebuild: await recount.wrongDays(),
      differences: differences.reduce((sum, { count }) => sum + count, 0),
      days: await cluster.value<number>('SELECT count(*)::int FROM campaign_analytics'),
    };
  } finally {
    await dataSource.destroy();
  }
}
