import type pg from 'pg';
import type { Cluster } from './cluster.js';
import { seedContacts } from './seed.js';
import { until } from './wait.js';

/** Mail goes out in the ten days before and after the clocks change there: to the hour, and by half an hour. */
export const ZONES = [
  { timezone: 'Europe/Berlin', change: '2026-03-29T01:00:00Z' },
  { timezone: 'America/New_York', change: '2026-03-08T07:00:00Z' },
  { timezone: 'Australia/Lord_Howe', change: '2026-04-04T15:00:00Z' },
];
const CAMPAIGNS_PER_ZONE = 10;
const EVENTS_PER_MESSAGE = 6;
/** One in so many events is told to the product, which applies it to the ledger as it does any event; the others are written as it would. */
const TOLD_TO_PRODUCT = 10;
/** One in so many messages is with the provider when the first event comes: nobody has said yet that it went out. */
const UNDER_WAY = 50;
const BATCH = 20_000;

/**
 * Campaigns that are over (the first has half of all mail), their messages, and what will be told of them in which order: `bench.subjects`, `bench.mail`
 * and `bench.history`, which are all that the naive recount knows. In a schema of its own, where nobody looks who secures the product's tables.
 */
export async function makeHistory(cluster: Cluster, tenantId: string, size: number): Promise<void> {
  const messages = Math.ceil(size / EVENTS_PER_MESSAGE);
  await seedContacts(cluster, tenantId, messages);
  await cluster.sql.query('SELECT setseed(0.42)');
  await cluster.sql.query(`SELECT ensure_email_event_partitions('2026-02-01', 4)`);
  await cluster.sql.query('CREATE SCHEMA bench');
  await makeCampaigns(cluster, tenantId);
  await makeMail(cluster, tenantId);
  await makeEvents(cluster, size, messages);
  await cluster.settle('contacts', 'emails', 'campaign_contacts', 'campaigns', 'campaign_steps', 'bench.mail', 'bench.history');
}

/** Each with a step under test, and one that is not. */
async function makeCampaigns({ sql }: Cluster, tenantId: string): Promise<void> {
  await sql.query(
    'CREATE TABLE bench.subjects (place serial, campaign_id uuid, step_ids uuid[], variant_ids uuid[], timezone text, change timestamptz)',
  );
  for (const { timezone, change } of ZONES) {
    await sql.query(
      `WITH c AS (
         INSERT INTO campaigns (tenant_id, name, campaign_type, status, timezone, from_email, from_name, launched_at, launch_state, completed_at)
         SELECT $1, 'Past ' || i, 'drip', 'completed', $2, 'news@shop.example', 'The Shop', $3::timestamptz - interval '11 days', 'enrolled', $3
           FROM generate_series(1, $4::int) i RETURNING id
       ), s AS (
         INSERT INTO campaign_steps (tenant_id, campaign_id, step_order, step_type, subject_line)
         SELECT $1, c.id, n, 'email', 'Hello' FROM c, generate_series(1, 2) n RETURNING id, campaign_id, step_order
       ), v AS (
         INSERT INTO step_variants (tenant_id, step_id, name, weight, position)
         SELECT $1, s.id, chr(65 + n), 50, n FROM s, generate_series(0, 1) n WHERE s.step_order = 1 RETURNING id, step_id)
       INSERT INTO bench.subjects (campaign_id, step_ids, variant_ids, timezone, change)
       SELECT campaign_id, array_agg(id ORDER BY step_order), (SELECT array_agg(v.id) FROM v WHERE v.step_id = ANY (array_agg(s.id))), $2, $3
         FROM s GROUP BY campaign_id`,
      [tenantId, timezone, change, CAMPAIGNS_PER_ZONE],
    );
  }
}

