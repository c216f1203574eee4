import { Injectable } from '@nestjs/common';
import { rows, type Tx } from '../../database/index.js';
import type { LedgerFact } from './domain/ledger-balance.js';

/** Undecided: something still has to happen to the row. */
const OPEN = `(e.status IN ('queued', 'sending') OR (e.status = 'unknown' AND e.settled_at IS NULL))`;

/** Said of each table by itself, not by a join to the campaigns: so a small campaign is planned as one, beside however big ones. */
const OF_SCOPE = `cc.tenant_id = $1 AND ($2::uuid IS NULL OR cc.campaign_id = $2)`;

/** The contact was moved to another version of the steps while its message was under way: see `VersionMoves`. */
const MOVED_MEANWHILE = `EXISTS (SELECT FROM campaign_steps st JOIN campaign_steps sent ON sent.tenant_id = st.tenant_id AND sent.version <> st.version
  WHERE st.tenant_id = cc.tenant_id AND st.id = cc.current_step_id AND sent.id = e.step_id)`;

/** The trace of `cc` says that it has come past this action in its present entry. */
const PASSED = (stepId: string) => `strpos(substring(cc.trace FROM '[^#]*$'), ';a' || right(${stepId}::text, 12) || ';') > 0`;

/** What the ledger check compares, in one statement and so in one snapshot: nothing looks lost merely because it moved meanwhile. */
@Injectable()
export class LedgerCheckQueries {
  /** System scope. */
  async tenants(tx: Tx): Promise<string[]> {
    return (await rows<{ id: string }>(tx, 'SELECT id FROM tenants ORDER BY id')).map(({ id }) => id);
  }

  /** Of one campaign, or with null of every launched campaign of the tenant. */
  facts(tx: Tx, tenantId: string, campaignId: string | null): Promise<LedgerFact[]> {
    return rows<LedgerFact>(
      tx,
      `WITH scope AS (
         SELECT tenant_id, id, status, total_contacts FROM campaigns
          WHERE tenant_id = $1 AND CASE WHEN $2::uuid IS NULL THEN launched_at IS NOT NULL ELSE id = $2 END
       ), people AS (
         SELECT cc.*, st.step_type, st.lineage_id FROM campaign_contacts cc
           LEFT JOIN campaign_steps st ON st.tenant_id = cc.tenant_id AND st.id = cc.current_step_id
          WHERE ${OF_SCOPE} AND cc.status IN ('enrolled', 'active', 'paused') AND cc.next_email_scheduled_at IS NULL
       ), fact AS (
         SELECT id AS campaign_id, 'campaign' AS kind, status, NULL::text AS reason, total_contacts::bigint AS n, NULL::uuid[] AS ids FROM scope
          UNION ALL
         SELECT cc.campaign_id, 'enrollment', cc.status, cc.exit_reason, count(*), NULL
           FROM campaign_contacts cc WHERE ${OF_SCOPE} GROUP BY 1, 3, 4
          UNION ALL
         SELECT cc.campaign_id, CASE WHEN e.status = 'unknown' AND e.settled_at IS NULL THEN 'email_undecided' ELSE 'email' END, e.status, e.reason,
                count(*), NULL
           FROM campaign_contacts cc JOIN emails e ON e.tenant_id = cc.tenant_id AND e.enrollment_id = cc.id WHERE ${OF_SCOPE} GROUP BY 1, 2, 3, 4
          UNION ALL
         SELECT cc.campaign_id, 'call', m.status, NULL, count(*), NULL
           FROM campaign_contacts cc JOIN step_calls m ON m.tenant_id = cc.tenant_id AND m.enrollment_id = cc.id WHERE ${OF_SCOPE} GROUP BY 1, 3
          UNION ALL
         SELECT campaign_id, 'parked_without_email', NULL, NULL, count(*), (array_agg(id ORDER BY id))[1:5]
           FROM people p WHERE step_type = 'email' AND NOT EXISTS (
             SELECT FROM emails e JOIN campaign_steps sent ON sent.tenant_id = e.tenant_id AND sent.id = e.step_id
              WHERE e.tenant_id = p.tenant_id AND e.enrollment_id = p.id AND sent.lineage_id = p.lineage_id
                AND e.entry_number = p.entry_number AND ${OPEN}) GROUP BY 1
          UNION ALL
         SELECT cc.campaign_id, 'call_missing', NULL, NULL, count(*), (array_agg(cc.id ORDER BY cc.id))[1:5]
           FROM campaign_steps st JOIN campaign_contacts cc ON cc.tenant_id = st.tenant_id AND cc.campaign_id = st.campaign_id
            AND ${PASSED('st.id')}
          WHERE ${OF_SCOPE} AND st.action_config ->> 'type' = 'webhook' AND NOT EXISTS (
            SELECT FROM step_calls m JOIN campaign_steps o ON o.tenant_id = m.tenant_id AND o.id = m.step_id AND o.lineage_id = st.lineage_id
             WHERE m.tenant_id = cc.tenant_id AND m.enrollment_id = cc.id AND m.entry_number = cc.entry_number) GROUP BY 1
          UNION ALL
         SELECT campaign_id, 'stuck_without_due_time', NULL, NULL, count(*), (array_agg(id ORDER BY id))[1:5]
           FROM people WHERE step_type IS DISTINCT FROM 'email' GROUP BY 1
          UNION ALL
         SELECT cc.campaign_id, 'open_email_of_departed', NULL, NULL, count(*), (array_agg(e.id ORDER BY e.id))[1:5]
           FROM campaign_contacts cc JOIN emails e ON e.tenant_id = cc.tenant_id AND e.enrollment_id = cc.id AND ${OPEN}
          WHERE ${OF_SCOPE} AND (cc.status IN ('completed', 'failed')
             OR (cc.status <> 'exited' AND (cc.entry_number <> e.entry_number
               OR (cc.current_step_id IS DISTINCT FROM e.step_id AND NOT ${MOVED_MEANWHILE})))) GROUP BY 1
          UNION ALL
         SELECT cc.campaign_id, 'accepted_without_time', NULL, NULL, count(*), (array_agg(e.id ORDER BY e.id))[1:5]
           FROM campaign_contacts cc JOIN emails e ON e.tenant_id = cc.tenant_id AND e.enrollment_id = cc.id AND e.status IN ('bounced', 'dropped') AND e.sent_at IS NULL
          WHERE ${OF_SCOPE} GROUP BY 1
       )
       SELECT campaign_id AS "campaignId", kind, status, reason, n::int AS count, ids FROM fact ORDER BY campaign_id, kind, status, reason`,
      [tenantId, campaignId],
    );
  }
}
