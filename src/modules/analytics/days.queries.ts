import { Injectable } from '@nestjs/common';
import { row, rows, type Tx } from '../../database/index.js';
import { MAX_RATE, type Counts } from './domain/counts.js';
import { columnList } from './rollup-columns.js';

export interface DayCounts extends Counts {
  /** `YYYY-MM-DD` */
  date: string;
}

/** Whose days: of one campaign, or of all where both are null. */
export interface DayScope {
  tenantId: string | null;
  campaignId: string | null;
}

/** The columns of `campaign_analytics`, and what of the buckets each is made of. */
const COUNTS = {
  emails_sent: 'sent',
  emails_delivered: 'delivered',
  emails_bounced: 'bounced_hard + bounced_block + bounced_soft',
  unique_opens: 'unique_opens',
  total_opens: 'total_opens',
  unique_clicks: 'unique_clicks',
  total_clicks: 'total_clicks',
  replies: 'replies',
  spam_complaints: 'complaints',
  unsubscribes: 'unsubscribes',
};
const NAMES = Object.keys(COUNTS);
const AS_COUNTS = NAMES.map((name) => `${name} AS "${name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}"`).join(', ');

/** `least` passes over nulls, so the null of an empty denominator has to be said. */
const rate = (part: string, whole: string) => `CASE WHEN ${whole} > 0 THEN least(${MAX_RATE}, round(100.0 * ${part} / ${whole}, 2)) END`;
const RATES = {
  delivery_rate: rate('emails_delivered', 'emails_sent'),
  open_rate: rate('unique_opens', 'emails_delivered'),
  click_rate: rate('unique_clicks', 'emails_delivered'),
  reply_rate: rate('replies', 'emails_delivered'),
  unsubscribe_rate: rate('unsubscribes', 'emails_delivered'),
};
const STORED = [...NAMES, ...Object.keys(RATES), 'calculated_at'];

/** `campaign_analytics`: the days as the specification has them, added up from the buckets. */
@Injectable()
export class DaysQueries {
  /**
   * Computes up to `limit` days anew in which a bucket changed since they were last computed, whatever the status of their campaigns: one statement
   * for all of them. A day on which nothing is counted any more goes. System scope; nobody may fold meanwhile. Idempotent. The subquery with `OFFSET 0` is
   * asked for each day by itself, so a day costs the same however long the campaign lasts; joined, each day would be held against all of its buckets.
   *
   * @param zones the zones that can be computed, in lower case; days of campaigns with another stay as they are
   */
  async save(tx: Tx, scope: DayScope, zones: readonly string[], now: Date, limit: number): Promise<{ days: number; campaigns: string[] }> {
    const saved = await row<{ days: number; campaigns: string[] | null }>(
      tx,
      `WITH touched AS MATERIALIZED (
         SELECT b.tenant_id, b.campaign_id, c.timezone, (b.bucket AT TIME ZONE c.timezone)::date AS date
           FROM analytics_buckets b JOIN campaigns c ON c.tenant_id = b.tenant_id AND c.id = b.campaign_id
          WHERE b.is_dirty AND lower(c.timezone) = ANY ($3::text[])
            AND ($4::uuid IS NULL OR (b.tenant_id = $4 AND b.campaign_id = $5))
          GROUP BY 1, 2, 3, 4 LIMIT $2
       ), counted AS MATERIALIZED (
         SELECT t.tenant_id, t.campaign_id, t.date, b.* FROM touched t CROSS JOIN LATERAL (
           SELECT b.bucket, b.is_dirty, ${columnList} FROM analytics_buckets b
            WHERE b.tenant_id = t.tenant_id AND b.campaign_id = t.campaign_id AND b.cohort = 'event'
              AND b.bucket >= (t.date::timestamp AT TIME ZONE 'UTC') - interval '1 day' AND b.bucket < (t.date::timestamp AT TIME ZONE 'UTC') + interval '2 days'
              AND (b.bucket AT TIME ZONE t.timezone)::date = t.date OFFSET 0) b
       ), daily AS (
         SELECT tenant_id, campaign_id, date, ${Object.entries(COUNTS)
           .map(([name, sum]) => `sum(${sum})::int AS ${name}`)
           .join(', ')} FROM counted GROUP BY 1, 2, 3
       ), saved AS (
         INSERT INTO campaign_analytics AS a (tenant_id, campaign_id, date, ${STORED.join(', ')})
         SELECT tenant_id, campaign_id, date, ${[...NAMES, ...Object.values(RATES)].join(', ')}, $1::timestamptz FROM daily
          WHERE (${NAMES.join(', ')}) IS DISTINCT FROM (${NAMES.map(() => '0').join(', ')}) ORDER BY 1, 2, 3
         ON CONFLICT (tenant_id, campaign_id, date) DO UPDATE SET ${STORED.map((column) => `${column} = excluded.${column}`).join(', ')}
         RETURNING 1
       ), gone AS (
         DELETE FROM campaign_analytics a USING daily d
          WHERE a.tenant_id = d.tenant_id AND a.campaign_id = d.campaign_id AND a.date = d.date
            AND (${NAMES.map((name) => `d.${name}`).join(', ')}) = (${NAMES.map(() => '0').join(', ')})
       ), cleaned AS (
         UPDATE analytics_buckets b SET is_dirty = false FROM counted x
          WHERE x.is_dirty AND b.tenant_id = x.tenant_id AND b.campaign_id = x.campaign_id AND b.cohort = 'event' AND b.bucket = x.bucket
       )
       SELECT (SELECT count(*)::int FROM touched) AS days, (SELECT array_agg(DISTINCT campaign_id) FROM touched) AS campaigns`,
      [now, limit, zones, scope.tenantId, scope.campaignId],
    );
    return { days: saved!.days, campaigns: saved!.campaigns ?? [] };
  }

