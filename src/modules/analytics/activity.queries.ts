import { Injectable } from '@nestjs/common';
import { rows, type Tx } from '../../database/index.js';

export interface CampaignOfTenant {
  tenantId: string;
  campaignId: string;
}

/** Where something happened; reads across tenants (system scope). Every condition on a time is served by an index. */
@Injectable()
export class ActivityQueries {
  /**
   * Campaigns with mail sent or events applied at or after `since`, whatever their status: answers come long after a campaign has completed.
   * Sent mail is looked for only in campaigns that can be sending, or ended since.
   */
  listActive(tx: Tx, since: Date): Promise<CampaignOfTenant[]> {
    return rows<CampaignOfTenant>(
      tx,
      `SELECT tenant_id AS "tenantId", campaign_id AS "campaignId" FROM email_events WHERE applied_at >= $1 AND campaign_id IS NOT NULL
        GROUP BY 1, 2
        UNION
       SELECT c.tenant_id, c.id FROM campaigns c
        WHERE (c.status IN ('active', 'paused') OR c.completed_at >= $1 OR c.cancelled_at >= $1)
          AND EXISTS (SELECT FROM emails e WHERE e.tenant_id = c.tenant_id AND e.campaign_id = c.id AND e.sent_at >= $1)`,
      [since],
    );
  }

  /**
   * Launched campaigns whose stored days are older than what happened since, and those that have none yet. Everything up to two days before
   * the last aggregation is looked at again, so that a run that broke off half-way is made up for by the next; `slackSeconds` covers what was
   * being committed while a campaign was counted.
   */
  listStale(tx: Tx, slackSeconds: number): Promise<CampaignOfTenant[]> {
    return rows<CampaignOfTenant>(
      tx,
      `WITH last AS (SELECT tenant_id, campaign_id, max(calculated_at) AS at FROM campaign_analytics GROUP BY 1, 2),
       since AS (SELECT coalesce(max(at) - interval '2 days', '-infinity') AS at FROM last),
       activity AS (
         SELECT v.tenant_id, v.campaign_id, max(v.applied_at) AS at FROM email_events v
          WHERE v.applied_at >= (SELECT at FROM since) AND v.campaign_id IS NOT NULL GROUP BY 1, 2
          UNION ALL
         SELECT c.tenant_id, c.id, sent.at FROM campaigns c LEFT JOIN last ON last.tenant_id = c.tenant_id AND last.campaign_id = c.id
          CROSS JOIN LATERAL (
           SELECT e.sent_at AS at FROM emails e
            WHERE e.tenant_id = c.tenant_id AND e.campaign_id = c.id
              AND e.sent_at >= CASE WHEN last.at IS NULL THEN '-infinity' ELSE (SELECT at FROM since) END ORDER BY e.sent_at DESC LIMIT 1) sent
          WHERE c.launched_at IS NOT NULL
       )
       SELECT a.tenant_id AS "tenantId", a.campaign_id AS "campaignId" FROM activity a LEFT JOIN last USING (tenant_id, campaign_id)
        WHERE last.at IS NULL OR a.at >= last.at - $1 * interval '1 second'
        GROUP BY 1, 2 ORDER BY 1, 2`,
      [slackSeconds],
    );
  }

  /** Every campaign that has ever been launched, of one tenant or of all. */
  listLaunched(tx: Tx, tenantId: string | null): Promise<CampaignOfTenant[]> {
    return rows<CampaignOfTenant>(
      tx,
      `SELECT tenant_id AS "tenantId", id AS "campaignId" FROM campaigns
        WHERE launched_at IS NOT NULL AND ($1::uuid IS NULL OR tenant_id = $1) ORDER BY tenant_id, id`,
      [tenantId],
    );
  }

  /** The zones of these campaigns; those that are gone are missing. */
  zones(tx: Tx, tenantId: string, campaignIds: string[]): Promise<{ campaignId: string; timezone: string }[]> {
    return rows(tx, `SELECT id AS "campaignId", timezone FROM campaigns WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id`, [
      tenantId,
      campaignIds,
    ]);
  }
}
