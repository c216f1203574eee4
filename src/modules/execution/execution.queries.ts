import { Injectable } from '@nestjs/common';
import { preparedRows, rows, type Tx } from '../../database/index.js';
import { ENDS_BY_ITSELF } from '../campaigns/index.js';

export interface CampaignRef {
  tenantId: string;
  campaignId: string;
}

/** Nobody is on the way in the campaign and no message of it is undecided; `c` is the campaign. */
const NOTHING_OPEN = `
  NOT EXISTS (SELECT FROM campaign_contacts cc
    WHERE cc.tenant_id = c.tenant_id AND cc.campaign_id = c.id AND cc.status IN ('enrolled', 'active', 'paused'))
  AND NOT EXISTS (SELECT FROM emails e WHERE e.tenant_id = c.tenant_id AND e.campaign_id = c.id AND e.status = 'queued')
  AND NOT EXISTS (SELECT FROM emails e WHERE e.tenant_id = c.tenant_id AND e.campaign_id = c.id AND e.status = 'sending')
  AND NOT EXISTS (SELECT FROM emails e WHERE e.tenant_id = c.tenant_id AND e.campaign_id = c.id AND e.status = 'unknown' AND e.settled_at IS NULL)`;

/** A campaign that can end by itself: a finite type whose audience is enrolled, or any whose end has come. `$1` is now. */
const IS_FINITE = `(${ENDS_BY_ITSELF} OR c.end_date <= $1)`;

/** What the scheduler and the poller look for, across tenants; reads only. */
@Injectable()
export class ExecutionQueries {
  /**
   * Active campaigns with somebody due. One index probe per active campaign, so its cost does not depend on how many contacts wait (I11).
   * The order is drawn anew each time, so that no campaign stands behind others for ever when there are more than `limit`.
   */
  listDue(tx: Tx, now: Date, limit: number): Promise<CampaignRef[]> {
    return preparedRows<CampaignRef>(
      tx,
      'campaigns-due',
      `SELECT c.tenant_id AS "tenantId", c.id AS "campaignId"
       FROM campaigns c CROSS JOIN LATERAL (
         SELECT 1 FROM campaign_contacts cc
         WHERE cc.tenant_id = c.tenant_id AND cc.campaign_id = c.id AND cc.status IN ('enrolled', 'active') AND cc.next_email_scheduled_at <= $1
         ORDER BY cc.next_email_scheduled_at LIMIT 1
       ) due
       WHERE c.status = 'active' AND (c.end_date IS NULL OR c.end_date > $1)
       ORDER BY random() LIMIT $2`,
      [now, limit],
    );
  }

  /** Campaigns that look finished; `CampaignLaunchStore.complete` looks again under the campaign's lock. */
  listCompletable(tx: Tx, now: Date, limit: number): Promise<CampaignRef[]> {
    return rows<CampaignRef>(
      tx,
      `SELECT c.tenant_id AS "tenantId", c.id AS "campaignId" FROM campaigns c
       WHERE (c.status = 'active' OR (c.status = 'paused' AND c.end_date <= $1)) AND ${IS_FINITE} AND ${NOTHING_OPEN} LIMIT $2`,
      [now, limit],
    );
  }

  /**
   * Cancelled campaigns with enrolments still alive, mail still queued or calls to be made that nobody is making. Goes from campaign to campaign through the indexes of what is alive and what is
   * queued, so the cost does not grow with the campaigns that have ever been cancelled (I11).
   */
  listCancelledOpen(tx: Tx, limit: number): Promise<CampaignRef[]> {
    return rows<CampaignRef>(
      tx,
      `WITH RECURSIVE ${hops('alive', 'campaign_contacts', `status IN ('enrolled', 'active', 'paused')`)},
                      ${hops('waiting', 'emails', `status = 'queued'`)},
                      ${hops('calling', 'step_calls', `status = 'pending' AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp())`)}
       SELECT c.tenant_id AS "tenantId", c.id AS "campaignId"
         FROM (SELECT * FROM alive UNION SELECT * FROM waiting UNION SELECT * FROM calling) w
         JOIN campaigns c ON c.tenant_id = w.tenant_id AND c.id = w.campaign_id AND c.status = 'cancelled' LIMIT $1`,
      [limit],
    );
  }
}

/** A recursive table of the campaigns that have such rows: one probe of the index for each campaign, however many rows it has. */
function hops(name: string, table: string, condition: string): string {
  return `${name} AS (
    (SELECT tenant_id, campaign_id FROM ${table} WHERE ${condition} ORDER BY tenant_id, campaign_id LIMIT 1)
    UNION ALL
    SELECT n.tenant_id, n.campaign_id FROM ${name} w CROSS JOIN LATERAL (
      SELECT t.tenant_id, t.campaign_id FROM ${table} t
       WHERE ${condition} AND (t.tenant_id, t.campaign_id) > (w.tenant_id, w.campaign_id) ORDER BY t.tenant_id, t.campaign_id LIMIT 1) n)`;
}
