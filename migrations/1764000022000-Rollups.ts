import type { MigrationInterface, QueryRunner } from 'typeorm';

const NOBODY = `'00000000-0000-0000-0000-000000000000'::uuid`;

/** What is counted: the name of the column, and on what. Of `emails` the moment it happened; of `email_events` which events they are. */
const OF_MESSAGES: [string, string][] = [
  ['sent', 'sent_at'],
  ['delivered', 'delivered_at'],
  ['bounced_hard', `CASE WHEN {}reason = 'bounce_hard' THEN {}bounced_at END`],
  ['bounced_block', `CASE WHEN {}reason = 'bounce_block' THEN {}bounced_at END`],
  ['bounced_soft', `CASE WHEN {}reason IN ('bounce_hard', 'bounce_block') THEN NULL ELSE {}bounced_at END`],
  ['unique_opens', 'first_human_opened_at'],
  ['any_opens', 'first_opened_at'],
  ['unique_clicks', 'first_human_clicked_at'],
  ['any_clicks', 'first_clicked_at'],
  ['replies', 'replied_at'],
  ['complaints', 'complained_at'],
  ['unsubscribes', 'unsubscribed_at'],
];
const OF_EVENTS: [string, string][] = [
  ['total_opens', `{}type = 'opened' AND NOT {}is_machine`],
  ['machine_opens', `{}type = 'opened' AND {}is_machine`],
  ['total_clicks', `{}type = 'clicked' AND NOT {}is_machine`],
  ['machine_clicks', `{}type = 'clicked' AND {}is_machine`],
];
const COUNTS = [...OF_MESSAGES, ...OF_EVENTS].map(([name]) => name);

const of = (expression: string, alias: string) =>
  expression.includes('{}') ? expression.replaceAll('{}', `${alias}.`) : `${alias}.${expression}`;
const bucket = (at: string) => `date_bin('15 minutes', ${at}, 'epoch'::timestamptz)`;
const columns = COUNTS.map((name) => `${name} integer NOT NULL DEFAULT 0`).join(', ');
const mailColumns = OF_MESSAGES.map(([name]) => name).join(', ');
const eventColumns = OF_EVENTS.map(([name]) => name).join(', ');

/** `what`, and when it happened, of the row `e`. */
const messageFacts = (alias: string) => OF_MESSAGES.map(([name, at]) => `('${name}', ${of(at, alias)})`).join(', ');
const eventFact = (alias: string) =>
  `CASE WHEN ${OF_EVENTS.map(([name, holds]) => `${of(holds, alias)} THEN '${name}'`).join(' WHEN ')} END`;
const sums = (names: [string, string][], n: string) =>
  names.map(([name]) => `coalesce(sum(${n}) FILTER (WHERE what = '${name}'), 0)`).join(', ');

const mailReason = (alias: string) =>
  `CASE WHEN ${alias}.status IN ('queued', 'sending', 'sent', 'delivered') THEN '' ELSE coalesce(${alias}.reason, '') END`;
const personState = (alias: string) =>
  `CASE WHEN ${alias}.status IN ('enrolled', 'active', 'paused') THEN 'waiting' ELSE ${alias}.status END`;
const personReason = (alias: string) => `CASE WHEN ${alias}.status = 'exited' THEN coalesce(${alias}.exit_reason, '') ELSE '' END`;
/** Nobody has planned a message of the step for this contact. A scalar subquery, so that it is one look into an index whatever the planner thinks. */
const unplanned = (alias: string) => `CASE WHEN ${alias}.status IN ('exited', 'failed') THEN (
    SELECT m.id FROM emails m WHERE m.tenant_id = ${alias}.tenant_id AND m.enrollment_id = ${alias}.id AND m.step_id = ${alias}.current_step_id LIMIT 1) IS NULL
  ELSE ${alias}.next_email_scheduled_at IS NOT NULL END`;
const person = (alias: string) => `${alias}.tenant_id, ${alias}.campaign_id, coalesce(${alias}.current_step_id, ${NOBODY}) AS step_id,
  ${personState(alias)} AS state, ${personReason(alias)} AS reason, ${unplanned(alias)} AS is_unplanned, ${alias}.entry_number > 1 AS has_reentered`;

