import { Injectable } from '@nestjs/common';
import { rows, type Tx } from '../../database/index.js';

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

/** Tells apart what has the same numbers. Hashed, because an address may be longer than a cursor. */
const KEY = `md5(coalesce(url, '') || ' ' || step_id)`;

/**
 * Who clicked what. Read from the clicks themselves (an index of their own has all that is asked of those on our own links), so a page costs as much as
 * the campaign has clicks; what is counted here is rolled up nowhere.
 */
@Injectable()
export class LinksQueries {
  /**
   * The links people like best first. A click counts once it has been applied, in the same transaction as everywhere else. Grouped by message, then by
   * person, then by link: each is a hash, where counting distinct ones would sort all clicks.
   */
  page(
    tx: Tx,
    tenantId: string,
    campaignId: string,
    { after, limit, stepId }: { after: AfterLink | null; limit: number; stepId: string | null },
  ): Promise<(LinkRow & { key: string })[]> {
    return rows(
      tx,
      `WITH clicked AS (
         SELECT link_id, NULL::text AS url, email_id, is_machine FROM email_events
          WHERE tenant_id = $1 AND campaign_id = $2 AND type = 'clicked' AND link_id IS NOT NULL
          UNION ALL
         SELECT NULL, url, email_id, is_machine FROM email_events
          WHERE tenant_id = $1 AND campaign_id = $2 AND type = 'clicked' AND link_id IS NULL
       ), messages AS (
         SELECT coalesce(l.url, c.url) AS url, c.email_id, (count(*) FILTER (WHERE NOT c.is_machine))::int AS human, count(*)::int AS n
           FROM clicked c LEFT JOIN tracked_links l ON l.tenant_id = $1 AND l.id = c.link_id GROUP BY 1, 2
       ), persons AS (
         SELECT m.url, e.step_id, e.contact_id, sum(m.human)::int AS human, sum(m.n)::int AS n, (count(*) FILTER (WHERE m.human > 0))::int AS messages
           FROM messages m JOIN emails e ON e.tenant_id = $1 AND e.id = m.email_id WHERE $3::uuid IS NULL OR e.step_id = $3 GROUP BY 1, 2, 3
       ), links AS (
         SELECT url, step_id, sum(human)::int AS human_clicks, sum(n - human)::int AS machine_clicks, sum(messages)::int AS unique_clicks,
                count(*) FILTER (WHERE messages > 0)::int AS people
           FROM persons GROUP BY 1, 2
       ), keyed AS (SELECT *, ${KEY} AS key, (sum(human_clicks) OVER ())::int AS all_clicks FROM links)
       SELECT url, step_id AS "stepId", s.step_order AS "stepOrder", s.step_name AS "stepName", human_clicks AS "humanClicks", machine_clicks AS "machineClicks", unique_clicks AS "uniqueClicks", people,
              all_clicks AS "allHumanClicks", key
         FROM keyed LEFT JOIN campaign_steps s ON s.tenant_id = $1 AND s.id = keyed.step_id
        WHERE $4::int IS NULL OR (-people, -human_clicks, key) > (-$4::int, -$5::int, $6::text)
        ORDER BY -people, -human_clicks, key LIMIT $7`,
      [tenantId, campaignId, stepId, after?.people ?? null, after?.clicks ?? null, after?.key ?? null, limit],
    );
  }
}
