import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional, MaxLength, IsString } from 'class-validator';
import { BoolQuery, IsHeaderText, ListQuery, PageQuery } from '../../../http/index.js';
import { CAMPAIGN_STATUSES, type CampaignStatus } from '../domain/campaign-state.js';
import { CAMPAIGN_TYPES, type CampaignType } from '../domain/campaign.js';
import { CampaignDto } from './campaign.dto.js';

export class ListCampaignsQuery extends PageQuery {
  @ApiPropertyOptional({ enum: CAMPAIGN_STATUSES, isArray: true, example: ['draft', 'scheduled'] })
  @ListQuery()
  @IsIn(CAMPAIGN_STATUSES, { each: true })
  status?: CampaignStatus[];

  @ApiPropertyOptional({ enum: CAMPAIGN_TYPES, isArray: true })
  @ListQuery()
  @IsIn(CAMPAIGN_TYPES, { each: true })
  type?: CampaignType[];

  /**
   * Part of the name, ignoring case.
   * @example 'spring'
   */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  q?: string;
}

export class PreflightQuery {
  @ApiPropertyOptional({ type: Boolean, default: false, description: 'Also call the web addresses in the content.' })
  @BoolQuery()
  checkLinks?: boolean;
}

export class LaunchDto {
  /** Needed when the campaign waits for a start date that has passed: it then starts at once. */
  @ApiPropertyOptional({ type: Boolean, default: false })
  @IsOptional()
  @IsBoolean()
  confirmPastStart?: boolean;
}

export class ResumeDto {
  /** `catch_up`: what came due meanwhile is due now · `shift`: all due times move by the length of the pause. */
  @ApiPropertyOptional({ enum: ['catch_up', 'shift'], default: 'catch_up' })
  @IsOptional()
  @IsIn(['catch_up', 'shift'])
  policy?: 'catch_up' | 'shift';
}

export class CloneDto {
  /** The name of the copy; `… (copy)` if not set. */
  @ApiPropertyOptional({ type: String, example: 'Summer offers' })
  @IsOptional()
  @IsHeaderText(255)
  name?: string;
}

export class CampaignActionDto {
  @ApiProperty({ example: true })
  success: true;

  @ApiProperty({ type: CampaignDto })
  campaign: CampaignDto;
}

export class PausedDto extends CampaignActionDto {
  @ApiProperty({ type: 'integer', example: 0, description: 'Messages that were with the provider already and could not be held back.' })
  inFlight: number;
}

export class CampaignDetailDto {
  @ApiProperty({ type: CampaignDto })
  campaign: CampaignDto;

  @ApiProperty({
    type: 'array',
    items: { $ref: '#/components/schemas/StepDto' },
    description: 'The steps in order (see the steps routes).',
  })
  steps: unknown;

  @ApiProperty({
    allOf: [{ $ref: '#/components/schemas/CampaignSummaryDto' }],
    description: 'The totals so far, and the last day the daily aggregation has stored.',
  })
  analytics: unknown;
}

export class LaunchFindingDto {
  @ApiProperty({ enum: ['error', 'warning'] })
  severity: 'error' | 'warning';

  @ApiProperty({ example: 'from_email_missing' })
  code: string;

  @ApiProperty({ example: 'The sender has no address: set fromEmail.' })
  message: string;

  @ApiPropertyOptional({ example: 'steps[2].emailContent' })
  path?: string;

  @ApiPropertyOptional({ format: 'uuid' })
  stepId?: string;
}

/** Everybody in the segment, each counted once, for the first reason that applies in this order. */
export class AudienceBreakdownDto {
  @ApiProperty({ type: 'integer', example: 1_000, description: 'Everybody in the segment: the sum of the others.' })
  audience: number;

  @ApiProperty({ type: 'integer', example: 0 })
  noAddress: number;

  @ApiProperty({ type: 'integer', example: 12, description: 'On the suppression list, by bounce, complaint or hand.' })
  suppressed: number;

  @ApiProperty({ type: 'integer', example: 40 })
  unsubscribed: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'Are in the campaign already, or have been.' })
  alreadyEnrolled: number;

  @ApiProperty({
    type: 'integer',
    example: 8,
    description: 'Have had as much marketing mail as they may: a message waits, or is left out, as the cap says.',
  })
  frequencyCapped: number;

  @ApiProperty({ type: 'integer', example: 940, description: 'Would get mail at once.' })
  reachable: number;
}

export class PreflightDto {
  @ApiProperty({
    type: AudienceBreakdownDto,
    nullable: true,
    description:
      'Who in the segment would get mail, and why the others would not. Null without a segment, or if that takes too long to count.',
  })
  exclusions: AudienceBreakdownDto | null;

  @ApiProperty({ description: 'A launch would not be refused.' })
  ready: boolean;

  @ApiProperty({ type: [LaunchFindingDto] })
  errors: LaunchFindingDto[];

  @ApiProperty({ type: [LaunchFindingDto] })
  warnings: LaunchFindingDto[];
}