  /** Zones the server knows, in lower case: `Intl`, which checked the campaigns' zones, may know newer ones. */
  async zones(tx: Tx): Promise<string[]> {
    return (await rows<{ name: string }>(tx, 'SELECT lower(name) AS name FROM pg_timezone_names')).map(({ name }) => name);
  }

  /** Campaigns with changed days in zones that the server does not know. System scope. */
  withoutZone(tx: Tx, zones: readonly string[]): Promise<{ campaignId: string; timezone: string }[]> {
    return rows(
      tx,
      `SELECT DISTINCT b.campaign_id AS "campaignId", c.timezone FROM analytics_buckets b
         JOIN campaigns c ON c.tenant_id = b.tenant_id AND c.id = b.campaign_id
        WHERE b.is_dirty AND lower(c.timezone) <> ALL ($1::text[])`,
      [zones],
    );
  }

  /** Whether a day has to be computed anew. System scope. */
  async isAnyDirty(tx: Tx): Promise<boolean> {
    return (await row<{ dirty: boolean }>(tx, 'SELECT EXISTS (SELECT FROM analytics_buckets WHERE is_dirty) AS dirty'))!.dirty;
  }

  /** Forgets the days of a campaign, to be computed anew. */
  async clear(tx: Tx, tenantId: string, campaignId: string): Promise<void> {
    await rows(tx, 'DELETE FROM campaign_analytics WHERE tenant_id = $1 AND campaign_id = $2', [tenantId, campaignId]);
  }

  /** The last stored day of a campaign. */
  latest(tx: Tx, tenantId: string, campaignId: string): Promise<(DayCounts & { calculatedAt: Date }) | null> {
    return row(
      tx,
      `SELECT date::text, ${AS_COUNTS}, calculated_at AS "calculatedAt" FROM campaign_analytics
        WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY date DESC LIMIT 1`,
      [tenantId, campaignId],
    );
  }
}
