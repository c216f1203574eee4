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
import { seedContacts } from '../lib/seed.js';
import { Stage } from '../lib/stage.js';
import { seconds, until } from '../lib/wait.js';

/** Mail goes out in the ten days before and after the clocks change there: to the hour, and by half an hour. */
const ZONES = [
  { timezone: 'Europe/Berlin', change: '2026-03-29T01:00:00Z' },
  { timezone: 'America/New_York', change: '2026-03-08T07:00:00Z' },
  { timezone: 'Australia/Lord_Howe', change: '2026-04-04T15:00:00Z' },
];
const CAMPAIGNS_PER_ZONE = 10;
const EVENTS_PER_MESSAGE = 6;
const REPORTS = 300;

export const analytics: Benchmark = {
  name: 'analytics',
  about:
    'a history of events, late, shuffled and repeated, in three zones over a change of the clocks: every number against a naive recount',
  size: 1_000_000,
  run: (size, options) => Stage.use({ options, prepare: (stage) => prepare(stage, size) }, (stage) => measure(stage, size)),
};

/** Campaigns that are over, their messages, and what will be told of them: `history`, which only the naive recount reads afterwards. */
async function prepare({ cluster, tenantId }: { cluster: Cluster; tenantId: string }, size: number): Promise<void> {
  const messages = Math.ceil(size / EVENTS_PER_MESSAGE);
  const run = (sql: string, params: unknown[] = []) => cluster.sql.query(sql, params);
  await seedContacts(cluster, tenantId, messages);
  await run('SELECT setseed(0.42)');
  await run(`SELECT ensure_email_event_partitions('2026-02-01', 4)`);
  // Where nobody looks who secures the product's tables.
  await run('CREATE SCHEMA bench');
  await run('CREATE TABLE bench.subjects (place serial, campaign_id uuid, step_id uuid, timezone text, change timestamptz)');
  for (const { timezone, change } of ZONES) {
    await run(
      `WITH c AS (
         INSERT INTO campaigns (tenant_id, name, campaign_type, status, timezone, from_email, from_name, launched_at, launch_state, completed_at)
         SELECT $1, 'Past ' || i, 'drip', 'completed', $2, 'news@shop.example', 'The Shop', $3::timestamptz - interval '11 days', 'enrolled', $3
           FROM generate_series(1, $4::int) i RETURNING id
       ), s AS (
         INSERT INTO campaign_steps (tenant_id, campaign_id, step_order, step_type, subject_line) SELECT $1, id, 1, 'email', 'Hello' FROM c RETURNING id, campaign_id)
       INSERT INTO bench.subjects (campaign_id, step_id, timezone, change) SELECT campaign_id, id, $2, $3 FROM s`,
      [tenantId, timezone, change, CAMPAIGNS_PER_ZONE],
    );
  }
  await run(
    `WITH k AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM contacts WHERE tenant_id = $1),
     who AS (
       INSERT INTO campaign_contacts (tenant_id, campaign_id, contact_id, status, current_step_id, enrolled_at, started_at, completed_at)
       SELECT $1, s.campaign_id, k.id, 'completed', NULL, s.change, s.change, s.change FROM k JOIN bench.subjects s ON s.place = 1 + k.n % $2
       RETURNING id, campaign_id, contact_id)
     INSERT INTO emails (tenant_id, campaign_id, step_id, contact_id, enrollment_id, status, due_at, created_at, sending_at, sent_at, settled_at)
     SELECT $1, s.campaign_id, s.step_id, w.contact_id, w.id, 'sent', x.at, x.at, x.at, x.at, x.at
       FROM who w JOIN bench.subjects s USING (campaign_id)
      CROSS JOIN LATERAL (SELECT s.change + (random() * 20 - 10) * interval '1 day' AS at) x`,
    [tenantId, ZONES.length * CAMPAIGNS_PER_ZONE],
  );
  await run(
    `CREATE TABLE bench.history AS
     WITH told AS (SELECT (1 + floor(random() * $2))::int AS n, random() AS kind, random() AS late, random() AS class FROM generate_series(1, $3::int)),
          mail AS (SELECT e.id, e.campaign_id, e.sent_at, row_number() OVER (ORDER BY e.id) AS n FROM emails e WHERE e.tenant_id = $1)
     SELECT m.id AS email_id, m.campaign_id, m.sent_at, t.type, t.is_machine, t.class,
            date_trunc('second', m.sent_at) + interval '1 minute' + (t.nth - 1) * interval '5 hours' + t.late * interval '4 hours' AS at
       FROM (SELECT n, late, row_number() OVER (PARTITION BY n) AS nth,
                    CASE WHEN kind < 0.25 THEN 'delivered' WHEN kind < 0.65 THEN 'opened' WHEN kind < 0.85 THEN 'clicked' WHEN kind < 0.90 THEN 'bounced'
                         WHEN kind < 0.94 THEN 'replied' WHEN kind < 0.96 THEN 'complained' ELSE 'unsubscribed' END AS type,
                    kind BETWEEN 0.5 AND 0.70 AS is_machine, CASE WHEN class < 0.3 THEN 'hard' WHEN class < 0.5 THEN 'block' ELSE 'soft' END AS class
               FROM told) t JOIN mail m USING (n)`
      .replace('$1', `'${tenantId}'`)
      .replace('$2', String(messages))
      .replace('$3', String(size)),
  );
  await cluster.settle('contacts', 'emails', 'campaign_contacts', 'campaigns', 'campaign_steps');
}

