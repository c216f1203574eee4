import { Injectable } from '@nestjs/common';
import { affected, type Tx } from '../../database/index.js';

/** What becomes of queued messages when their steps are replaced by those of another version. What is with the provider is not touched. */
@Injectable()
export class VersionLedger {
  /**
   * Queued messages of these steps become messages of the steps that go on with them, with the same variant by name, else the control. Leases are taken
   * away: a worker that holds one has composed the former content, and finds its message lost at the gate. Messages of those who have left stay where they are, and are skipped there. Call while nothing passes the gate.
   */
  async handOn(tx: Tx, tenantId: string, campaignId: string, steps: readonly { from: string; to: string }[]): Promise<number> {
    if (steps.length === 0) return 0;
    return affected(
      tx,
      `WITH step AS MATERIALIZED (
         SELECT m.from_id, m.to_id, EXISTS (SELECT FROM step_variants v WHERE v.tenant_id = $1 AND v.step_id = m.to_id) AS is_tested
           FROM unnest($3::uuid[], $4::uuid[]) AS m (from_id, to_id))
       UPDATE emails e
          SET step_id = step.to_id, lease_token = NULL, lease_expires_at = NULL,
              variant_id = CASE WHEN step.is_tested THEN (
                SELECT v.id FROM step_variants v LEFT JOIN step_variants old ON old.tenant_id = $1 AND old.id = e.variant_id
                 WHERE v.tenant_id = $1 AND v.step_id = step.to_id ORDER BY (lower(v.name) = lower(old.name)) IS TRUE DESC, v.position LIMIT 1) END
         FROM step
        WHERE e.tenant_id = $1 AND e.campaign_id = $2 AND e.status = 'queued' AND e.step_id = step.from_id
          AND (SELECT n.status IN ('enrolled', 'active', 'paused') AND n.entry_number = e.entry_number
                 FROM campaign_contacts n WHERE n.tenant_id = $1 AND n.id = e.enrollment_id)
          AND NOT EXISTS (SELECT FROM emails other WHERE other.tenant_id = $1 AND other.enrollment_id = e.enrollment_id
            AND other.step_id = step.to_id AND other.entry_number = e.entry_number)`,
      [tenantId, campaignId, steps.map(({ from }) => from), steps.map(({ to }) => to)],
    );
  }

  /** Queued messages of steps that are no more are not sent. Call while nothing passes the gate. */
  async withdraw(tx: Tx, tenantId: string, campaignId: string, stepIds: readonly string[], now: Date): Promise<number> {
    if (stepIds.length === 0) return 0;
    return affected(
      tx,
      `UPDATE emails SET status = 'skipped', reason = 'step_removed', settled_at = $4, lease_token = NULL, lease_expires_at = NULL
        WHERE tenant_id = $1 AND campaign_id = $2 AND status = 'queued' AND step_id = ANY ($3::uuid[])`,
      [tenantId, campaignId, stepIds, now],
    );
  }
}
