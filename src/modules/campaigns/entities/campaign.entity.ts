import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { CampaignStatus } from '../domain/campaign-state.js';
import type { CampaignCategory, CampaignType, LaunchState, SendStrategy, UnknownPolicy } from '../domain/campaign.js';
import type { EntryTrigger, Goal, Reentry } from '../domain/entry.js';
import type { FrequencyCap, PauseReason, PauseThresholds, RampDay, SendWindow } from '../domain/pacing.js';

const PK = { primaryKeyConstraintName: 'pk_campaigns' };

/** A campaign: what is sent to whom, when and how, and how far it has come. `status` changes only along `domain/campaign-state.ts`. */
@Entity('campaigns')
@Check('ck_campaigns_name', `btrim(name) <> ''`)
@Check('ck_campaigns_type', `campaign_type IN ('broadcast', 'drip', 'triggered', 'ab_test')`)
@Check('ck_campaigns_status', `status IN ('draft', 'scheduled', 'active', 'paused', 'completed', 'cancelled')`)
@Check('ck_campaigns_category', `category IN ('marketing', 'transactional')`)
@Check('ck_campaigns_send_strategy', `send_strategy IN ('immediate', 'scheduled', 'optimized')`)
@Check('ck_campaigns_unknown_policy', `unknown_policy IN ('hold', 'resend')`)
@Check('ck_campaigns_launch_state', `launch_state IN ('none', 'enrolling', 'enrolled', 'failed')`)
@Check('ck_campaigns_dates', 'end_date IS NULL OR start_date IS NULL OR end_date > start_date')
@Check('ck_campaigns_launched', `status IN ('draft', 'scheduled', 'cancelled') OR launched_at IS NOT NULL`)
@Check('ck_campaigns_completed', `(status = 'completed') = (completed_at IS NOT NULL)`)
@Check('ck_campaigns_send_rate', 'send_rate_per_minute > 0')
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_campaigns_tenant', onDelete: 'CASCADE' })
@ForeignKey('Workspace', ['tenantId', 'workspaceId'], ['tenantId', 'id'], { name: 'fk_campaigns_workspace' })
@ForeignKey('Segment', ['tenantId', 'segmentId'], ['tenantId', 'id'], { name: 'fk_campaigns_segment' })
@ForeignKey('User', ['tenantId', 'createdBy'], ['tenantId', 'id'], { name: 'fk_campaigns_created_by' })
@ForeignKey('User', ['tenantId', 'lastEditedBy'], ['tenantId', 'id'], { name: 'fk_campaigns_last_edited_by' })
@ForeignKey('ProviderAccount', ['tenantId', 'providerAccountId'], ['tenantId', 'id'], { name: 'fk_campaigns_provider_account' })
@Index('idx_campaigns_status', ['status', 'tenantId', 'id'])
@Index('idx_campaigns_type', ['tenantId', 'campaignType'])
@Index('idx_campaigns_segment', ['tenantId', 'segmentId'])
@Index('idx_campaigns_provider_account', ['tenantId', 'providerAccountId'], { where: 'provider_account_id IS NOT NULL' })
export class Campaign {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  @Column('uuid', { name: 'workspace_id', nullable: true })
  workspaceId: string | null;

  @Column('varchar', { name: 'name', length: 255 })
  name: string;

  @Column('text', { name: 'description', nullable: true })
  description: string | null;

  @Column('varchar', { name: 'campaign_type', length: 50 })
  campaignType: CampaignType;

  @Column('varchar', { name: 'status', length: 50, default: 'draft' })
  status: CampaignStatus;

  @Column('varchar', { name: 'category', length: 20, default: 'marketing' })
  category: CampaignCategory;

  @Column('uuid', { name: 'segment_id', nullable: true })
  segmentId: string | null;

  /** Contacts enrolled so far. */
  @Column('integer', { name: 'total_contacts', default: 0 })
  totalContacts: number;

  @Column('varchar', { name: 'from_email', length: 255, nullable: true })
  fromEmail: string | null;

  @Column('varchar', { name: 'from_name', length: 255, nullable: true })
  fromName: string | null;

  @Column('varchar', { name: 'reply_to_email', length: 255, nullable: true })
  replyToEmail: string | null;

  @Column('timestamptz', { name: 'start_date', nullable: true })
  startDate: Date | null;

  @Column('timestamptz', { name: 'end_date', nullable: true })
  endDate: Date | null;