async function makeMail({ sql }: Cluster, tenantId: string): Promise<void> {
  await sql.query(
    `CREATE TABLE bench.mail (email_id uuid PRIMARY KEY DEFAULT uuidv7(), n int UNIQUE, campaign_id uuid, contact_id uuid, to_email text, step_id uuid,
       variant_id uuid, sent_at timestamptz, is_under_way boolean)`,
  );
  await sql.query(
    `INSERT INTO bench.mail (n, campaign_id, contact_id, to_email, step_id, variant_id, sent_at, is_under_way)
     SELECT k.n, s.campaign_id, k.id, k.email, s.step_ids[1 + x.step], CASE WHEN x.step = 0 THEN s.variant_ids[1 + (k.n / 7 % 2)::int] END,
            date_trunc('second', s.change + (random() * 20 - 10) * interval '1 day'), k.n % $3 = 0
       FROM (SELECT id, email, row_number() OVER (ORDER BY id) AS n FROM contacts WHERE tenant_id = $1) k
      CROSS JOIN LATERAL (SELECT (k.n / 3 % 2)::int AS step) x
       JOIN bench.subjects s ON s.place = CASE WHEN k.n % 2 = 0 THEN 1 ELSE 2 + k.n / 2 % ($2::int - 1) END`,
    [tenantId, ZONES.length * CAMPAIGNS_PER_ZONE, UNDER_WAY],
  );
  await sql.query(
    `WITH who AS (
       INSERT INTO campaign_contacts (tenant_id, campaign_id, contact_id, status, enrolled_at, started_at, completed_at)
       SELECT $1, campaign_id, contact_id, 'completed', sent_at, sent_at, sent_at FROM bench.mail RETURNING id, contact_id)
     INSERT INTO emails (tenant_id, id, campaign_id, step_id, variant_id, contact_id, enrollment_id, to_email, status, due_at, created_at, sending_at,
       sent_at, settled_at, lease_token, lease_expires_at)
     SELECT $1, m.email_id, m.campaign_id, m.step_id, m.variant_id, m.contact_id, w.id, m.to_email, CASE WHEN is_under_way THEN 'sending' ELSE 'sent' END,
            sent_at, sent_at, sent_at, CASE WHEN NOT is_under_way THEN sent_at END, CASE WHEN NOT is_under_way THEN sent_at END,
            CASE WHEN is_under_way THEN uuidv7() END, CASE WHEN is_under_way THEN '2099-01-01'::timestamptz END
       FROM bench.mail m JOIN who w USING (contact_id)`,
    [tenantId],
  );
  // Each test was decided after a third of its messages; the winner's report then counts those planned until then.
  await sql.query(
    `INSERT INTO ab_decisions (tenant_id, step_id, campaign_id, version, status, started_at, outcome, winner_variant_id, decided_at, decided_by, released_at)
     SELECT $1, s.id, s.campaign_id, s.version, 'decided', m.first, 'manual', b.variant_ids[1], m.decided, 'bench', m.decided
       FROM bench.subjects b JOIN campaign_steps s ON s.id = b.step_ids[1] CROSS JOIN LATERAL (
         SELECT min(sent_at) AS first, percentile_disc(0.33) WITHIN GROUP (ORDER BY sent_at) AS decided FROM bench.mail WHERE step_id = s.id) m`,
    [tenantId],
  );
  await sql.query(
    `INSERT INTO tracked_links (tenant_id, id, url, url_hash)
     SELECT $1, 'link' || i, 'https://shop.example/offers/' || i, sha256(('https://shop.example/offers/' || i)::bytea) FROM generate_series(1, 20) i`,
    [tenantId],
  );
}

/** The n-th event of a message comes n times five hours after it, so none stands beside another; `seq` is the order in which they become known. */
async function makeEvents({ sql }: Cluster, size: number, messages: number): Promise<void> {
  await sql.query(
    `CREATE TABLE bench.history AS
     SELECT row_number() OVER (ORDER BY random()) AS seq, m.email_id, m.campaign_id, m.step_id, m.contact_id, m.sent_at, t.type, t.is_machine,
            CASE WHEN type = 'bounced' THEN t.class END AS class, CASE WHEN type = 'clicked' AND link > 2 THEN 'link' || link END AS link_id,
            CASE WHEN type = 'clicked' THEN 'https://shop.example/offers/' || link END AS url,
            m.sent_at + interval '1 minute' + (t.nth - 1) * interval '5 hours' + date_trunc('second', t.late * interval '4 hours') AS at
       FROM (SELECT n, late, link, row_number() OVER (PARTITION BY n) AS nth,
                    CASE WHEN kind < 0.25 THEN 'delivered' WHEN kind < 0.65 THEN 'opened' WHEN kind < 0.85 THEN 'clicked' WHEN kind < 0.90 THEN 'bounced'
                         WHEN kind < 0.94 THEN 'replied' WHEN kind < 0.96 THEN 'complained' ELSE 'unsubscribed' END AS type,
                    kind BETWEEN 0.5 AND 0.70 AS is_machine, CASE WHEN class < 0.3 THEN 'hard' WHEN class < 0.5 THEN 'block' ELSE 'soft' END AS class
               FROM (SELECT (1 + floor(random() * ${messages}))::int AS n, random() AS kind, random() AS late, random() AS class,
                            (1 + floor(random() * random() * 20))::int AS link FROM generate_series(1, ${size})) drawn) t
       JOIN bench.mail m USING (n)`,
  );
  await sql.query('CREATE INDEX ON bench.history (seq)');
}

