import { Injectable } from '@nestjs/common';
import { row, rows, type Tx } from '../../database/index.js';
import type { DetailedCounts } from './domain/counts.js';
import type { HourCell } from './domain/heat-map.js';
import { columnList, summedCounts } from './rollup-columns.js';

/** By when it happened, or by when the message was sent. */
export type Cohort = 'event' | 'send';
export type Granularity = 'hour' | 'day' | 'week';

export interface SeriesRequest {
  campaignId: string;
  cohort: Cohort;
  granularity: Granularity;
  timezone: string;
  /** The first instant, and the first one after the last. */
  from: Date;
  to: Date;
}

export interface SeriesRow extends DetailedCounts {
  /** The day, that of the hour, or the Monday of the week (`YYYY-MM-DD`). */
  date: string;
  /** The same; for an hour the instant it begins, in milliseconds as a text. */
  key: string;
}

export interface StepCounts extends DetailedCounts {
  stepId: string;
}

export interface VariantCounts extends DetailedCounts {
  variantId: string;
}

/** So many messages or people are at a step in this state, for this reason (or none: ''). */
export interface StateCount {
  stepId: string;
  kind: 'mail' | 'person';
  state: string;
  reason: string;
  count: number;
}

const BUCKET_OF: Record<Cohort, string> = { event: 'bucket', send: 'sent_bucket' };
/** An hour of a zone begins where its clock says so, also in zones that are half an hour off; one that comes twice is two hours. */
const KEY_OF: Record<Granularity, string> = {
  hour: `(extract(epoch FROM at - ((at AT TIME ZONE $5) - date_trunc('hour', at AT TIME ZONE $5))) * 1000)::bigint::text`,
  day: `(at AT TIME ZONE $5)::date::text`,
  week: `date_trunc('week', at AT TIME ZONE $5)::date::text`,
};
/** Where clocks move by half an hour, an hour of the zone can begin at its middle. */
const TOLD_AS: Record<Granularity, string> = { ...KEY_OF, hour: `(extract(epoch FROM min(at)) * 1000)::bigint::text` };
const DATE_OF: Record<Granularity, string> = {
  hour: `(at AT TIME ZONE $5)::date`,
  day: `(at AT TIME ZONE $5)::date`,
  week: `date_trunc('week', at AT TIME ZONE $5)::date`,
};

/**
 * The numbers as they are at this moment: what has been rolled up, and what has not been folded in yet, in one statement and so of one instant.
 * What it costs depends on the quarters of an hour in which something happened, not on how much did.
 */
@Injectable()
export class BucketsQueries {
  /** Only days and weeks in which something happened; all hours. Throws SQLSTATE 22023 for a zone the server does not know. */
  series(tx: Tx, tenantId: string, s: SeriesRequest): Promise<SeriesRow[]> {
    const at = BUCKET_OF[s.cohort];
    const hours = `UNION ALL SELECT h, ${columnList.replaceAll(/\w+/g, '0')} FROM generate_series($3, $4 - interval '1 second', interval '15 minutes') h`;
    return rows<SeriesRow>(
      tx,
      `WITH counted AS (
         SELECT bucket AS at, ${columnList} FROM analytics_buckets
          WHERE tenant_id = $1 AND campaign_id = $2 AND cohort = $6 AND bucket >= $3::timestamptz AND bucket < $4::timestamptz
          UNION ALL
         SELECT ${at}, ${columnList} FROM analytics_deltas
          WHERE tenant_id = $1 AND campaign_id = $2 AND ${at} >= $3 AND ${at} < $4
         ${s.granularity === 'hour' ? hours : ''}
       ) SELECT ${TOLD_AS[s.granularity]} AS key, min(${DATE_OF[s.granularity]})::text AS date, ${summedCounts}
           FROM counted GROUP BY ${KEY_OF[s.granularity]} ORDER BY 1`,
      [tenantId, s.campaignId, s.from, s.to, s.timezone, s.cohort],
    );
  }

  /** By weekday (1 is Monday) and hour of the zone; only those in which something happened. Throws like `series`. */
  byHourOfWeek(tx: Tx, tenantId: string, s: Omit<SeriesRequest, 'granularity'>): Promise<HourCell[]> {
    const at = BUCKET_OF[s.cohort];
    const columns = 'sent, delivered, unique_opens, unique_clicks';
    return rows<HourCell>(
      tx,
      `WITH counted AS (
         SELECT bucket AS at, ${columns} FROM analytics_buckets
          WHERE tenant_id = $1 AND campaign_id = $2 AND cohort = $6 AND bucket >= $3::timestamptz AND bucket < $4::timestamptz
          UNION ALL
         SELECT ${at}, ${columns} FROM analytics_deltas WHERE tenant_id = $1 AND campaign_id = $2 AND ${at} >= $3 AND ${at} < $4
       ) SELECT extract(isodow FROM at AT TIME ZONE $5)::int AS weekday, extract(hour FROM at AT TIME ZONE $5)::int AS hour,
                sum(sent)::int AS "emailsSent", sum(delivered)::int AS "emailsDelivered", sum(unique_opens)::int AS "uniqueOpens",
                sum(unique_clicks)::int AS "uniqueClicks"
           FROM counted GROUP BY 1, 2`,
      [tenantId, s.campaignId, s.from, s.to, s.timezone, s.cohort],
    );
  }