async function measure(stage: Stage, size: number) {
  const { cluster, tenantId, api } = stage;
  const tell = `INSERT INTO email_events (tenant_id, email_id, type, source, occurred_at, received_at, dedupe_key, is_machine, machine_reason, bounce_class)
    SELECT $1, email_id, type, 'page', at, now() - random() * interval '1 hour', type || ' ' || email_id || ' ' || at, is_machine,
           CASE WHEN is_machine THEN 'user_agent' END, CASE WHEN type = 'bounced' THEN class END FROM bench.history`;
  const meter = stage.meter();
  const applying = await seconds(async () => {
    await cluster.sql.query(`${tell} ORDER BY random()`, [tenantId]);
    await cluster.sql.query(`${tell} WHERE random() < 0.05 ON CONFLICT DO NOTHING`, [tenantId]);
    const isApplied = () => cluster.value<boolean>('SELECT NOT EXISTS (SELECT FROM email_events WHERE applied_at IS NULL)');
    await until('all events to be applied', isApplied, { everyMs: 1_000, deadlineMs: 3_600_000 });
  });
  const processes = meter.read();
  const fresh = await freshness(stage);
  await cluster.settle('analytics_buckets', 'analytics_steps', 'analytics_states', 'email_events', 'emails');
  const p95 = await reportTimes(stage);
  const jobs = await derive(cluster, tenantId);
  const days = await cluster.value<number>('SELECT count(*)::int FROM campaign_analytics WHERE tenant_id = $1', [tenantId]);
  const answer = await api.get<{ totals: { emailsSent: number } }>(`/api/campaigns/${await someCampaign(cluster)}/analytics`);
  return {
    lines: [
      { what: 'numbers of days that differ from the naive recount', unit: 'days', ours: jobs.wrongDays, target: { atMost: 0 } },
      { what: 'the same after a rebuild', unit: 'days', ours: jobs.wrongAfterRebuild, target: { atMost: 0 } },
      { what: 'rollups that differ from the ledger and the events', unit: 'numbers', ours: jobs.differences, target: { atMost: 0 } },
      { what: 'from an event to the report that shows it', unit: 's', ours: fresh, target: { atMost: 5 } },
      { what: 'report, 95 of 100', unit: 'ms', ours: p95, target: { atMost: 100 } },
      { what: 'the daily job over all days', unit: 's', ours: jobs.daily, target: { atMost: 10 } },
      { what: 'rebuild from the ledger and the events', unit: 's', ours: jobs.rebuild },
      { what: 'events applied', unit: 'events/s', ours: size / applying },
    ],
    processes,
    notes: [
      `${days} days of ${ZONES.length * CAMPAIGNS_PER_ZONE} campaigns; one of them has sent ${answer.totals.emailsSent}.`,
      ...(await stage.notes()),
    ],
  };
}

const someCampaign = (cluster: Cluster): Promise<string> =>
  cluster.value<string>('SELECT campaign_id FROM bench.subjects ORDER BY random() LIMIT 1');

/** One more opening, and how long until the report has it. */
async function freshness({ cluster, tenantId, api }: Stage): Promise<number> {
  const campaignId = await someCampaign(cluster);
  const opens = async () =>
    (await api.get<{ totals: { totalOpens: number } }>(`/api/campaigns/${campaignId}/analytics?startDate=2026-02-01&endDate=2026-06-01`))
      .totals.totalOpens;
  const before = await opens();
  const { rows } = await cluster.sql.query<{ at: Date }>(
    `WITH told AS (
       INSERT INTO bench.history (email_id, campaign_id, sent_at, type, is_machine, class, at)
       SELECT id, campaign_id, sent_at, 'opened', false, 'soft', date_trunc('second', sent_at) + interval '20 days' FROM emails WHERE campaign_id = $2 LIMIT 1 RETURNING *)
     INSERT INTO email_events (tenant_id, email_id, type, source, occurred_at, dedupe_key) SELECT $1, email_id, type, 'page', at, 'late ' || email_id FROM told
     RETURNING occurred_at AS at`,
    [tenantId, campaignId],
  );
  if (rows.length !== 1) throw new Error('the late event was not stored');
  return seconds(() =>
    until('the report to show the event', async () => (await opens()) === before + 1, { everyMs: 20, deadlineMs: 60_000 }),
  );
}