/**
 * Tells all of it, shuffled and in batches, each followed by a twentieth of what was told before. A part goes through the product, at the same time and about
 * the same messages as the rest, which is written by sets as the product would (the earliest instant of each kind, the worst end): what counts them are
 * the triggers on those statements.
 */
export async function tellHistory(cluster: Cluster, tenantId: string, size: number): Promise<void> {
  const { sql } = cluster;
  await sql.query(`${INTO_EVENTS} ${eventsOf('NULL', 'NULL')} WHERE seq % ${TOLD_TO_PRODUCT} = 0 ORDER BY seq ON CONFLICT DO NOTHING`, [
    tenantId,
  ]);
  // What they knew of was written before there was one.
  await sql.query('ANALYZE email_events');
  for (let from = 1; from <= size; from += BATCH) await tellBatch(sql, tenantId, from);
  const isApplied = () => cluster.value<boolean>('SELECT NOT EXISTS (SELECT FROM email_events WHERE applied_at IS NULL)');
  await until('all events to be applied', isApplied, { everyMs: 500, deadlineMs: 1_800_000 });
}

async function tellBatch(sql: pg.Client, tenantId: string, from: number): Promise<void> {
  const isOfBatch = `seq % ${TOLD_TO_PRODUCT} <> 0 AND (seq >= ${from} AND seq < ${from + BATCH})`;
  const isOld = `seq < ${from} AND seq >= ${from - BATCH} AND seq % 20 = 1`;
  await sql.query('BEGIN');
  // In the product's order, so that nobody waits in a circle.
  await sql.query(
    `SELECT FROM emails WHERE tenant_id = $1 AND id IN (SELECT email_id FROM bench.history WHERE ${isOfBatch}) ORDER BY tenant_id, id FOR UPDATE`,
    [tenantId],
  );
  await sql.query(
    `${INTO_EVENTS} ${eventsOf('campaign_id', 'now()')} WHERE (${isOfBatch}) OR (${isOld}) ORDER BY seq ON CONFLICT DO NOTHING`,
    [tenantId],
  );
  await sql.query(
    `UPDATE emails e SET ${Object.entries(EARLIEST)
      .map(([column]) => `${column} = least(e.${column}, t.${column})`)
      .join(', ')},
            sent_at = coalesce(e.sent_at, e.sending_at), settled_at = coalesce(e.settled_at, now()),
            status = CASE WHEN least(e.bounced_at, t.bounced_at) IS NULL THEN 'delivered' ELSE 'bounced' END,
            reason = CASE greatest(array_position(${WORST}, e.reason::text), t.worst) WHEN 1 THEN 'bounce_soft' WHEN 2 THEN 'bounce_block' WHEN 3 THEN 'bounce_hard' END
       FROM (SELECT email_id, ${Object.entries(EARLIEST)
         .map(([column, which]) => `min(at) FILTER (WHERE ${which}) AS ${column}`)
         .join(', ')},
                    max(array_position(${WORST}, 'bounce_' || class)) AS worst
               FROM bench.history WHERE ${isOfBatch} GROUP BY 1) t
      WHERE e.tenant_id = $1 AND e.id = t.email_id`,
    [tenantId],
  );
  await sql.query('COMMIT');
}

const INTO_EVENTS = `INSERT INTO email_events (tenant_id, email_id, campaign_id, applied_at, type, source, occurred_at, received_at, dedupe_key, is_machine,
  machine_reason, bounce_class, link_id, url)`;
const eventsOf = (campaignId: string, appliedAt: string) => `
  SELECT $1, email_id, ${campaignId}, ${appliedAt}, type, 'page', at, now() - random() * interval '1 hour', type || ' ' || email_id || ' ' || at, is_machine,
         CASE WHEN is_machine THEN 'user_agent' END, class, link_id, url FROM bench.history`;
const EARLIEST = {
  delivered_at: `type <> 'bounced'`,
  bounced_at: `type = 'bounced'`,
  complained_at: `type = 'complained'`,
  unsubscribed_at: `type = 'unsubscribed'`,
  first_opened_at: `type = 'opened'`,
  first_human_opened_at: `type = 'opened' AND NOT is_machine`,
  first_clicked_at: `type = 'clicked'`,
  first_human_clicked_at: `type = 'clicked' AND NOT is_machine`,
  replied_at: `type = 'replied'`,
};
const WORST = `ARRAY['bounce_soft', 'bounce_block', 'bounce_hard']`;