  /** Over the whole life of a campaign, by step; steps without numbers are missing. */
  bySteps(tx: Tx, tenantId: string, campaignId: string): Promise<StepCounts[]> {
    return rows<StepCounts>(tx, `${LIFETIME} SELECT step_id AS "stepId", ${summedCounts} FROM counted GROUP BY 1 ORDER BY 1`, [
      tenantId,
      campaignId,
    ]);
  }

  /**
   * What became of the messages of each variant of a step and of what it was in other versions; variants without messages are missing. Of those that the
   * provider dropped after it had taken them nobody knows the variant here: null where there are any.
   */
  async byVariants(tx: Tx, tenantId: string, campaignId: string, stepId: string): Promise<VariantCounts[] | null> {
    const line = `SELECT v0.id, line.step_id, line.id AS line_id FROM step_variants v0 JOIN step_variants line ON line.tenant_id = $1 AND line.lineage_id = v0.lineage_id
        WHERE v0.tenant_id = $1 AND v0.step_id = $3`;
    const found = await rows<VariantCounts & { dropped: number }>(
      tx,
      `WITH line AS MATERIALIZED (${line}), counted AS (
         SELECT step_id, variant_id, ${columnList} FROM analytics_steps WHERE tenant_id = $1 AND campaign_id = $2
          UNION ALL
         SELECT step_id, variant_id, ${columnList} FROM analytics_deltas WHERE tenant_id = $1 AND campaign_id = $2
       ), states AS (
         SELECT step_id, state, n FROM analytics_states WHERE tenant_id = $1 AND campaign_id = $2 AND kind = 'mail'
          UNION ALL
         SELECT step_id, state, n FROM analytics_state_deltas WHERE tenant_id = $1 AND campaign_id = $2 AND kind = 'mail')
       SELECT line.id AS "variantId", ${summedCounts}, (
                SELECT coalesce(sum(n), 0)::int FROM states WHERE state = 'dropped' AND step_id IN (SELECT step_id FROM line)) AS dropped
         FROM line JOIN counted ON counted.step_id = line.step_id AND counted.variant_id = line.line_id GROUP BY 1 HAVING sum(counted.sent) > 0`,
      [tenantId, campaignId, stepId],
    );
    return found.some(({ dropped }) => dropped > 0) ? null : found;
  }

  /** Over the whole life of a campaign. */
  async total(tx: Tx, tenantId: string, campaignId: string): Promise<DetailedCounts> {
    return (await row<DetailedCounts>(tx, `${LIFETIME} SELECT ${summedCounts} FROM counted`, [tenantId, campaignId]))!;
  }

  /**
   * Whether everybody has stayed in the version of the steps in which they began. A rollback writes over the policy by which a version had been
   * published, so one that was rolled back (changed more often than versions were published) does not count as such.
   */
  async hasMovedNobody(tx: Tx, tenantId: string, campaignId: string, stepsRevision: number): Promise<boolean> {
    const sql = `SELECT count(published_at) = $3 + 1 AND NOT coalesce(bool_or(policy = 'move_everyone'), false) AS "hasMovedNobody"
       FROM campaign_versions WHERE tenant_id = $1 AND campaign_id = $2`;
    return (await row<{ hasMovedNobody: boolean }>(tx, sql, [tenantId, campaignId, stepsRevision]))!.hasMovedNobody;
  }

  /** Who and what stands where at this moment. */
  states(tx: Tx, tenantId: string, campaignId: string): Promise<StateCount[]> {
    return rows<StateCount>(
      tx,
      `SELECT step_id AS "stepId", kind, state, reason, sum(n)::int AS count FROM (
         SELECT step_id, kind, state, reason, n FROM analytics_states WHERE tenant_id = $1 AND campaign_id = $2
          UNION ALL
         SELECT step_id, kind, state, reason, n FROM analytics_state_deltas WHERE tenant_id = $1 AND campaign_id = $2) counted
        GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0 ORDER BY 1, 2, 3, 4`,
      [tenantId, campaignId],
    );
  }
}

const LIFETIME = `WITH counted AS (
  SELECT step_id, ${columnList} FROM analytics_steps WHERE tenant_id = $1 AND campaign_id = $2
   UNION ALL
  SELECT step_id, ${columnList} FROM analytics_deltas WHERE tenant_id = $1 AND campaign_id = $2)`;
