import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';

export interface LinkRow {
  /** Null where the address has been erased with the contact it named. */
  url: string | null;
  stepId: string;
  stepOrder: number | null;
  stepName: string | null;
  humanClicks: number;
  machineClicks: number;
  /** Messages in which a person clicked it. */
  uniqueClicks: number;
  people: number;
  /** The same of all links, to be divided by. */
  allHumanClicks: number;
}

/** Where a page begins: behind this row. */
export interface AfterLink {
  people: number;
  clicks: number;
  key: string;
}

/** What a page of links is read from: what has been counted, or the clicks. */
export type LinkSource = 'counted' | 'clicks';

export interface StaleLinks {
  tenantId: string;
  campaignId: string;
  version: number;
  clicks: number;
}

/** Tells apart what has the same numbers. Hashed, because an address may be longer than a cursor. */
const KEY = `md5(coalesce(url, '') || ' ' || step_id)`;

/**
 * The links of a campaign from its clicks: `$1` tenant, `$2` campaign. A click counts once it has been applied, in the same transaction as everywhere else.
 * Grouped by message, then by person, then by link: each is a hash, where counting distinct ones would sort all clicks. Registered links come from an index
 * of the clicks alone.
 */
const FROM_CLICKS = `clicked AS (
    SELECT link_id, NULL::text AS url, NULL::uuid AS event_id, email_id, is_machine FROM email_events
     WHERE tenant_id = $1 AND campaign_id = $2 AND type = 'clicked' AND link_id IS NOT NULL
     UNION ALL
    SELECT NULL, url, id, email_id, is_machine FROM email_events
     WHERE tenant_id = $1 AND campaign_id = $2 AND type = 'clicked' AND link_id IS NULL
  ), messages AS (
    SELECT coalesce(l.url, c.url) AS url, c.email_id, max(c.link_id) AS link_id, max(c.event_id::text)::uuid AS event_id,
           (count(*) FILTER (WHERE NOT c.is_machine))::int AS human, count(*)::int AS n
      FROM clicked c LEFT JOIN tracked_links l ON l.tenant_id = $1 AND l.id = c.link_id GROUP BY 1, 2
  ), persons AS (
    SELECT m.url, e.step_id, e.contact_id, max(m.link_id) AS link_id, max(m.event_id::text)::uuid AS event_id,
           sum(m.human)::int AS human, sum(m.n)::int AS n, (count(*) FILTER (WHERE m.human > 0))::int AS messages
      FROM messages m JOIN emails e ON e.tenant_id = $1 AND e.id = m.email_id GROUP BY 1, 2, 3
  ), counted AS (
    SELECT url, step_id, max(link_id) AS link_id, max(event_id::text)::uuid AS event_id, sum(human)::int AS human_clicks, sum(n - human)::int AS machine_clicks,
           sum(messages)::int AS unique_clicks, count(*) FILTER (WHERE messages > 0)::int AS people, ${KEY} AS key
      FROM persons GROUP BY 1, 2
  )`;

const FROM_COUNTS = `counted AS (
    SELECT NULL::text AS url, * FROM analytics_links WHERE tenant_id = $1 AND campaign_id = $2
  )`;

/** The address of `c` where only its registration or one of its clicks is kept. */
const ADDRESS = `coalesce(c.url, (SELECT l.url FROM tracked_links l WHERE l.tenant_id = $1 AND l.id = c.link_id),
  (SELECT v.url FROM email_events v WHERE v.tenant_id = $1 AND v.id = c.event_id LIMIT 1))`;

/** Who clicked what. */
@Injectable()
export class LinksQueries {
  /** When the links of a campaign were last counted; null where they are so few that they are counted at the moment somebody asks. */
  async countedAt(tx: Tx, tenantId: string, campaignId: string): Promise<Date | null> {
    const sql = `SELECT counted_at AS "countedAt" FROM analytics_link_counts WHERE tenant_id = $1 AND campaign_id = $2`;
    return (await row<{ countedAt: Date | null }>(tx, sql, [tenantId, campaignId]))?.countedAt ?? null;
  }

