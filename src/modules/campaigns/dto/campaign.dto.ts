import { ApiProperty } from '@nestjs/swagger';
import { CAMPAIGN_STATUSES, type CampaignStatus } from '../domain/campaign-state.js';
import {
  CAMPAIGN_CATEGORIES,
  CAMPAIGN_TYPES,
  LAUNCH_STATES,
  SEND_STRATEGIES,
  UNKNOWN_POLICIES,
  type Campaign,
  type CampaignCategory,
  type CampaignType,
  type LaunchState,
  type SendStrategy,
  type UnknownPolicy,
} from '../domain/campaign.js';
import type { EntryTrigger, Goal, Reentry } from '../domain/entry.js';
import type { FrequencyCap, PauseReason, PauseThresholds, RampDay, SendWindow } from '../domain/pacing.js';
import { PAUSE_REASONS } from '../domain/pacing.js';
import { GOAL_SCHEMA, REENTRY_SCHEMA, TRIGGER_SCHEMA } from './entry.dto.js';
import { FrequencyCapDto, PauseThresholdsDto, RampDayDto, SendWindowDto } from './pacing.dto.js';

const INSTANT = { type: String, format: 'date-time' } as const;
const INSTANT_OR_NULL = { ...INSTANT, nullable: true } as const;
const ID_OR_NULL = { type: String, format: 'uuid', nullable: true } as const;

/** How far the enrolment of the audience has come. */
export class EnrollmentProgressDto {
  @ApiProperty({ enum: LAUNCH_STATES, description: 'The same as `launchState`.' })
  state: LaunchState;

  /** Contacts enrolled so far. */
  @ApiProperty({ type: 'integer', example: 12_000 })
  enrolled: number;

  @ApiProperty({ type: 'integer', nullable: true, example: 48_210, description: 'Contacts to be enrolled; null until it is known.' })
  total: number | null;
}

export class CampaignDto {
  @ApiProperty({ format: 'uuid', example: '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10' })
  id: string;

  @ApiProperty({ format: 'uuid' })
  tenantId: string;

  @ApiProperty(ID_OR_NULL)
  workspaceId: string | null;

  @ApiProperty({ example: 'Spring offers' })
  name: string;

  @ApiProperty({ type: String, nullable: true })
  description: string | null;

  @ApiProperty({ enum: CAMPAIGN_TYPES })
  campaignType: CampaignType;

  @ApiProperty({ enum: CAMPAIGN_STATUSES })
  status: CampaignStatus;

  @ApiProperty({ enum: CAMPAIGN_CATEGORIES })
  category: CampaignCategory;

  @ApiProperty(ID_OR_NULL)
  segmentId: string | null;

  @ApiProperty({ type: 'integer', description: 'Contacts enrolled so far.' })
  totalContacts: number;

  @ApiProperty({ format: 'email', type: String, nullable: true, example: 'news@example.com' })
  fromEmail: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'Example News' })
  fromName: string | null;

  @ApiProperty({ format: 'email', type: String, nullable: true })
  replyToEmail: string | null;

  @ApiProperty(INSTANT_OR_NULL)
  startDate: Date | null;

  @ApiProperty(INSTANT_OR_NULL)
  endDate: Date | null;

  @ApiProperty({ example: 'Europe/Berlin' })
  timezone: string;

  @ApiProperty({ enum: SEND_STRATEGIES })
  sendStrategy: SendStrategy;

  @ApiProperty({ description: 'With `scheduled`: each contact starts at the wall-clock time of `startDate` in its own zone.' })
  startInContactZone: boolean;

  @ApiProperty()
  trackOpens: boolean;

  @ApiProperty()
  trackClicks: boolean;

  @ApiProperty()
  unsubscribeEnabled: boolean;

  @ApiProperty({ enum: UNKNOWN_POLICIES })
  unknownPolicy: UnknownPolicy;

  @ApiProperty({
    ...ID_OR_NULL,
    description: 'The account it sends through; the default one, or the provider of the installation, if null.',
  })
  providerAccountId: string | null;

  @ApiProperty({ description: 'Whether somebody who answers a message leaves the campaign.' })
  exitOnReply: boolean;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Messages per minute at most.' })
  sendRatePerMinute: number | null;

  @ApiProperty({ type: [RampDayDto], nullable: true })
  rampPlan: RampDay[] | null;

  @ApiProperty({ type: FrequencyCapDto, nullable: true })
  frequencyCap: FrequencyCap | null;

  @ApiProperty({ type: SendWindowDto, nullable: true })
  sendWindow: SendWindow | null;

  @ApiProperty({ type: PauseThresholdsDto, nullable: true })
  pauseThresholds: PauseThresholds | null;

  @ApiProperty(TRIGGER_SCHEMA)
  trigger: EntryTrigger | null;

  @ApiProperty(REENTRY_SCHEMA)
  reentry: Reentry | null;

  @ApiProperty(GOAL_SCHEMA)
  goal: Goal | null;

  @ApiProperty()
  exitOnSegmentLeave: boolean;

  @ApiProperty()
  keepEnrolling: boolean;

  @ApiProperty({ ...INSTANT_OR_NULL, description: 'Since when nobody enters any more.' })
  enrollmentClosedAt: Date | null;

  @ApiProperty({ type: 'integer' })
  stepsVersion: number;

  @ApiProperty({ enum: LAUNCH_STATES, description: 'A launch goes on after it was answered: `enrolling`, then `enrolled`.' })
  launchState: LaunchState;

  @ApiProperty({ type: String, nullable: true, description: 'Why a scheduled launch did not happen.' })
  launchError: string | null;

  @ApiProperty({ type: EnrollmentProgressDto })
  enrollment: EnrollmentProgressDto;

  @ApiProperty({ ...ID_OR_NULL, description: 'The user who created it, if known.' })
  createdBy: string | null;

  @ApiProperty(INSTANT)
  createdAt: Date;

  @ApiProperty(INSTANT)
  updatedAt: Date;

  @ApiProperty(INSTANT_OR_NULL)
  launchedAt: Date | null;

  @ApiProperty(INSTANT_OR_NULL)
  pausedAt: Date | null;

  @ApiProperty({ enum: PAUSE_REASONS, nullable: true, description: 'Why the engine paused it; null when a person did.' })
  pauseReason: PauseReason | null;

  @ApiProperty({ type: String, nullable: true, description: 'The same for people, with the figures.' })
  pauseDetail: string | null;

  @ApiProperty(INSTANT_OR_NULL)
  completedAt: Date | null;

  @ApiProperty(INSTANT_OR_NULL)
  cancelledAt: Date | null;
}

/** A campaign as clients see it: its columns, without the bookkeeping of the enrolment. */
export function toCampaignDto(campaign: Campaign): CampaignDto {
  const { enrollCursor: _cursor, ratesCountedFrom: _since, stepsRevision: _revision, enrollTotal, ...columns } = campaign;
  return { ...columns, enrollment: { state: campaign.launchState, enrolled: campaign.totalContacts, total: enrollTotal } };
}
