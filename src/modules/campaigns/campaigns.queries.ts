import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import { transitionOf, type CampaignAction, type CampaignStatus } from './domain/campaign-state.js';
import type { Campaign, CampaignSettings, CampaignType } from './domain/campaign.js';

/** Where each setting stands; what is not here, no request can write. */
const SETTING_COLUMNS: Record<keyof CampaignSettings, string> = {
  name: 'name',
  description: 'description',
  campaignType: 'campaign_type',
  category: 'category',
  segmentId: 'segment_id',
  fromEmail: 'from_email',
  fromName: 'from_name',
  replyToEmail: 'reply_to_email',
  startDate: 'start_date',
  endDate: 'end_date',
  timezone: 'timezone',
  sendStrategy: 'send_strategy',
  startInContactZone: 'start_in_contact_zone',
  trackOpens: 'track_opens',
  trackClicks: 'track_clicks',
  unsubscribeEnabled: 'unsubscribe_enabled',
  unknownPolicy: 'unknown_policy',
  providerAccountId: 'provider_account_id',
  exitOnReply: 'exit_on_reply',
  sendRatePerMinute: 'send_rate_per_minute',
  rampPlan: 'ramp_plan',
  frequencyCap: 'frequency_cap',
  sendWindow: 'send_window',
  pauseThresholds: 'pause_thresholds',
  trigger: 'entry_trigger',
  reentry: 'reentry',
  goal: 'goal',
  exitOnSegmentLeave: 'exit_on_segment_leave',
  keepEnrolling: 'keep_enrolling',
};
const OTHER_COLUMNS: Record<Exclude<keyof Campaign, keyof CampaignSettings>, string> = {
  id: 'id',
  tenantId: 'tenant_id',
  workspaceId: 'workspace_id',
  status: 'status',
  totalContacts: 'total_contacts',
  stepsVersion: 'steps_version',
  stepsRevision: 'steps_revision',
  launchState: 'launch_state',
  launchError: 'launch_error',
  enrollCursor: 'enroll_cursor',
  enrollTotal: 'enroll_total',
  enrollmentClosedAt: 'enrollment_closed_at',
  createdBy: 'created_by',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  launchedAt: 'launched_at',
  pausedAt: 'paused_at',
  pauseReason: 'pause_reason',
  pauseDetail: 'pause_detail',
  ratesCountedFrom: 'rates_counted_from',
  completedAt: 'completed_at',
  cancelledAt: 'cancelled_at',
};
/** The columns of a campaign under the names of `Campaign`. */
export const CAMPAIGN_COLUMNS = Object.entries({ ...OTHER_COLUMNS, ...SETTING_COLUMNS })
  .map(([property, column]) => `${column} AS "${property}"`)
  .join(', ');

/** Arrays too: the driver would turn them into PostgreSQL's own. */
const JSON_SETTINGS: ReadonlySet<string> = new Set([
  'rampPlan',
  'frequencyCap',
  'sendWindow',
  'pauseThresholds',
  'trigger',
  'reentry',
  'goal',
]);

function stored(settings: Partial<CampaignSettings>, property: keyof CampaignSettings): unknown {
  const value = settings[property];
  return JSON_SETTINGS.has(property) && value !== null && value !== undefined ? JSON.stringify(value) : value;
}

/** What a transition writes beside the status. `$4` is the time of it. */
const SIDE_EFFECTS: Record<CampaignAction, string> = {
  schedule: `launch_state = 'none', launch_error = NULL`,
  unschedule: `launch_state = 'none', launch_error = NULL`,
  launch: `launch_state = 'enrolling', launch_error = NULL, enroll_cursor = NULL, enrollment_closed_at = NULL, launched_at = $4::timestamptz, audience_at = clock_timestamp()`,
  pause: 'paused_at = $4::timestamptz, pause_reason = NULL, pause_detail = NULL',
  resume: 'paused_at = NULL, pause_reason = NULL, pause_detail = NULL, rates_counted_from = $4::timestamptz',
  complete: 'completed_at = $4::timestamptz',
  end: 'paused_at = NULL, completed_at = $4::timestamptz',
  cancel: 'paused_at = NULL, cancelled_at = $4::timestamptz',
};

export interface CampaignFilter {
  status?: CampaignStatus[];
  type?: CampaignType[];
  /** Part of the name, ignoring case. */
  q?: string;
  /** Only campaigns created before this one. */
  beforeId: string | null;
  limit: number;
}

export interface NewCampaign extends CampaignSettings {
  id: string;
  workspaceId: string | null;
  createdBy: string | null;
}