async function reportTimes({ cluster, api }: Stage): Promise<number> {
  const { rows } = await cluster.sql.query<{ campaign_id: string }>('SELECT campaign_id FROM bench.subjects ORDER BY place');
  const asked = [
    'startDate=2025-06-01&endDate=2026-05-31',
    'timezone=Asia/Kathmandu',
    'granularity=week&cohort=send',
    'granularity=hour&startDate=2026-03-15&endDate=2026-04-10',
  ];
  const times: number[] = [];
  for (let i = 0; i < REPORTS; i++) {
    const path = `/api/campaigns/${rows[i % rows.length].campaign_id}/analytics?${asked[i % asked.length]}`;
    times.push(1000 * (await seconds(() => api.get(path))));
  }
  return times.sort((a, b) => a - b)[Math.floor(REPORTS * 0.95)];
}

/** The daily job over everything at once, and the rebuild, in this process; each compared with the naive recount. */
async function derive(cluster: Cluster, tenantId: string) {
  const dataSource = await new DataSource(buildDataSourceOptions(cluster.databaseEnv.WORKER_DATABASE_URL)).initialize();
  try {
    const db = new Database(dataSource, new SystemRandom());
    const rollups = new RollupQueries();
    const rollup = new Rollup(db, rollups, new StepCountersQueries());
    const service = new AnalyticsService(db, new SystemClock(), new DaysQueries(), rollups, rollup, {} as never);
    await cluster.sql.query(`UPDATE analytics_buckets SET is_dirty = true WHERE cohort = 'event'`);
    await cluster.sql.query('DELETE FROM campaign_analytics');
    const daily = await seconds(() => service.refreshDays());
    const wrongDays = await wrong(cluster);
    const rebuild = await seconds(() => service.rebuild(tenantId));
    const differences = await db.inTenant(tenantId, (tx) => rollups.differences(tx, tenantId, null), { statementTimeoutMs: 600_000 });
    return {
      daily,
      wrongDays,
      rebuild,
      wrongAfterRebuild: await wrong(cluster),
      differences: differences.reduce((sum, { count }) => sum + count, 0),
    };
  } finally {
    await dataSource.destroy();
  }
}

/** Days whose row is not what the history says, or is missing, or should be. Knows nothing of ledger, events and rollups. */
async function wrong(cluster: Cluster): Promise<number> {
  const first = (name: string, which: string) =>
    `SELECT '${name}' AS what, campaign_id, email_id, min(at) AS at FROM bench.history WHERE ${which} GROUP BY 2, 3`;
  const names = ['emails_sent', 'emails_delivered', 'emails_bounced', 'unique_opens', 'total_opens', 'unique_clicks', 'total_clicks', 'replies', 'spam_complaints', 'unsubscribes']; // prettier-ignore
  const naive = `
    SELECT f.campaign_id, (f.at AT TIME ZONE s.timezone)::date AS date, ${names.map((name) => `count(*) FILTER (WHERE what = '${name}')::int`).join(', ')}
      FROM (SELECT 'emails_sent' AS what, campaign_id, id, sent_at AS at FROM emails WHERE campaign_id IN (SELECT campaign_id FROM bench.subjects)
            UNION ALL ${first('emails_delivered', `type <> 'bounced'`)} UNION ALL ${first('emails_bounced', `type = 'bounced'`)}
            UNION ALL ${first('unique_opens', `type = 'opened' AND NOT is_machine`)} UNION ALL ${first('unique_clicks', `type = 'clicked' AND NOT is_machine`)}
            UNION ALL ${first('replies', `type = 'replied'`)} UNION ALL ${first('spam_complaints', `type = 'complained'`)}
            UNION ALL ${first('unsubscribes', `type = 'unsubscribed'`)}
            UNION ALL SELECT 'total_opens', campaign_id, email_id, at FROM bench.history WHERE type = 'opened' AND NOT is_machine
            UNION ALL SELECT 'total_clicks', campaign_id, email_id, at FROM bench.history WHERE type = 'clicked' AND NOT is_machine) f
      JOIN bench.subjects s USING (campaign_id) GROUP BY 1, 2`;
  const stored = `SELECT campaign_id, date, ${names.join(', ')} FROM campaign_analytics`;
  return cluster.value<number>(
    `WITH naive AS (${naive}), stored AS (${stored})
     SELECT count(DISTINCT (campaign_id, date))::int FROM ((TABLE naive EXCEPT TABLE stored) UNION ALL (TABLE stored EXCEPT TABLE naive)) differs`,
  );
}