/**
 * Rollups that are exact at every committed instant and never recount. Triggers on the three tables that are counted write what a statement
 * changed, summed up, into two append-only tables in the same statement: whoever changes a row, nobody can forget to count it, and nobody waits
 * for a counter. A worker folds those deltas into the totals every few seconds; a report adds the two. The views say what the numbers mean,
 * from scratch.
 */
export class Rollups1764000022000 implements MigrationInterface {
  name = 'Rollups1764000022000';

  async up(q: QueryRunner): Promise<void> {
    await createTables(q);
    await createViews(q);
    await createTriggers(q);
    await fill(q);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TRIGGER count_enrollments_inserted ON campaign_contacts`);
    await q.query(`DROP TRIGGER count_enrollments_updated ON campaign_contacts`);
    await q.query(`DROP TRIGGER count_events_inserted ON email_events`);
    await q.query(`DROP TRIGGER count_events_updated ON email_events`);
    await q.query(`DROP TRIGGER count_emails_inserted ON emails`);
    await q.query(`DROP TRIGGER count_emails_updated ON emails`);
    await q.query(`DROP FUNCTION count_enrollments(), count_email_events(), count_emails()`);
    await q.query(`DROP VIEW analytics_facts, analytics_state_facts`);
    await q.query(`DROP TABLE analytics_deltas, analytics_state_deltas, analytics_buckets, analytics_steps, analytics_states`);
  }
}

/**
 * Quarters of an hour, because that is what days of all zones (:30, :45) are made of. The deltas have no foreign keys: they are written with every
 * batch of mail, and a lock on the campaign's row would be one more thing for all of them to share. Deltas of a campaign that is gone are dropped when
 * they are folded.
 */
async function createTables(q: QueryRunner): Promise<void> {
  await q.query(`
    CREATE TABLE analytics_deltas (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL DEFAULT uuidv7(),
      campaign_id uuid NOT NULL,
      step_id uuid NOT NULL,
      variant_id uuid NOT NULL,
      bucket timestamptz NOT NULL,
      sent_bucket timestamptz,
      ${columns},
      CONSTRAINT pk_analytics_deltas PRIMARY KEY (tenant_id, campaign_id, id)
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`);
  await q.query(`
    CREATE TABLE analytics_state_deltas (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL DEFAULT uuidv7(),
      campaign_id uuid NOT NULL,
      step_id uuid NOT NULL,
      kind varchar(10) NOT NULL,
      state varchar(20) NOT NULL,
      reason varchar(255) NOT NULL DEFAULT '',
      n integer NOT NULL,
      CONSTRAINT pk_analytics_state_deltas PRIMARY KEY (tenant_id, campaign_id, id)
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`);
  await q.query(`
    CREATE TABLE analytics_buckets (
      tenant_id uuid NOT NULL,
      campaign_id uuid NOT NULL,
      cohort varchar(5) NOT NULL,
      bucket timestamptz NOT NULL,
      ${columns},
      is_dirty boolean NOT NULL DEFAULT false,
      CONSTRAINT pk_analytics_buckets PRIMARY KEY (tenant_id, campaign_id, cohort, bucket),
      CONSTRAINT ck_analytics_buckets_cohort CHECK (cohort IN ('event', 'send')),
      CONSTRAINT fk_analytics_buckets_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE
    ) WITH (fillfactor = 80)`);
  await q.query(`CREATE INDEX idx_analytics_buckets_dirty ON analytics_buckets (tenant_id, campaign_id, bucket) WHERE is_dirty`);
  await q.query(`
    CREATE TABLE analytics_steps (
      tenant_id uuid NOT NULL,
      campaign_id uuid NOT NULL,
      step_id uuid NOT NULL,
      variant_id uuid NOT NULL,
      ${columns},
      CONSTRAINT pk_analytics_steps PRIMARY KEY (tenant_id, campaign_id, step_id, variant_id),
      CONSTRAINT fk_analytics_steps_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE
    ) WITH (fillfactor = 80)`);
  await q.query(`
    CREATE TABLE analytics_states (
      tenant_id uuid NOT NULL,
      campaign_id uuid NOT NULL,
      step_id uuid NOT NULL,
      kind varchar(10) NOT NULL,
      state varchar(20) NOT NULL,
      reason varchar(255) NOT NULL DEFAULT '',
      n integer NOT NULL,
      CONSTRAINT pk_analytics_states PRIMARY KEY (tenant_id, campaign_id, step_id, kind, state, reason),
      CONSTRAINT ck_analytics_states_kind CHECK (kind IN ('mail', 'person')),
      CONSTRAINT fk_analytics_states_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE
    ) WITH (fillfactor = 80)`);
  for (const table of ['analytics_deltas', 'analytics_state_deltas', 'analytics_buckets', 'analytics_steps', 'analytics_states']) {
    await q.query(`SELECT enable_tenant_isolation('${table}')`);
  }
}

/** The definition of every number: one row for each thing counted. By way of the enrolments where mail that was never sent is in no index by campaign. */
async function createViews(q: QueryRunner): Promise<void> {
  await q.query(`
    CREATE VIEW analytics_facts WITH (security_invoker = true) AS
    SELECT e.tenant_id, e.campaign_id, e.step_id, coalesce(e.variant_id, ${NOBODY}) AS variant_id, ${bucket('m.at')} AS bucket,
           ${bucket('e.sent_at')} AS sent_bucket, m.what
      FROM emails e CROSS JOIN LATERAL (VALUES ${messageFacts('e')}) AS m (what, at)
     WHERE e.sent_at IS NOT NULL AND m.at IS NOT NULL
     UNION ALL
    SELECT v.tenant_id, v.campaign_id, e.step_id, coalesce(e.variant_id, ${NOBODY}), ${bucket('v.occurred_at')}, ${bucket('e.sent_at')}, ${eventFact('v')}
      FROM email_events v JOIN emails e ON e.tenant_id = v.tenant_id AND e.id = v.email_id
     WHERE v.campaign_id IS NOT NULL AND v.type IN ('opened', 'clicked')`);
  await q.query(`
    CREATE VIEW analytics_state_facts WITH (security_invoker = true) AS
    SELECT n.tenant_id, n.campaign_id, e.step_id, 'mail' AS kind, e.status::text AS state, ${mailReason('e')}::text AS reason
      FROM campaign_contacts n JOIN emails e ON e.tenant_id = n.tenant_id AND e.enrollment_id = n.id
     UNION ALL
    SELECT p.tenant_id, p.campaign_id, p.step_id, 'person', x.state, x.reason
      FROM (SELECT ${person('n')} FROM campaign_contacts n) p
     CROSS JOIN LATERAL (VALUES (p.state::text, p.reason::text, true), ('unplanned', '', p.is_unplanned), ('reentered', '', p.has_reentered)) AS x (state, reason, holds)
     WHERE x.holds`);
}

/**
 * One statement in, at most one row out for each (step, variant, quarter of an hour). The settings stand for the plans: PostgreSQL keeps one plan a
 * connection and makes it when it sees the first statement, which may have changed one row of a table still empty; the next changes thousands.
 * Old and new rows are hashed, other tables looked up by their keys.
 */
async function createTriggers(q: QueryRunner): Promise<void> {
  const settings = 'SET enable_nestloop = off SET enable_mergejoin = off SET enable_seqscan = off';
  const keys = `tenant_id, campaign_id, step_id, variant_id, bucket, sent_bucket`;
  const states = `INSERT INTO analytics_state_deltas (tenant_id, campaign_id, step_id, kind, state, reason, n)`;
  const messageKeys = (alias: string) =>
    `${alias}.tenant_id, ${alias}.campaign_id, ${alias}.step_id, coalesce(${alias}.variant_id, ${NOBODY}) AS variant_id`;
  const mailCells = (rows: string, sign: string) =>
    `SELECT tenant_id, campaign_id, step_id, status, ${mailReason('r')} AS reason, ${sign}count(*) AS n FROM ${rows} r GROUP BY 1, 2, 3, 4, 5`;
  const names = `ARRAY[${OF_MESSAGES.map(([name]) => `'${name}'`).join(', ')}]`;
  const moments = (alias: string) => `ARRAY[${OF_MESSAGES.map(([, at]) => of(at, alias)).join(', ')}]`;
  const side = (at: string, sent: string, n: string) =>
    `SELECT tenant_id, campaign_id, step_id, variant_id, ${bucket(at)} AS bucket, ${bucket(sent)} AS sent_bucket, what, ${n} AS n
            FROM moved WHERE ${at} IS NOT NULL AND ${sent} IS NOT NULL`;

  // A message counts once it was sent. What else is known of it counts from then on, so a message whose time of sending comes to be known (or moves)
  // takes its events along to the right cohort.
  await q.query(`
    CREATE FUNCTION count_emails() RETURNS trigger LANGUAGE plpgsql ${settings} AS $$
    DECLARE has_moved boolean;
    BEGIN
      IF TG_OP = 'INSERT' THEN
        ${states} SELECT tenant_id, campaign_id, step_id, 'mail', status, reason, n FROM (${mailCells('new_rows', '')}) c;
        INSERT INTO analytics_deltas (${keys}, ${mailColumns})
        SELECT ${keys}, ${sums(OF_MESSAGES, '1')} FROM (
          SELECT ${messageKeys('e')}, ${bucket('m.at')} AS bucket, ${bucket('e.sent_at')} AS sent_bucket, m.what
            FROM new_rows e CROSS JOIN LATERAL (VALUES ${messageFacts('e')}) AS m (what, at) WHERE e.sent_at IS NOT NULL AND m.at IS NOT NULL) f
         GROUP BY ${keys};
        RETURN NULL;
      END IF;
      ${states}
      SELECT tenant_id, campaign_id, step_id, 'mail', status, reason, sum(n)
        FROM (${mailCells('old_rows', '-')} UNION ALL ${mailCells('new_rows', '')}) c GROUP BY 1, 2, 3, 5, 6 HAVING sum(n) <> 0;
      WITH moved AS MATERIALIZED (
        SELECT * FROM (
          SELECT ${messageKeys('n')}, o.sent_at AS was_sent, n.sent_at AS is_sent, unnest(${names}) AS what, unnest(${moments('o')}) AS was, unnest(${moments('n')}) AS now
            FROM old_rows o JOIN new_rows n ON n.tenant_id = o.tenant_id AND n.id = o.id
           WHERE o.sent_at IS NOT NULL OR n.sent_at IS NOT NULL) x
         WHERE was IS DISTINCT FROM now OR (was_sent IS DISTINCT FROM is_sent AND now IS NOT NULL)
      ), counted AS (
        INSERT INTO analytics_deltas (${keys}, ${mailColumns})
        SELECT ${keys}, ${sums(OF_MESSAGES, 'n')} FROM (
          ${side('was', 'was_sent', '-1')}
           UNION ALL
          ${side('now', 'is_sent', '1')}) f
         GROUP BY ${keys}
      )
      SELECT coalesce(bool_or(was_sent IS DISTINCT FROM is_sent AND what IN ('any_opens', 'any_clicks') AND now IS NOT NULL), false) INTO has_moved FROM moved;
      IF has_moved THEN
        INSERT INTO analytics_deltas (${keys}, ${eventColumns})
        SELECT ${keys}, ${sums(OF_EVENTS, 'n')} FROM (
          SELECT ${messageKeys('n')}, ${bucket('v.occurred_at')} AS bucket, ${bucket('y.sent')} AS sent_bucket, v.what, y.n
            FROM old_rows o JOIN new_rows n ON n.tenant_id = o.tenant_id AND n.id = o.id
           CROSS JOIN LATERAL (
             SELECT v.occurred_at, ${eventFact('v')} AS what FROM email_events v
              WHERE v.tenant_id = n.tenant_id AND v.email_id = n.id AND v.campaign_id IS NOT NULL AND v.type IN ('opened', 'clicked') OFFSET 0) v
           CROSS JOIN LATERAL (VALUES (o.sent_at, -1), (n.sent_at, 1)) AS y (sent, n)
           WHERE o.sent_at IS DISTINCT FROM n.sent_at AND (n.first_opened_at IS NOT NULL OR n.first_clicked_at IS NOT NULL)) f
         GROUP BY ${keys};
      END IF;
      RETURN NULL;
    END $$`);

  const events = (from: string, n: string) => `
        INSERT INTO analytics_deltas (${keys}, ${eventColumns})
        SELECT ${keys}, ${sums(OF_EVENTS, 'n')} FROM (
          SELECT v.tenant_id, v.campaign_id, e.step_id, coalesce(e.variant_id, ${NOBODY}) AS variant_id, ${bucket('v.occurred_at')} AS bucket,
                 ${bucket('e.sent_at')} AS sent_bucket, ${eventFact('v')} AS what, ${n} AS n
            FROM ${from} CROSS JOIN LATERAL (
              SELECT m.step_id, m.variant_id, m.sent_at FROM emails m WHERE m.tenant_id = v.tenant_id AND m.id = v.email_id OFFSET 0) e
           WHERE v.campaign_id IS NOT NULL AND v.type IN ('opened', 'clicked')) f
         GROUP BY ${keys}`;
  const judgedAnew = `(SELECT x.* FROM (
            SELECT o.*, -1 AS n, n.campaign_id AS other_campaign, n.is_machine AS other_machine FROM old_rows o JOIN new_rows n ON n.tenant_id = o.tenant_id AND n.id = o.id
             UNION ALL
            SELECT n.*, 1, o.campaign_id, o.is_machine FROM old_rows o JOIN new_rows n ON n.tenant_id = o.tenant_id AND n.id = o.id) x
           WHERE x.campaign_id IS DISTINCT FROM x.other_campaign OR x.is_machine <> x.other_machine) v`;
  await q.query(`
    CREATE FUNCTION count_email_events() RETURNS trigger LANGUAGE plpgsql ${settings} AS $$
    BEGIN
      IF TG_OP = 'INSERT' THEN
        ${events('new_rows v', '1')};
      ELSE
        ${events(judgedAnew, 'v.n')};
      END IF;
      RETURN NULL;
    END $$`);

  const personCells = (rows: string, sign: string) => `
        SELECT tenant_id, campaign_id, step_id, state, reason, is_unplanned, has_reentered, ${sign}count(*) AS n
          FROM (SELECT ${person('r')} FROM ${rows} r) p GROUP BY 1, 2, 3, 4, 5, 6, 7`;
  const people = (cells: string) => `${states}
        SELECT tenant_id, campaign_id, step_id, 'person', x.state, x.reason, sum(n) FROM (${cells}) c
         CROSS JOIN LATERAL (VALUES (c.state, c.reason, true), ('unplanned', '', is_unplanned), ('reentered', '', has_reentered)) AS x (state, reason, holds)
         WHERE x.holds GROUP BY 1, 2, 3, 5, 6 HAVING sum(n) <> 0`;
  await q.query(`
    CREATE FUNCTION count_enrollments() RETURNS trigger LANGUAGE plpgsql ${settings} AS $$
    BEGIN
      IF TG_OP = 'INSERT' THEN
        ${people(personCells('new_rows', ''))};
      ELSE
        ${people(`${personCells('old_rows', '-')} UNION ALL ${personCells('new_rows', '')}`)};
      END IF;
      RETURN NULL;
    END $$`);

  for (const [name, table] of [
    ['emails', 'emails'],
    ['email_events', 'email_events'],
    ['enrollments', 'campaign_contacts'],
  ]) {
    const trigger = name === 'email_events' ? 'count_events' : `count_${name}`;
    await q.query(`CREATE TRIGGER ${trigger}_inserted AFTER INSERT ON ${table} REFERENCING NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION count_${name}()`);
    await q.query(`CREATE TRIGGER ${trigger}_updated AFTER UPDATE ON ${table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION count_${name}()`);
  }
}

/** What is there already. The triggers' locks on the tables keep everybody from writing meanwhile. */
async function fill(q: QueryRunner): Promise<void> {
  const counts = COUNTS.map((name) => `count(*) FILTER (WHERE what = '${name}')`).join(', ');
  const names = COUNTS.join(', ');
  await q.query(`INSERT INTO analytics_buckets (tenant_id, campaign_id, cohort, bucket, ${names}, is_dirty)
    SELECT tenant_id, campaign_id, 'event', bucket, ${counts}, true FROM analytics_facts GROUP BY 1, 2, 4
     UNION ALL
    SELECT tenant_id, campaign_id, 'send', sent_bucket, ${counts}, false FROM analytics_facts WHERE sent_bucket IS NOT NULL GROUP BY 1, 2, 4`);
  await q.query(`INSERT INTO analytics_steps (tenant_id, campaign_id, step_id, variant_id, ${names})
    SELECT tenant_id, campaign_id, step_id, variant_id, ${counts} FROM analytics_facts GROUP BY 1, 2, 3, 4`);
  await q.query(`INSERT INTO analytics_states (tenant_id, campaign_id, step_id, kind, state, reason, n)
    SELECT tenant_id, campaign_id, step_id, kind, state, reason, count(*) FROM analytics_state_facts GROUP BY 1, 2, 3, 4, 5, 6`);
}
