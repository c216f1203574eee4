import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { StepCounters } from '../steps/index.js';
import { addedColumns, columnList, recountedColumns, ROLLUP_COLUMNS, summedColumns } from './rollup-columns.js';

export interface CampaignOfTenant {
  tenantId: string;
  campaignId: string;
}

export interface StepTally extends StepCounters {
  tenantId: string;
  stepId: string;
}

export interface Folded {
  /** Deltas taken; fewer than asked for means that there are no more. */
  taken: number;
  /** Campaigns whose counts changed. */
  campaigns: CampaignOfTenant[];
}

const INTO_BUCKETS = `INSERT INTO analytics_buckets AS b (tenant_id, campaign_id, cohort, bucket, ${columnList}, is_dirty)`;
const INTO_STEPS = `INSERT INTO analytics_steps AS s (tenant_id, campaign_id, step_id, variant_id, ${columnList})`;
const INTO_LINK_COUNTS = `INSERT INTO analytics_link_counts AS l (tenant_id, campaign_id)`;
const BY_BUCKET = (from: string) => `
  SELECT tenant_id, campaign_id, 'event', bucket, ${summedColumns}, true FROM ${from} GROUP BY tenant_id, campaign_id, bucket
   UNION ALL
  SELECT tenant_id, campaign_id, 'send', sent_bucket, ${summedColumns}, false FROM ${from} WHERE sent_bucket IS NOT NULL GROUP BY tenant_id, campaign_id, sent_bucket`;
const BY_STEP = (from: string) =>
  `SELECT tenant_id, campaign_id, step_id, variant_id, ${summedColumns} FROM ${from} GROUP BY tenant_id, campaign_id, step_id, variant_id`;

/** The rows of one campaign, or of all of a tenant: `$1` and `$2`. */
const SCOPE = `tenant_id = $1 AND ($2::uuid IS NULL OR campaign_id = $2)`;
const VALUES = `ARRAY[${ROLLUP_COLUMNS.map((column) => `coalesce(sum(${column}), 0)`).join(', ')}]::bigint[]`;
const RECOUNTED = `ARRAY[${ROLLUP_COLUMNS.map((column) => `count(*) FILTER (WHERE what = '${column}')`).join(', ')}]::bigint[]`;
const NONE = `array_fill(0::bigint, ARRAY[${ROLLUP_COLUMNS.length}])`;

/** Folds what the triggers wrote into the totals, and makes them anew from scratch. */
@Injectable()
export class RollupQueries {
  /** Whether this transaction is the one that folds; the others have nothing to do then. Held until it ends. */
  async tryLock(tx: Tx): Promise<boolean> {
    return (await row<{ won: boolean }>(tx, `SELECT pg_try_advisory_xact_lock(${LOCK}) AS won`))!.won;
  }

  /** Waits until nobody folds, and keeps it so until the transaction ends. */
  async lock(tx: Tx): Promise<void> {
    await rows(tx, `SELECT pg_advisory_xact_lock(${LOCK})`);
  }

  /**
   * System scope, with the lock. Takes up to `limit` deltas and adds them to the buckets and steps: one statement, so that no reader ever misses
   * or doubles one. Deltas of campaigns that are gone go too.
   */
  async fold(tx: Tx, limit: number): Promise<Folded> {
    const folded = await row<{ taken: number; campaigns: CampaignOfTenant[] | null }>(
      tx,
      `WITH taken AS (
         DELETE FROM analytics_deltas WHERE ctid = ANY (ARRAY(SELECT ctid FROM analytics_deltas LIMIT $1)) RETURNING *
       ), known AS MATERIALIZED (
         SELECT t.* FROM taken t WHERE EXISTS (SELECT FROM campaigns c WHERE c.tenant_id = t.tenant_id AND c.id = t.campaign_id)
       ), buckets AS (
         ${INTO_BUCKETS} ${BY_BUCKET('known')}
         ON CONFLICT (tenant_id, campaign_id, cohort, bucket) DO UPDATE SET ${addedColumns('b')}, is_dirty = b.is_dirty OR excluded.is_dirty
       ), steps AS (
         ${INTO_STEPS} ${BY_STEP('known')}
         ON CONFLICT (tenant_id, campaign_id, step_id, variant_id) DO UPDATE SET ${addedColumns('s')}
       ), clicked AS (
         ${INTO_LINK_COUNTS} SELECT DISTINCT tenant_id, campaign_id FROM known WHERE total_clicks <> 0 OR machine_clicks <> 0
         ON CONFLICT (tenant_id, campaign_id) DO UPDATE SET version = l.version + 1
       )
       SELECT (SELECT count(*)::int FROM taken) AS taken,
              (SELECT json_agg(DISTINCT jsonb_build_object('tenantId', tenant_id, 'campaignId', campaign_id)) FROM known) AS campaigns`,
      [limit],
    );
    return { taken: folded!.taken, campaigns: folded!.campaigns ?? [] };
  }

