import { Injectable } from '@nestjs/common';
import { row, rows, type Tx } from '../../database/index.js';
import { MAX_RATE, type Counts } from './domain/counts.js';

export interface DayCounts extends Counts {
  /** `YYYY-MM-DD` */
  date: string;
}

export interface CampaignZone {
  campaignId: string;
  timezone: string;
}

/** What each moment on a ledger row counts as; and the same of events, of which a message can have many. */
const MAIL_COUNTS = {
  emails_sent: 'sent_at',
  emails_delivered: 'delivered_at',
  emails_bounced: 'bounced_at',
  unique_opens: 'first_human_opened_at',
  unique_clicks: 'first_human_clicked_at',
  replies: 'replied_at',
  spam_complaints: 'complained_at',
  unsubscribes: 'unsubscribed_at',
};
const EVENT_COUNTS = { total_opens: 'opened', total_clicks: 'clicked' };
const COUNTS = [...Object.keys(MAIL_COUNTS), ...Object.keys(EVENT_COUNTS)];
const MOMENTS = Object.entries(MAIL_COUNTS);

/**
 * The counts of each day on which something happened. `$1` tenant, `$2` campaign, `$3` zone, `$4` and `$5` the instants between which events
 * are read. A message counts on the day each thing happened to it (not on the day it was sent), a person's second opening only among the
 * totals. The ledger is grouped by all its days at once, so that each row is read once and the days are taken apart afterwards. One campaign
 * at a time: joined to a set of campaigns, small ones were planned like the biggest (650 ms instead of 5 beside one of 500,000 messages).
 */
const DAILY = `
  mail AS (
    SELECT ${MOMENTS.map(([count, column]) => `(${column} AT TIME ZONE $3)::date AS ${count}`).join(', ')}, count(*) AS n
      FROM emails WHERE tenant_id = $1 AND campaign_id = $2 AND sent_at IS NOT NULL
     GROUP BY ${MOMENTS.map((_, index) => index + 1).join(', ')}
  ), fact AS (
    SELECT d.date, d.count, m.n
      FROM mail m CROSS JOIN LATERAL (VALUES ${MOMENTS.map(([count]) => `('${count}', m.${count})`).join(', ')}) AS d (count, date)
     WHERE d.date IS NOT NULL
     UNION ALL
    SELECT (occurred_at AT TIME ZONE $3)::date, CASE type ${Object.entries(EVENT_COUNTS)
      .map(([count, type]) => `WHEN '${type}' THEN '${count}'`)
      .join(' ')} END, count(*)
      FROM email_events WHERE tenant_id = $1 AND campaign_id = $2 AND type IN ('opened', 'clicked') AND NOT is_machine
       AND occurred_at >= $4 AND occurred_at < $5
     GROUP BY 1, 2
  ), daily AS (
    SELECT date, ${COUNTS.map((count) => `coalesce(sum(n) FILTER (WHERE count = '${count}'), 0)::int AS ${count}`).join(', ')}
      FROM fact GROUP BY date
  )`;

const AS_COUNTS = COUNTS.map((count) => `${count} AS "${count.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}"`).join(', ');

/** `least` passes over nulls, so the null of an empty denominator has to be said. */
const rate = (part: string, whole: string) => `CASE WHEN ${whole} > 0 THEN least(${MAX_RATE}, round(100.0 * ${part} / ${whole}, 2)) END`;
const RATES = {
  delivery_rate: rate('emails_delivered', 'emails_sent'),
  open_rate: rate('unique_opens', 'emails_delivered'),
  click_rate: rate('unique_clicks', 'emails_delivered'),
  reply_rate: rate('replies', 'emails_delivered'),
  unsubscribe_rate: rate('unsubscribes', 'emails_delivered'),
};
const STORED = [...COUNTS, ...Object.keys(RATES), 'calculated_at'];

/** The daily numbers, counted from the ledger and the events, and the table that keeps them. */
@Injectable()
export class DailyCountsQueries {
  /** Counted now, for one campaign in any zone; only days on which something happened. Reads all messages of the campaign. */
  count(
    tx: Tx,
    tenantId: string,
    campaign: CampaignZone,
    range: { startDate: string; endDate: string; from: Date; to: Date },
  ): Promise<DayCounts[]> {
    return rows<DayCounts>(tx, `WITH ${DAILY} SELECT date::text, ${AS_COUNTS} FROM daily WHERE date BETWEEN $6 AND $7 ORDER BY date`, [
      tenantId,
      campaign.campaignId,
      campaign.timezone,
      range.from,
      range.to,
      range.startDate,
      range.endDate,
    ]);
  }

  /** Counted now, over the whole life of one campaign. */
  async total(tx: Tx, tenantId: string, campaignId: string): Promise<Counts> {
    const found = await row<Counts>(
      tx,
      `WITH mail AS (
         SELECT ${MOMENTS.map(([count, column]) => `count(${column})::int AS ${count}`).join(', ')}
           FROM emails WHERE tenant_id = $1 AND campaign_id = $2 AND sent_at IS NOT NULL
       ), fact AS (
         SELECT ${Object.entries(EVENT_COUNTS)
           .map(([count, type]) => `count(*) FILTER (WHERE type = '${type}')::int AS ${count}`)
           .join(', ')}
           FROM email_events WHERE tenant_id = $1 AND campaign_id = $2 AND type IN ('opened', 'clicked') AND NOT is_machine
       ) SELECT ${AS_COUNTS} FROM mail, fact`,
      [tenantId, campaignId],
    );
    return found!;
  }

  /**
   * Counts this campaign anew and makes `campaign_analytics` say so: rows of days that are no longer counted go. Idempotent. One campaign is
   * counted by one transaction at a time (call `lock` before), or an older count could overwrite a newer one.
   *
   * @returns how many days are stored
   */
  async save(tx: Tx, tenantId: string, campaign: CampaignZone, now: Date): Promise<number> {
    const saved = await row<{ days: number }>(
      tx,
      `WITH ${DAILY}, saved AS (
         INSERT INTO campaign_analytics AS a (tenant_id, campaign_id, date, ${STORED.join(', ')})
         SELECT $1, $2, date, ${[...COUNTS, ...Object.values(RATES)].join(', ')}, $6 FROM daily ORDER BY date
         ON CONFLICT (tenant_id, campaign_id, date) DO UPDATE SET ${STORED.map((column) => `${column} = excluded.${column}`).join(', ')}
         RETURNING 1
       ), gone AS (
         DELETE FROM campaign_analytics a
          WHERE a.tenant_id = $1 AND a.campaign_id = $2 AND NOT EXISTS (SELECT FROM daily d WHERE d.date = a.date)
       ) SELECT count(*)::int AS days FROM saved`,
      [tenantId, campaign.campaignId, campaign.timezone, '-infinity', 'infinity', now],
    );
    return saved?.days ?? 0;
  }

  /** Makes aggregations of one tenant go one after another; held until the transaction ends. */
  async lock(tx: Tx, tenantId: string): Promise<void> {
    await rows(tx, `SELECT pg_advisory_xact_lock(hashtextextended('campaign-engine:analytics:' || $1, 0))`, [tenantId]);
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
