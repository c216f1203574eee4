import { ApiProperty, ApiPropertyOptional, OmitType } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsOptional, IsUUID } from 'class-validator';
import { PageDto, PageQuery } from '../../../http/index.js';
import { CAMPAIGN_STATUSES, CAMPAIGN_TYPES, type CampaignStatus, type CampaignType } from '../../campaigns/index.js';
import type { Cohort } from '../buckets.queries.js';
import { CountsDto, ReportQuery, ReportRangeDto } from './report.dto.js';

const count = (description: string, example = 0) => ApiProperty({ type: 'integer', minimum: 0, description, example });
const rate = (description: string, example: number) =>
  ApiProperty({
    type: Number,
    nullable: true,
    example,
    description: `${description} In per cent with two decimals; null where the denominator is 0.`,
  });
const COHORTS: Cohort[] = ['event', 'send'];

export class LinksQuery extends PageQuery {
  @ApiPropertyOptional({ format: 'uuid', description: 'Only links in messages of this step.' })
  @IsOptional()
  @IsUUID()
  stepId?: string;
}

export class LinkReportDto {
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'https://acme.example/offer',
    description: 'Null for addresses that were erased with the contact they named.',
  })
  url: string | null;

  @ApiProperty({ format: 'uuid' })
  stepId: string;

  @ApiProperty({ type: 'integer', nullable: true, example: 1 })
  stepOrder: number | null;

  @ApiProperty({ type: String, nullable: true, example: 'Welcome' })
  stepName: string | null;

  @count('All clicks by people.', 31)
  humanClicks: number;

  @count('All clicks by machines, such as scanners.', 4)
  machineClicks: number;

  @count('Messages in which a person clicked this link.', 25)
  uniqueClicks: number;

  @count('People who clicked this link.', 25)
  people: number;

  @rate("`humanClicks` of those of all the campaign's links (of the step's, with `stepId`).", 62.5)
  share: number | null;
}

export class LinkReportPage extends PageDto(LinkReportDto) {
  @ApiProperty({
    format: 'date-time',
    example: '2026-03-02T09:30:00.000Z',
    description:
      'When the links were counted: now, or for campaigns with more than 5,000 clicks a moment ago, as counting them again waits ten times as long as it takes.',
  })
  asOf: string;
}

export class HoursQuery extends OmitType(ReportQuery, ['granularity', 'cohort'] as const) {
  @ApiPropertyOptional({
    enum: COHORTS,
    default: 'send',
    description:
      '`send`: what became of the messages sent in that hour of the week, whenever it happened: when to send. `event`: what happened in that hour: when people read.',
  })
  @IsOptional()
  @IsIn(COHORTS)
  cohort?: Cohort;
}

export class HourReportDto {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: 7, example: 2, description: '1 is Monday, 7 Sunday.' })
  weekday: number;

  @ApiProperty({ type: 'integer', minimum: 0, maximum: 23, example: 9 })
  hour: number;

  @count('Messages the provider accepted.', 200)
  emailsSent: number;

  @count('Messages a receiving server took.', 197)
  emailsDelivered: number;

  @count('Messages opened by a person, each counted once.', 84)
  uniqueOpens: number;

  @count('Messages with a click by a person, each counted once.', 25)
  uniqueClicks: number;

  @rate('`uniqueOpens` of `emailsDelivered`.', 42.64)
  openRate: number | null;

  @rate('`uniqueClicks` of `emailsDelivered`.', 12.69)
  clickRate: number | null;
}

export class HoursRangeDto extends OmitType(ReportRangeDto, ['granularity'] as const) {}

export class HoursReportDto {
  @ApiProperty({ type: HoursRangeDto, description: 'The days reported on, both included.' })
  range: HoursRangeDto;

  @ApiProperty({ type: [HourReportDto], description: 'All 168 hours of the week from Monday 0:00, zeros included.' })
  hours: HourReportDto[];
}

export class CompareQuery {
  /** The campaigns, 2 to 10 of them, separated by commas. */
  @ApiProperty({ type: [String], format: 'uuid', minItems: 2, maxItems: 10 })
  @Transform(({ value }: { value: unknown }) =>
    (Array.isArray(value) ? value : [value]).flatMap((part: unknown) => (typeof part === 'string' ? part.split(',') : [])),
  )
  @IsArray()
  @ArrayMinSize(2)
  @ArrayMaxSize(10)
  @IsUUID(undefined, { each: true })
  campaignIds: string[];
}

export class ComparedCampaignDto {
  @ApiProperty({ format: 'uuid' })
  campaignId: string;

  @ApiProperty({ example: 'Spring offer' })
  name: string;

  @ApiProperty({ enum: CAMPAIGN_STATUSES })
  status: CampaignStatus;

  @ApiProperty({ enum: CAMPAIGN_TYPES })
  campaignType: CampaignType;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  launchedAt: Date | null;

  @ApiProperty({ type: CountsDto, description: 'Over the whole life of the campaign.' })
  totals: CountsDto;
}

export class CampaignComparisonDto {
  @ApiProperty({ type: [ComparedCampaignDto], description: 'In the order asked for.' })
  campaigns: ComparedCampaignDto[];
}