  /** The same for the states. Returns how many deltas were taken. */
  async foldStates(tx: Tx, limit: number): Promise<number> {
    const folded = await row<{ taken: number }>(
      tx,
      `WITH taken AS (
         DELETE FROM analytics_state_deltas WHERE ctid = ANY (ARRAY(SELECT ctid FROM analytics_state_deltas LIMIT $1)) RETURNING *
       ), states AS (
         INSERT INTO analytics_states AS s (tenant_id, campaign_id, step_id, kind, state, reason, n)
         SELECT t.tenant_id, t.campaign_id, t.step_id, t.kind, t.state, t.reason, sum(t.n) FROM taken t
          WHERE EXISTS (SELECT FROM campaigns c WHERE c.tenant_id = t.tenant_id AND c.id = t.campaign_id)
          GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(t.n) <> 0
         ON CONFLICT (tenant_id, campaign_id, step_id, kind, state, reason) DO UPDATE SET n = s.n + excluded.n
       )
       SELECT count(*)::int AS taken FROM taken`,
      [limit],
    );
    return folded!.taken;
  }

  /** What the counters on the steps of these campaigns should say, zeros included. System scope. */
  tallies(tx: Tx, campaigns: readonly CampaignOfTenant[]): Promise<StepTally[]> {
    return rows<StepTally>(
      tx,
      `SELECT st.tenant_id AS "tenantId", st.id AS "stepId", coalesce(sum(s.sent), 0)::int AS "emailsSent",
              coalesce(sum(s.delivered), 0)::int AS "emailsDelivered", coalesce(sum(s.total_opens), 0)::int AS opens,
              coalesce(sum(s.total_clicks), 0)::int AS clicks, coalesce(sum(s.replies), 0)::int AS replies,
              coalesce(sum(s.unsubscribes), 0)::int AS unsubscribes
         FROM unnest($1::uuid[], $2::uuid[]) AS c (tenant_id, campaign_id)
         JOIN campaign_steps st ON st.tenant_id = c.tenant_id AND st.campaign_id = c.campaign_id AND st.step_type = 'email'
         LEFT JOIN analytics_steps s ON s.tenant_id = st.tenant_id AND s.campaign_id = st.campaign_id AND s.step_id = st.id
        GROUP BY 1, 2 ORDER BY 1, 2`,
      [campaigns.map(({ tenantId }) => tenantId), campaigns.map(({ campaignId }) => campaignId)],
    );
  }

  /** Every campaign that has ever been launched, of one tenant or of all. System scope. */
  listLaunched(tx: Tx, tenantId: string | null): Promise<CampaignOfTenant[]> {
    return rows<CampaignOfTenant>(
      tx,
      `SELECT tenant_id AS "tenantId", id AS "campaignId" FROM campaigns
        WHERE launched_at IS NOT NULL AND ($1::uuid IS NULL OR tenant_id = $1) ORDER BY tenant_id, id`,
      [tenantId],
    );
  }

  /** Keeps everybody from folding. Takes no snapshot, so it may be the first statement of a repeatable read. */
  async shut(tx: Tx): Promise<void> {
    await rows(tx, 'LOCK TABLE analytics_buckets IN SHARE ROW EXCLUSIVE MODE');
  }

