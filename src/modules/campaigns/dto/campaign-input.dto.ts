import { ApiPropertyOptional, PartialType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { IsEmailAddress, IsHeaderText, IsInstant, IsTimeZone, Omittable, parseInstant } from '../../../http/index.js';
import {
  CAMPAIGN_CATEGORIES,
  CAMPAIGN_TYPES,
  SEND_STRATEGIES,
  UNKNOWN_POLICIES,
  type CampaignCategory,
  type CampaignSettings,
  type CampaignType,
  type SendStrategy,
  type UnknownPolicy,
} from '../domain/campaign.js';
import type { EntryTrigger, Goal, Reentry } from '../domain/entry.js';
import { MAX_RATE_PER_MINUTE } from '../domain/pacing.js';
import { GOAL_SCHEMA, REENTRY_SCHEMA, TRIGGER_SCHEMA } from './entry.dto.js';
import { FrequencyCapDto, PauseThresholdsDto, RampDayDto, SendWindowDto } from './pacing.dto.js';

/** What can be set on a campaign. Leave out what is not known yet: it is asked for at launch. */
export class CreateCampaignDto {
  /**
   * For people; need not be unique.
   * @example 'Spring offers'
   */
  @IsHeaderText(255)
  name: string;

  /** @example 'Three mails about the new collection' */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsString()
  @MaxLength(10_000)
  description?: string | null;

  /** `ab_test`: a broadcast of which a step has variants. `triggered` takes people in one by one: see `trigger`. */
  @IsIn(CAMPAIGN_TYPES)
  campaignType: CampaignType;

  /** Marketing mail must let people unsubscribe and carry the postal address of the tenant. */
  @Omittable()
  @IsIn(CAMPAIGN_CATEGORIES)
  category?: CampaignCategory;

  /** The audience. */
  @ApiPropertyOptional({ type: String, format: 'uuid', nullable: true, example: '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10' })
  @IsOptional()
  @IsUUID()
  segmentId?: string | null;

  @ApiPropertyOptional({ type: String, format: 'email', nullable: true, example: 'news@example.com' })
  @IsOptional()
  @IsEmailAddress()
  fromEmail?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'Example News' })
  @IsOptional()
  @IsHeaderText(255)
  fromName?: string | null;

  /** Where replies go; the sender's address if not set. */
  @ApiPropertyOptional({ type: String, format: 'email', nullable: true, example: 'support@example.com' })
  @IsOptional()
  @IsEmailAddress()
  replyToEmail?: string | null;

  /** When a scheduled campaign starts; with an offset. */
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true, example: '2030-03-29T09:00:00+01:00' })
  @IsOptional()
  @IsInstant()
  startDate?: string | null;

  /** After this nothing is sent any more. Must be after `startDate`. */
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true, example: '2030-04-30T22:00:00Z' })
  @IsOptional()
  @IsInstant()
  endDate?: string | null;

  /**
   * IANA name; counts for contacts who have no zone of their own. The tenant's zone if not set.
   * @example 'Europe/Berlin'
   */
  @Omittable()
  @IsTimeZone()
  timezone?: string;

  /**
   * `immediate`: at launch · `scheduled`: at `startDate` · `optimized`: every message waits for the next hour in which the contact opens mail most
   * often (by its own clock, from at least five messages opened by a person, at a moment of the hour that differs from contact to contact); 09:00
   * for the others.
   */
  @Omittable()
  @IsIn(SEND_STRATEGIES)
  sendStrategy?: SendStrategy;

  /**
   * With `scheduled`: each contact starts when its own clock shows what the clock of the campaign shows at `startDate`; at once where that has
   * passed. A scheduled campaign becomes active when that time comes for the first zone on earth, up to 26 hours before `startDate`.
   */
  @Omittable()
  @IsBoolean()
  startInContactZone?: boolean;

  @Omittable()
  @IsBoolean()
  trackOpens?: boolean;

  @Omittable()
  @IsBoolean()
  trackClicks?: boolean;

  /** Adds List-Unsubscribe and, where the content has no link of its own, a footer. Required for marketing. */
  @Omittable()
  @IsBoolean()
  unsubscribeEnabled?: boolean;

  /** What happens to a message of which it stays unknown whether the provider took it: `hold` never risks a second copy. */
  @Omittable()
  @IsIn(UNKNOWN_POLICIES)
  unknownPolicy?: UnknownPolicy;

  /** The provider account it sends through; if not set the tenant's default one, or else the provider of the installation. */
  @ApiPropertyOptional({ type: String, format: 'uuid', nullable: true, example: '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10' })
  @IsOptional()
  @IsUUID()
  providerAccountId?: string | null;

  /** Whether somebody who answers a message leaves the campaign with the reason `replied`. Drip campaigns: true if not set; others: false. */
  @Omittable()
  @IsBoolean()
  exitOnReply?: boolean;

  /** Messages per minute at most; as fast as the provider takes them if not set. Holds over restarts and for all processes together. */
  @ApiPropertyOptional({ type: 'integer', nullable: true, example: 600 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_RATE_PER_MINUTE)
  sendRatePerMinute?: number | null;

  /** Messages per day since the launch, in the zone of the campaign. A day that is not listed has the limit of the one before; no limit after the last. */
  @ApiPropertyOptional({ type: [RampDayDto], nullable: true })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => RampDayDto)
  rampPlan?: RampDayDto[] | null;

  /** How much marketing mail one contact gets from all campaigns together; the tenant's setting if not set. */
  @ApiPropertyOptional({ type: FrequencyCapDto, nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => FrequencyCapDto)
  frequencyCap?: FrequencyCapDto | null;

  /** When mail may go out, by the contact's own clock (else the campaign's). Outside, messages wait for the next opening. */
  @ApiPropertyOptional({ type: SendWindowDto, nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => SendWindowDto)
  sendWindow?: SendWindowDto | null;

  /** When bounces or complaints pause the campaign; the tenant's setting if not set. */
  @ApiPropertyOptional({ type: PauseThresholdsDto, nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => PauseThresholdsDto)
  pauseThresholds?: PauseThresholdsDto | null;

  /** triggered: what lets people in. Needed at launch. */
  @ApiPropertyOptional(TRIGGER_SCHEMA)
  @IsOptional()
  @IsObject()
  trigger?: EntryTrigger | null;

  /** triggered, and drip with `keepEnrolling`: whether somebody who is through may enter again; never while still inside. Never if not set. */
  @ApiPropertyOptional(REENTRY_SCHEMA)
  @IsOptional()
  @IsObject()
  reentry?: Reentry | null;

  /** What ends a contact's way with the reason `goal`; mail that is planned and not yet handed over is skipped. */
  @ApiPropertyOptional(GOAL_SCHEMA)
  @IsOptional()
  @IsObject()
  goal?: Goal | null;

  /** Whether somebody who leaves the segment (of the trigger, else `segmentId`) leaves the campaign with the reason `left_segment`. */
  @Omittable()
  @IsBoolean()
  exitOnSegmentLeave?: boolean;

  /** drip: goes on taking in those who come into the segment after the launch. Then it ends by its end date or by hand, not by itself. */
  @Omittable()
  @IsBoolean()
  keepEnrolling?: boolean;
}

/** Only what is given changes; null takes a value away. */
export class UpdateCampaignDto extends PartialType(CreateCampaignDto, { skipNullProperties: false }) {}

/** The same with instants as such. */
export function toSettings<T extends CreateCampaignDto | UpdateCampaignDto>(
  dto: T,
): Omit<T, 'startDate' | 'endDate'> & Pick<Partial<CampaignSettings>, 'startDate' | 'endDate'> {
  return { ...dto, startDate: instant(dto.startDate), endDate: instant(dto.endDate) };
}

function instant(text: string | null | undefined): Date | null | undefined {
  return typeof text === 'string' ? parseInstant(text) : text;
}