/** Every statement on `campaigns` that a request causes. Ids are expected to be UUIDs. */
@Injectable()
export class CampaignsQueries {
  find(tx: Tx, tenantId: string, id: string): Promise<Campaign | null> {
    return row<Campaign>(tx, `SELECT ${CAMPAIGN_COLUMNS} FROM campaigns WHERE tenant_id = $1 AND id = $2`, [tenantId, id]);
  }

  /** Locks the row until the transaction ends: changes of one campaign and of its steps go one after another, and none passes a launch. */
  lock(tx: Tx, tenantId: string, id: string): Promise<Campaign | null> {
    return row<Campaign>(tx, `SELECT ${CAMPAIGN_COLUMNS} FROM campaigns WHERE tenant_id = $1 AND id = $2 FOR UPDATE`, [tenantId, id]);
  }

  /** Newest first (UUIDv7 ids are in order of creation). */
  list(tx: Tx, tenantId: string, { status, type, q, beforeId, limit }: CampaignFilter): Promise<Campaign[]> {
    return rows<Campaign>(
      tx,
      `SELECT ${CAMPAIGN_COLUMNS} FROM campaigns
        WHERE tenant_id = $1
          AND ($2::uuid IS NULL OR id < $2)
          AND ($3::text[] IS NULL OR status = ANY ($3))
          AND ($4::text[] IS NULL OR campaign_type = ANY ($4))
          AND ($5::text IS NULL OR strpos(lower(name), lower($5)) > 0)
        ORDER BY id DESC LIMIT $6`,
      [tenantId, beforeId, status ?? null, type ?? null, q ?? null, limit],
    );
  }

  /** The author and the workspace are kept only if they are this tenant's: a token may name a user that we do not know. */
  async insert(tx: Tx, tenantId: string, campaign: NewCampaign): Promise<Campaign> {
    const settings = Object.entries(SETTING_COLUMNS) as [keyof CampaignSettings, string][];
    const created = await row<Campaign>(
      tx,
      `INSERT INTO campaigns (tenant_id, id, workspace_id, created_by, ${settings.map(([, column]) => column).join(', ')})
       VALUES ($1, $2, (SELECT id FROM workspaces WHERE tenant_id = $1 AND id = $3), (SELECT id FROM users WHERE tenant_id = $1 AND id = $4),
               ${settings.map((_, index) => `$${index + 5}`).join(', ')})
       RETURNING ${CAMPAIGN_COLUMNS}`,
      [tenantId, campaign.id, campaign.workspaceId, campaign.createdBy, ...settings.map(([property]) => stored(campaign, property))],
    );
    return created!;
  }

  /** Writes the settings that are given, at least one. The row must be locked. */
  async update(tx: Tx, tenantId: string, id: string, settings: Partial<CampaignSettings>): Promise<Campaign> {
    const given = (Object.keys(SETTING_COLUMNS) as (keyof CampaignSettings)[]).filter((property) => settings[property] !== undefined);
    const updated = await row<Campaign>(
      tx,
      `UPDATE campaigns SET ${given.map((property, index) => `${SETTING_COLUMNS[property]} = $${index + 3}`).join(', ')}
        WHERE tenant_id = $1 AND id = $2 RETURNING ${CAMPAIGN_COLUMNS}`,
      [tenantId, id, ...given.map((property) => stored(settings, property))],
    );
    return updated!;
  }

  /** Deletes a campaign in one of these statuses, with its steps. False if there is none such. */
  async remove(tx: Tx, tenantId: string, id: string, statuses: readonly CampaignStatus[]): Promise<boolean> {
    const sql = 'DELETE FROM campaigns WHERE tenant_id = $1 AND id = $2 AND status = ANY ($3)';
    return (await affected(tx, sql, [tenantId, id, statuses])) > 0;
  }

  /** Changes the status if the present one allows it; null otherwise. Of any number of concurrent callers one gets the row. */
  transition(tx: Tx, tenantId: string, id: string, action: CampaignAction, now: Date): Promise<Campaign | null> {
    const { from, to } = transitionOf(action);
    return row<Campaign>(
      tx,
      `UPDATE campaigns SET status = '${to}', ${SIDE_EFFECTS[action]}
        WHERE tenant_id = $1 AND id = $2 AND status = ANY ($3) AND $4::timestamptz IS NOT NULL
        RETURNING ${CAMPAIGN_COLUMNS}`,
      [tenantId, id, from, now],
    );
  }

  /** What a key without a user changes leaves the last person who edited: nobody stops being that by sending a program after them. */
  async noteEditor(tx: Tx, tenantId: string, id: string, userId: string | null): Promise<void> {
    const sql = `UPDATE campaigns c SET last_edited_by = u.id FROM users u
                  WHERE c.tenant_id = $1 AND c.id = $2 AND u.tenant_id = $1 AND u.id = $3`;
    await affected(tx, sql, [tenantId, id, userId]);
  }