  @Column('varchar', { name: 'timezone', length: 100, default: 'UTC' })
  timezone: string;

  @Column('varchar', { name: 'send_strategy', length: 50, default: 'immediate' })
  sendStrategy: SendStrategy;

  @Column('boolean', { name: 'start_in_contact_zone', default: false })
  startInContactZone: boolean;

  @Column('boolean', { name: 'track_opens', default: true })
  trackOpens: boolean;

  @Column('boolean', { name: 'track_clicks', default: true })
  trackClicks: boolean;

  @Column('boolean', { name: 'unsubscribe_enabled', default: true })
  unsubscribeEnabled: boolean;

  @Column('varchar', { name: 'unknown_policy', length: 20, default: 'hold' })
  unknownPolicy: UnknownPolicy;

  @Column('uuid', { name: 'provider_account_id', nullable: true })
  providerAccountId: string | null;

  @Column('boolean', { name: 'exit_on_reply', default: false })
  exitOnReply: boolean;

  @Column('integer', { name: 'send_rate_per_minute', nullable: true })
  sendRatePerMinute: number | null;

  @Column('jsonb', { name: 'ramp_plan', nullable: true })
  rampPlan: RampDay[] | null;

  @Column('jsonb', { name: 'frequency_cap', nullable: true })
  frequencyCap: FrequencyCap | null;

  @Column('jsonb', { name: 'send_window', nullable: true })
  sendWindow: SendWindow | null;

  @Column('jsonb', { name: 'pause_thresholds', nullable: true })
  pauseThresholds: PauseThresholds | null;

  @Column('jsonb', { name: 'entry_trigger', nullable: true })
  trigger: EntryTrigger | null;

  @Column('jsonb', { name: 'reentry', nullable: true })
  reentry: Reentry | null;

  @Column('jsonb', { name: 'goal', nullable: true })
  goal: Goal | null;

  @Column('boolean', { name: 'exit_on_segment_leave', default: false })
  exitOnSegmentLeave: boolean;

  @Column('boolean', { name: 'keep_enrolling', default: false })
  keepEnrolling: boolean;

  /** Nobody enters any more: a campaign that would go on for ever completes when everybody is through. */
  @Column('timestamptz', { name: 'enrollment_closed_at', nullable: true })
  enrollmentClosedAt: Date | null;

  /** Why the engine paused it; null when a person did. */
  @Column('varchar', { name: 'pause_reason', length: 40, nullable: true })
  pauseReason: PauseReason | null;

  @Column('text', { name: 'pause_detail', nullable: true })
  pauseDetail: string | null;

  /** The latest resumption: rates of bounces and complaints are counted from there. */
  @Column('timestamptz', { name: 'rates_counted_from', nullable: true })
  ratesCountedFrom: Date | null;

  @Column('integer', { name: 'steps_version', default: 1 })
  stepsVersion: number;

  /** How often the steps have been replaced by another version since the launch; nobody who looks at 0 has to ask about versions. */
  @Column('integer', { name: 'steps_revision', default: 0 })
  stepsRevision: number;

  @Column('varchar', { name: 'launch_state', length: 20, default: 'none' })
  launchState: LaunchState;

  @Column('text', { name: 'launch_error', nullable: true })
  launchError: string | null;

  /** The last contact the enrolment has looked at: where it goes on after a crash. */
  @Column('uuid', { name: 'enroll_cursor', nullable: true })
  enrollCursor: string | null;

  @Column('integer', { name: 'enroll_total', nullable: true })
  enrollTotal: number | null;

  @Column('uuid', { name: 'created_by', nullable: true })
  createdBy: string | null;

  /** The user who last changed it or its steps; null where that was a credential without a user. Approvals ask. */
  @Column('uuid', { name: 'last_edited_by', nullable: true })
  lastEditedBy: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;

  @Column('timestamptz', { name: 'launched_at', nullable: true })
  launchedAt: Date | null;

  /** The launch by the database's clock, by which contacts are dated: who was there by then is the audience. */
  @Column('timestamptz', { name: 'audience_at', nullable: true })
  audienceAt: Date | null;

  @Column('timestamptz', { name: 'paused_at', nullable: true })
  pausedAt: Date | null;

  @Column('timestamptz', { name: 'completed_at', nullable: true })
  completedAt: Date | null;

  @Column('timestamptz', { name: 'cancelled_at', nullable: true })
  cancelledAt: Date | null;
}
