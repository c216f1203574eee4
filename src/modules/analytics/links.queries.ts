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

/** Who clicked what. Read from the clicks themselves, so a page costs as much as the campaign has clicks; what is counted here is rolled up nowhere. */
@Injectable()
export class LinksQueries {
  /** The links people like best first. A click counts once it has been applied, in the same transaction as everywhere else. */
  page(
    tx: Tx,
    tenantId: string,
    campaignId: string,
    { after, limit, stepId }: { after: AfterLink | null; limit: number; stepId: string | null },
  ): Promise<(LinkRow & { key: string })[]> {
    return rows(
      tx,
      `WITH clicked AS (
         SELECT email_id, link_id, CASE WHEN link_id IS NULL THEN url END AS url, count(*) FILTER (WHERE NOT is_machine) AS human, count(*) AS n
           FROM email_events WHERE tenant_id = $1 AND campaign_id = $2 AND type = 'clicked' GROUP BY 1, 2, 3
       ), links AS (
         SELECT coalesce(l.url, c.url) AS url, e.step_id, sum(c.human)::int AS human_clicks, sum(c.n - c.human)::int AS machine_clicks,
                count(DISTINCT e.id) FILTER (WHERE c.human > 0)::int AS unique_clicks,
                count(DISTINCT e.contact_id) FILTER (WHERE c.human > 0)::int AS people
           FROM clicked c JOIN emails e ON e.tenant_id = $1 AND e.id = c.email_id
           LEFT JOIN tracked_links l ON l.tenant_id = $1 AND l.id = c.link_id
          WHERE $3::uuid IS NULL OR e.step_id = $3
          GROUP BY 1, 2
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