  /** The row must be locked. The first time stays. */
  async closeEnrollment(tx: Tx, tenantId: string, id: string, now: Date): Promise<Campaign> {
    const sql = `UPDATE campaigns SET enrollment_closed_at = coalesce(enrollment_closed_at, $3) WHERE tenant_id = $1 AND id = $2 RETURNING ${CAMPAIGN_COLUMNS}`;
    return (await row<Campaign>(tx, sql, [tenantId, id, now]))!;
  }

  /** Runs these steps from now on. The row must be locked. */
  async switchSteps(tx: Tx, tenantId: string, id: string, version: number): Promise<Campaign> {
    const sql = `UPDATE campaigns SET steps_version = $3, steps_revision = steps_revision + 1 WHERE tenant_id = $1 AND id = $2 RETURNING ${CAMPAIGN_COLUMNS}`;
    return (await row<Campaign>(tx, sql, [tenantId, id, version]))!;
  }

  /** Says on a campaign that was just paused why the engine did it. */
  async explainPause(tx: Tx, tenantId: string, id: string, reason: string, detail: string): Promise<Campaign | null> {
    const sql = `UPDATE campaigns SET pause_reason = $3, pause_detail = $4
                  WHERE tenant_id = $1 AND id = $2 AND status = 'paused' RETURNING ${CAMPAIGN_COLUMNS}`;
    return row<Campaign>(tx, sql, [tenantId, id, reason, detail]);
  }

  /** Puts a scheduled campaign whose launch was refused back among the drafts, with the reason on it. False if it is no longer scheduled. */
  async failScheduled(tx: Tx, tenantId: string, id: string, reason: string): Promise<boolean> {
    const sql = `UPDATE campaigns SET status = 'draft', launch_state = 'failed', launch_error = $3
                  WHERE tenant_id = $1 AND id = $2 AND status = 'scheduled'`;
    return (await affected(tx, sql, [tenantId, id, reason])) > 0;
  }

  async listActiveIds(tx: Tx, tenantId: string): Promise<string[]> {
    const found = await rows<{ id: string }>(tx, `SELECT id FROM campaigns WHERE tenant_id = $1 AND status = 'active' ORDER BY id`, [
      tenantId,
    ]);
    return found.map(({ id }) => id);
  }

  /** Waits for whoever is passing the gate with this campaign, and holds everybody off until the transaction ends. */
  async lockGate(tx: Tx, namespace: number, id: string): Promise<void> {
    await rows(tx, 'SELECT pg_advisory_xact_lock($1::int, hashtext($2::text))', [namespace, id]);
  }

  /** Messages that are with the provider at this moment. */
  async countInFlight(tx: Tx, tenantId: string, id: string): Promise<number> {
    const sql = `SELECT count(*)::int AS count FROM emails WHERE tenant_id = $1 AND campaign_id = $2 AND status = 'sending'`;
    return (await row<{ count: number }>(tx, sql, [tenantId, id]))!.count;
  }

  /** Whether the segment is this tenant's. Keeps it from being deleted until the transaction ends. */
  async segmentExists(tx: Tx, tenantId: string, segmentId: string): Promise<boolean> {
    const sql = 'SELECT 1 FROM segments WHERE tenant_id = $1 AND id = $2 FOR KEY SHARE';
    return (await row(tx, sql, [tenantId, segmentId])) !== null;
  }

  /** Whether the provider account is this tenant's and not deleted. Keeps it from being deleted until the transaction ends. */
  async providerAccountExists(tx: Tx, tenantId: string, accountId: string): Promise<boolean> {
    const sql = 'SELECT 1 FROM provider_accounts WHERE tenant_id = $1 AND id = $2 AND archived_at IS NULL FOR KEY SHARE';
    return (await row(tx, sql, [tenantId, accountId])) !== null;
  }

  tenant(tx: Tx, tenantId: string): Promise<{ timezone: string; postalAddress: string | null } | null> {
    return row(tx, `SELECT timezone, postal_address AS "postalAddress" FROM tenants WHERE id = $1`, [tenantId]);
  }

  /** Names that begin like this: the candidates a clone's name must avoid. */
  async namesBeginningWith(tx: Tx, tenantId: string, stem: string): Promise<string[]> {
    const sql = 'SELECT name FROM campaigns WHERE tenant_id = $1 AND starts_with(name, $2) LIMIT 10000';
    return (await rows<{ name: string }>(tx, sql, [tenantId, stem])).map(({ name }) => name);
  }
}
