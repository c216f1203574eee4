import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { DayQuery, IsTimeZone } from '../../../http/index.js';
import { STEP_TYPES, type StepType } from '../../steps/index.js';

const count = (description: string, example = 0) => ApiProperty({ type: 'integer', minimum: 0, description, example });
const rate = (description: string, example = 42.86) =>
  ApiProperty({
    type: 'number',
    nullable: true,
    minimum: 0,
    maximum: 999.99,
    description: `${description} In per cent with two decimals; null where the denominator is 0.`,
    example,
  });

export class ReportQuery {
  /** First day, included. The day of the launch if not given, at most 366 days before the last day. */
  @DayQuery()
  startDate?: string;

  /** Last day, included. Today if not given. */
  @DayQuery()
  endDate?: string;

  @ApiPropertyOptional({ description: "The zone whose days are meant; the campaign's if not given.", example: 'Europe/Berlin' })
  @IsOptional()
  @IsTimeZone()
  timezone?: string;
}

export class RatesDto {
  @rate('`emailsDelivered` of `emailsSent`.', 98.5)
  deliveryRate: number | null;

  @rate('`uniqueOpens` of `emailsDelivered`. On a single day it can exceed 100, where older messages are opened.')
  openRate: number | null;

  @rate('`uniqueClicks` of `emailsDelivered`.', 12.4)
  clickRate: number | null;

  @rate('`replies` of `emailsDelivered`.', 1.2)
  replyRate: number | null;

  @rate('`unsubscribes` of `emailsDelivered`.', 0.3)
  unsubscribeRate: number | null;
}

export class CountsDto extends RatesDto {
  @count('Messages the provider accepted.', 200)
  emailsSent: number;

  @count('Messages a receiving server took, as the provider reports or an opening proves. One that bounces later stays counted.', 197)
  emailsDelivered: number;

  @count('Messages that bounced, hard or soft.', 3)
  emailsBounced: number;

  @count('Messages opened by a person, each counted once: on the day of the first opening.', 84)
  uniqueOpens: number;

  @count('All openings by people.', 131)
  totalOpens: number;

  @count('Messages with a click by a person, each counted once: on the day of the first click.', 25)
  uniqueClicks: number;

  @count('All clicks by people.', 31)
  totalClicks: number;

  @count('Messages that were answered.', 2)
  replies: number;

  @count('Messages reported as spam.')
  spamComplaints: number;

  @count('Messages through which somebody unsubscribed.', 1)
  unsubscribes: number;
}

export class DayReportDto extends CountsDto {
  @ApiProperty({ format: 'date', description: 'A calendar day in the zone of the report.', example: '2026-03-29' })
  date: string;
}

export class StepReportDto extends RatesDto {
  @ApiProperty({ format: 'uuid' })
  stepId: string;

  @ApiProperty({ type: 'integer', example: 1 })
  stepOrder: number;

  @ApiProperty({ type: String, nullable: true, example: 'Welcome' })
  stepName: string | null;

  @ApiProperty({ enum: STEP_TYPES })
  stepType: StepType;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description:
      'Contacts who ever came to this step. Null where nobody can tell: behind a condition whose branches meet again without an email on either.',
    example: 200,
  })
  entered: number | null;

  @count('Contacts on this step at this moment.')
  waitingNow: number;

  @count('Contacts who left the campaign from this step before its end.')
  exited: number;

  @count('Contacts who failed at this step.')
  contactsFailed: number;

  @count('Messages of this step the provider accepted.', 198)
  emailsSent: number;

  @count('Of those, taken by a receiving server.', 195)
  emailsDelivered: number;

  @count('All openings by people. The same number stands on the step itself, a few seconds late.', 131)
  opens: number;

  @count('Messages opened by a person.', 84)
  uniqueOpens: number;

  @count('All clicks by people.', 31)
  clicks: number;

  @count('Messages with a click by a person.', 25)
  uniqueClicks: number;

  @count('Messages that were answered.', 2)
  replies: number;

  @count('Messages that bounced.', 3)
  bounces: number;

  @count('Messages reported as spam.')
  spamComplaints: number;

  @count('Messages through which somebody unsubscribed.', 1)
  unsubscribes: number;

  @count('Messages queued or with the provider.')
  pending: number;

  @count('Messages of which it is not known whether they were handed over.')
  unknown: number;

  @count('Messages not sent for a reason, such as an unsubscription (see the ledger).', 2)
  skipped: number;

  @count('Messages that could not be sent.')
  failed: number;

  @count('Messages called back with the campaign.')
  cancelled: number;
}

export class ReportRangeDto {
  @ApiProperty({ format: 'date', example: '2026-03-01' })
  startDate: string;

  @ApiProperty({ format: 'date', example: '2026-03-31' })
  endDate: string;

  @ApiProperty({ example: 'Europe/Berlin' })
  timezone: string;
}

export class CampaignReportDto {
  @ApiProperty({ type: ReportRangeDto, description: 'The days reported on, both included.' })
  range: ReportRangeDto;

  @ApiProperty({ type: [DayReportDto], description: 'Every day of the range in order, zeros included.' })
  overall: DayReportDto[];

  @ApiProperty({ type: [StepReportDto], description: 'The steps in order, over the whole life of the campaign.' })
  byStep: StepReportDto[];

  @ApiProperty({ type: CountsDto, description: 'The days of `overall` added up; the rates are of these sums.' })
  totals: CountsDto;
}