  /**
   * Makes the rollups of one campaign anew, from the ledger, the events and the enrolments. In a repeatable read behind `shut`: what was written
   * before its snapshot is recounted and its deltas go; what comes after stays as a delta.
   */
  async recount(tx: Tx, { tenantId, campaignId }: CampaignOfTenant): Promise<void> {
    const of = [tenantId, campaignId];
    for (const table of ['analytics_deltas', 'analytics_state_deltas', 'analytics_buckets', 'analytics_steps', 'analytics_states']) {
      await affected(tx, `DELETE FROM ${table} WHERE tenant_id = $1 AND campaign_id = $2`, of);
    }
    await rows(
      tx,
      `WITH fact AS MATERIALIZED (
         SELECT tenant_id, campaign_id, step_id, variant_id, bucket, sent_bucket, ${recountedColumns} FROM analytics_facts
          WHERE tenant_id = $1 AND campaign_id = $2 GROUP BY 1, 2, 3, 4, 5, 6
       ), buckets AS (${INTO_BUCKETS} ${BY_BUCKET('fact')}), steps AS (${INTO_STEPS} ${BY_STEP('fact')}) SELECT`,
      of,
    );
    await affected(
      tx,
      `INSERT INTO analytics_states (tenant_id, campaign_id, step_id, kind, state, reason, n)
       SELECT tenant_id, campaign_id, step_id, kind, state, reason, count(*) FROM analytics_state_facts
        WHERE tenant_id = $1 AND campaign_id = $2 GROUP BY 1, 2, 3, 4, 5, 6`,
      of,
    );
    // Links are counted by themselves.
    await affected(
      tx,
      `${INTO_LINK_COUNTS} VALUES ($1, $2) ON CONFLICT (tenant_id, campaign_id) DO UPDATE SET version = l.version + 1`,
      of,
    );
  }

  /**
   * How many numbers of each campaign differ from a recount at this moment; campaigns whose numbers are right are missing. Reads everything that
   * is counted.
   */
  differences(tx: Tx, tenantId: string, campaignId: string | null): Promise<{ campaignId: string; count: number; example: string }[]> {
    const part = (name: string, key: string, values: string, from: string, where = 'true') =>
      `SELECT campaign_id, '${name}' AS part, ${key} AS key, ${values} AS numbers FROM ${from} WHERE ${where} GROUP BY 1, 3 HAVING ${values} <> ${NONE}`;
    const step = `step_id || ' ' || variant_id`;
    const state = `step_id || ' ' || kind || ' ' || state || ' ' || reason`;
    const isSent = 'sent_bucket IS NOT NULL';
    return rows(
      tx,
      `WITH fact AS MATERIALIZED (SELECT * FROM analytics_facts WHERE ${SCOPE}),
       kept AS MATERIALIZED (SELECT * FROM analytics_buckets WHERE ${SCOPE}),
       delta AS MATERIALIZED (SELECT * FROM analytics_deltas WHERE ${SCOPE}),
       event AS (SELECT campaign_id, bucket, ${columnList} FROM kept WHERE cohort = 'event' UNION ALL SELECT campaign_id, bucket, ${columnList} FROM delta),
       send AS (SELECT campaign_id, bucket, ${columnList} FROM kept WHERE cohort = 'send'
         UNION ALL SELECT campaign_id, sent_bucket, ${columnList} FROM delta WHERE ${isSent}),
       step AS (SELECT campaign_id, step_id, variant_id, ${columnList} FROM analytics_steps WHERE ${SCOPE}
         UNION ALL SELECT campaign_id, step_id, variant_id, ${columnList} FROM delta),
       expected AS (
         ${part('event', 'bucket::text', RECOUNTED, 'fact')} UNION ALL ${part('send', 'sent_bucket::text', RECOUNTED, 'fact', isSent)}
          UNION ALL ${part('step', step, RECOUNTED, 'fact')}
          UNION ALL SELECT campaign_id, 'state', ${state}, ARRAY[count(*)] FROM analytics_state_facts WHERE ${SCOPE} GROUP BY 1, 3),
       stored AS (
         ${part('event', 'bucket::text', VALUES, 'event')} UNION ALL ${part('send', 'bucket::text', VALUES, 'send')}
          UNION ALL ${part('step', step, VALUES, 'step')}
          UNION ALL SELECT campaign_id, 'state', ${state}, ARRAY[sum(n)]::bigint[] FROM (
            SELECT campaign_id, step_id, kind, state, reason, n FROM analytics_states WHERE ${SCOPE}
             UNION ALL SELECT campaign_id, step_id, kind, state, reason, n FROM analytics_state_deltas WHERE ${SCOPE}) x GROUP BY 1, 3 HAVING sum(n) <> 0)
       SELECT campaign_id AS "campaignId", count(DISTINCT (part, key))::int AS count, min(part || ' ' || key) AS example
         FROM ((TABLE expected EXCEPT TABLE stored) UNION ALL (TABLE stored EXCEPT TABLE expected)) differs GROUP BY 1`,
      [tenantId, campaignId],
    );
  }
}

const LOCK = `hashtextextended('campaign-engine:analytics', 0)`;
