import type { CampaignStatus } from './campaign-state.js';
import type { EntryTrigger, Goal, Reentry } from './entry.js';
import type { FrequencyCap, PauseReason, PauseThresholds, RampDay, SendWindow } from './pacing.js';

export const CAMPAIGN_TYPES = ['broadcast', 'drip', 'triggered', 'ab_test'] as const;
export type CampaignType = (typeof CAMPAIGN_TYPES)[number];
export const SEND_STRATEGIES = ['immediate', 'scheduled', 'optimized'] as const;
export type SendStrategy = (typeof SEND_STRATEGIES)[number];
export const CAMPAIGN_CATEGORIES = ['marketing', 'transactional'] as const;
export type CampaignCategory = (typeof CAMPAIGN_CATEGORIES)[number];
export const UNKNOWN_POLICIES = ['hold', 'resend'] as const;
export type UnknownPolicy = (typeof UNKNOWN_POLICIES)[number];
export const LAUNCH_STATES = ['none', 'enrolling', 'enrolled', 'failed'] as const;
export type LaunchState = (typeof LAUNCH_STATES)[number];

/** What a user may set on a campaign, on create and while it is a draft or scheduled. */
export interface CampaignSettings {
  name: string;
  description: string | null;
  campaignType: CampaignType;
  category: CampaignCategory;
  segmentId: string | null;
  fromEmail: string | null;
  fromName: string | null;
  replyToEmail: string | null;
  startDate: Date | null;
  endDate: Date | null;
  /** IANA name. A contact's own zone comes first. */
  timezone: string;
  sendStrategy: SendStrategy;
  /** With `scheduled`: each contact starts when its own clock shows what the campaign's shows at `startDate`. */
  startInContactZone: boolean;
  trackOpens: boolean;
  trackClicks: boolean;
  unsubscribeEnabled: boolean;
  /** What happens, after the grace period, to a message of which it is not known whether it was handed over. */
  unknownPolicy: UnknownPolicy;
  /** Whose way out it takes; the tenant's default account, or the installation's provider, if not set. */
  providerAccountId: string | null;
  /** Whether somebody who answers a message is through with the campaign. */
  exitOnReply: boolean;
  /** Null: as fast as the provider takes it. */
  sendRatePerMinute: number | null;
  rampPlan: RampDay[] | null;
  /** Null: the tenant's. */
  frequencyCap: FrequencyCap | null;
  sendWindow: SendWindow | null;
  /** Null: the tenant's, else the defaults. */
  pauseThresholds: PauseThresholds | null;
  /** What lets people in: `triggered` alone has one, and needs it at launch. */
  trigger: EntryTrigger | null;
  reentry: Reentry | null;
  goal: Goal | null;
  /** Whether somebody who leaves the segment (of the trigger, else the audience) is through with the campaign. */
  exitOnSegmentLeave: boolean;
  /** A drip that goes on taking in those who come into the segment after the launch. */
  keepEnrolling: boolean;
}

/** One row of `campaigns`. */
export interface Campaign extends CampaignSettings {
  id: string;
  tenantId: string;
  workspaceId: string | null;
  status: CampaignStatus;
  /** Contacts enrolled so far. */
  totalContacts: number;
  /** The version of the steps that is edited before, and executed after launch. */
  stepsVersion: number;
  /** How often the steps have been replaced by another version since the launch. */
  stepsRevision: number;
  /** How far the launch has come: it goes on after `launch` has answered. */
  launchState: LaunchState;
  /** Why a scheduled launch did not happen (`launchState` "failed"). */
  launchError: string | null;
  enrollCursor: string | null;
  /** Contacts to be enrolled in all; null until that is known. */
  enrollTotal: number | null;
  /** Since when nobody enters any more. */
  enrollmentClosedAt: Date | null;
  createdBy: string | null;
  createdAt: Date;
  updatedAt: Date;
  launchedAt: Date | null;
  pausedAt: Date | null;
  /** Why the engine paused it; null when a person did, or when it is not paused. */
  pauseReason: PauseReason | null;
  pauseDetail: string | null;
  /** The latest resumption: rates of bounces and complaints count from there. */
  ratesCountedFrom: Date | null;
  completedAt: Date | null;
  cancelledAt: Date | null;
}