  /** The links people like best first. From the clicks it costs as much as the campaign has of them, from the counts as much as it has links. */
  page(
    tx: Tx,
    tenantId: string,
    campaignId: string,
    source: LinkSource,
    { after, limit, stepId }: { after: AfterLink | null; limit: number; stepId: string | null },
  ): Promise<(LinkRow & { key: string })[]> {
    return rows(
      tx,
      `WITH ${source === 'counted' ? FROM_COUNTS : FROM_CLICKS},
       asked AS (SELECT *, (sum(human_clicks) OVER ())::int AS all_clicks FROM counted WHERE $3::uuid IS NULL OR step_id = $3),
       c AS (SELECT * FROM asked WHERE $4::int IS NULL OR (-people, -human_clicks, key) > (-$4::int, -$5::int, $6::text)
              ORDER BY -people, -human_clicks, key LIMIT $7)
       SELECT ${ADDRESS} AS url, c.step_id AS "stepId", s.step_order AS "stepOrder", s.step_name AS "stepName", c.human_clicks AS "humanClicks",
              c.machine_clicks AS "machineClicks", c.unique_clicks AS "uniqueClicks", c.people, c.all_clicks AS "allHumanClicks", c.key
         FROM c LEFT JOIN campaign_steps s ON s.tenant_id = $1 AND s.id = c.step_id ORDER BY -c.people, -c.human_clicks, c.key`,
      [tenantId, campaignId, stepId, after?.people ?? null, after?.clicks ?? null, after?.key ?? null, limit],
    );
  }

  /** Whether this transaction is the one that counts links; held until it ends. */
  async tryLock(tx: Tx): Promise<boolean> {
    return (await row<{ won: boolean }>(tx, `SELECT pg_try_advisory_xact_lock(hashtextextended('campaign-engine:links', 0)) AS won`))!.won;
  }

  /** System scope. The campaign that has waited longest to be counted again, with how many clicks it has. */
  nextStale(tx: Tx, now: Date): Promise<StaleLinks | null> {
    return row<StaleLinks>(
      tx,
      `SELECT c.tenant_id AS "tenantId", c.campaign_id AS "campaignId", c.version, (
                SELECT coalesce(sum(s.total_clicks + s.machine_clicks), 0)::int FROM analytics_steps s
                 WHERE s.tenant_id = c.tenant_id AND s.campaign_id = c.campaign_id) AS clicks
         FROM analytics_link_counts c
        WHERE c.version <> c.counted_version AND (c.next_count_at IS NULL OR c.next_count_at <= $1)
        ORDER BY c.next_count_at NULLS FIRST LIMIT 1`,
      [now],
    );
  }

  /** A contact was erased, and with it perhaps the address of a link: its campaigns are counted again. */
  async recountFor(tx: Tx, tenantId: string, contactId: string): Promise<void> {
    await affected(
      tx,
      `UPDATE analytics_link_counts SET version = version + 1
        WHERE tenant_id = $1 AND campaign_id IN (SELECT campaign_id FROM campaign_contacts WHERE tenant_id = $1 AND contact_id = $2)`,
      [tenantId, contactId],
    );
  }

  /** Puts the links of a campaign as they are in the place of those of the last count. Of one instant. */
  async count(tx: Tx, { tenantId, campaignId }: StaleLinks): Promise<void> {
    await affected(tx, `DELETE FROM analytics_links WHERE tenant_id = $1 AND campaign_id = $2`, [tenantId, campaignId]);
    await affected(
      tx,
      `WITH ${FROM_CLICKS}
       INSERT INTO analytics_links (tenant_id, campaign_id, key, step_id, link_id, event_id, human_clicks, machine_clicks, unique_clicks, people)
       SELECT $1, $2, key, step_id, link_id, CASE WHEN link_id IS NULL THEN event_id END, human_clicks, machine_clicks, unique_clicks, people FROM counted`,
      [tenantId, campaignId],
    );
  }

  /** `countedAt` null: there is nothing counted. */
  async saveCount(
    tx: Tx,
    { tenantId, campaignId, version }: StaleLinks,
    { countedAt, nextCountAt }: { countedAt: Date | null; nextCountAt: Date | null },
  ): Promise<void> {
    await affected(
      tx,
      `UPDATE analytics_link_counts SET counted_version = $3, counted_at = $4, next_count_at = $5 WHERE tenant_id = $1 AND campaign_id = $2`,
      [tenantId, campaignId, version, countedAt, nextCountAt],
    );
  }
}
