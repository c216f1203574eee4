import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import { failPoint } from '../../shared/fail-point.js';
import { earliestWallClock } from '../../shared/zoned-time.js';
import { AuditService, systemContext } from '../identity/index.js';
import { CampaignLifecycle } from './campaign-lifecycle.js';
import { CAMPAIGN_LOCK } from './campaign-lock.js';
import { CAMPAIGN_COLUMNS, CampaignsQueries } from './campaigns.queries.js';
import type { Campaign } from './domain/campaign.js';

/** Of a campaign `c`: it has taken in everybody it will take in. */
export const ENDS_BY_ITSELF = `(c.launch_state = 'enrolled'
  AND ((c.campaign_type <> 'triggered' AND NOT c.keep_enrolling) OR c.enrollment_closed_at IS NOT NULL))`;

export interface EnrollProgress {
  /** The last contact looked at; null when there is none to go on from. */
  cursor: string | null;
  /** Contacts enrolled since the last report. */
  enrolled: number;
  state: 'enrolling' | 'enrolled';
  /** Contacts to be enrolled in all, if it has become known. */
  total?: number;
}

/** What the engine reads and reports on campaigns. The row is the hand-over: a launched campaign waits here until its enrolment is done. */
@Injectable()
export class CampaignLaunchStore {
  constructor(
    private readonly queries: CampaignsQueries,
    private readonly lifecycle: CampaignLifecycle,
    private readonly audit: AuditService,
  ) {}

  /** Active campaigns whose audience is still being enrolled, of all tenants (system scope), longest waiting first. */
  listEnrolling(tx: Tx, limit: number): Promise<Campaign[]> {
    return rows<Campaign>(
      tx,
      `SELECT ${CAMPAIGN_COLUMNS} FROM campaigns WHERE status = 'active' AND launch_state = 'enrolling' ORDER BY launched_at, tenant_id, id LIMIT $1`,
      [limit],
    );
  }

  /**
   * Adds to what is enrolled and moves the cursor, in the transaction that enrolled them. A paused campaign may finish its chunk; one that is
   * not enrolling (any more) is left alone. When done, the total becomes what was enrolled.
   *
   * @returns false if the campaign has ended meanwhile: then the caller must undo what it enrolled, because nobody would look after it
   */
  async recordEnrollProgress(tx: Tx, tenantId: string, campaignId: string, progress: EnrollProgress): Promise<boolean> {
    const recorded = await affected(
      tx,
      `UPDATE campaigns SET total_contacts = total_contacts + $3, enroll_cursor = $4, launch_state = $5::text,
              enroll_total = CASE WHEN $5::text = 'enrolled' THEN total_contacts + $3 ELSE coalesce($6::int, enroll_total) END
        WHERE tenant_id = $1 AND id = $2 AND launch_state = 'enrolling' AND status IN ('active', 'paused')`,
      [tenantId, campaignId, progress.enrolled, progress.cursor, progress.state, progress.total ?? null],
    );
    return recorded === 1;
  }

  /** Counts contacts that were enrolled one by one, after the audience or beside it; in the transaction that enrolled them. */
  async addEnrolled(tx: Tx, tenantId: string, campaignId: string, enrolled: number): Promise<void> {
    if (enrolled === 0) return;
    await affected(
      tx,
      `UPDATE campaigns SET total_contacts = total_contacts + $3,
              enroll_total = CASE WHEN launch_state = 'enrolled' THEN total_contacts + $3 ELSE enroll_total END
        WHERE tenant_id = $1 AND id = $2`,
      [tenantId, campaignId, enrolled],
    );
  }

  /**
   * Scheduled campaigns whose start date has come, of all tenants (system scope). Launch each with `CampaignLaunchService.launchScheduled`. One that
   * starts on each contact's own clock is due when its time comes for the first zone on earth.
   */
  async listDueToStart(tx: Tx, now: Date, limit: number): Promise<Campaign[]> {
    const found = await rows<Campaign>(
      tx,
      `SELECT ${CAMPAIGN_COLUMNS} FROM campaigns
        WHERE status = 'scheduled' AND start_date <= $1::timestamptz + CASE WHEN start_in_contact_zone THEN interval '26 hours' ELSE interval '0' END
        ORDER BY start_date, tenant_id, id LIMIT $2`,
      [now, limit],
    );
    return found.filter(
      ({ startDate, startInContactZone, timezone }) => !startInContactZone || earliestWallClock(startDate!, timezone) <= now,
    );
  }

  /** Active or paused campaigns whose end date has come, of all tenants (system scope). */
  listEnded(tx: Tx, now: Date, limit: number): Promise<Campaign[]> {
    return rows<Campaign>(
      tx,
      `SELECT ${CAMPAIGN_COLUMNS} FROM campaigns WHERE status IN ('active', 'paused') AND end_date <= $1 ORDER BY end_date, tenant_id, id LIMIT $2`,
      [now, limit],
    );
  }

  /**
   * Completes a campaign that is through (invariant I5): finite or past its end date, enrolment closed, and neither an enrolment nor a message
   * open. Looked at again and done under the campaign's exclusive lock and that of its row, so that nobody slips in between: neither a message nor a
   * chunk of the audience that is just being enrolled. A paused campaign is completed only by its
   * end date. False if it is not through; repeating changes nothing.
   */
  async complete(tx: Tx, tenantId: string, campaignId: string, now: Date): Promise<boolean> {
    if (!(await this.completable(tx, tenantId, campaignId, now))) return false;
    await this.queries.lockGate(tx, CAMPAIGN_LOCK, campaignId);
    await this.queries.lock(tx, tenantId, campaignId);
    const action = await this.completable(tx, tenantId, campaignId, now);
    const completed = action && (await this.queries.transition(tx, tenantId, campaignId, action, now));
    if (!completed) return false;
    await this.audit.record(tx, systemContext(tenantId), {
      action: 'campaign.completed',
      entityType: 'campaign',
      entityId: campaignId,
      after: { status: completed.status, because: action === 'end' ? 'end_date' : 'everybody_through' },
    });
    await this.lifecycle.emit(tx, 'completed', completed, { at: now });
    await failPoint('complete_before_commit');
    return true;
  }

  private async completable(tx: Tx, tenantId: string, campaignId: string, now: Date): Promise<'complete' | 'end' | null> {
    const found = await row<{ hasEnded: boolean }>(
      tx,
      `SELECT coalesce(c.end_date <= $3, false) AS "hasEnded" FROM campaigns c
        WHERE c.tenant_id = $1 AND c.id = $2
          AND (c.end_date <= $3 OR ${ENDS_BY_ITSELF})
          AND NOT EXISTS (SELECT FROM campaign_contacts e
                           WHERE e.tenant_id = $1 AND e.campaign_id = $2 AND e.status IN ('enrolled', 'active', 'paused'))
          AND NOT EXISTS (SELECT FROM emails m WHERE m.tenant_id = $1 AND m.campaign_id = $2 AND m.status = 'queued')
          AND NOT EXISTS (SELECT FROM emails m WHERE m.tenant_id = $1 AND m.campaign_id = $2 AND m.status = 'sending')
          AND NOT EXISTS (SELECT FROM emails m
                           WHERE m.tenant_id = $1 AND m.campaign_id = $2 AND m.status = 'unknown' AND m.settled_at IS NULL)`,
      [tenantId, campaignId, now],
    );
    return found && (found.hasEnded ? 'end' : 'complete');
  }
}
