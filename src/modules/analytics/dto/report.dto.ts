import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { DayQuery, IsTimeZone } from '../../../http/index.js';
import { STEP_TYPES, type StepType } from '../../steps/index.js';
import type { Cohort, Granularity } from '../buckets.queries.js';

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

const reasons = (description: string, example: Record<string, number>) =>
  ApiProperty({ type: 'object', additionalProperties: { type: 'integer' }, description, example });
const GRANULARITIES: Granularity[] = ['hour', 'day', 'week'];
const COHORTS: Cohort[] = ['event', 'send'];
const ANY =
  'Messages {} by a person or a machine, each counted once: at the first time. The difference to `{unique}` over the whole life of a campaign is what only machines {did}.';

export class ReportQuery {
  /** First day, included. The day of the launch if not given, at most 366 days (31 with `granularity=hour`) before the last day. */
  @DayQuery()
  startDate?: string;

  /** Last day, included. Today if not given; days to come are zeros. */
  @DayQuery()
  endDate?: string;

  @ApiPropertyOptional({ description: "The zone whose days are meant; the campaign's if not given.", example: 'Europe/Berlin' })
  @IsOptional()
  @IsTimeZone()
  timezone?: string;

  @ApiPropertyOptional({
    enum: GRANULARITIES,
    default: 'day',
    description:
      'A row of `overall` for each hour, day or week (from Monday) of the zone. Hours of at most 31 days; a day has 23 or 25 of them where clocks change.',
  })
  @IsOptional()
  @IsIn(GRANULARITIES)
  granularity?: Granularity;

  @ApiPropertyOptional({
    enum: COHORTS,
    default: 'event',
    description:
      '`event`: each thing counts when it happened. `send`: it counts when its message was sent, so that a row says what became of the messages sent then, and ' +
      'no rate exceeds 100.',
  })
  @IsOptional()
  @IsIn(COHORTS)
  cohort?: Cohort;
}

export class RatesDto {
  @rate('`emailsDelivered` of `emailsSent`.', 98.5)
  deliveryRate: number | null;

  @rate('`uniqueOpens` of `emailsDelivered`. On a single day it can exceed 100, where older messages are opened; not with `cohort=send`.')
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

  @count(
    'Messages a receiving server took, as the provider reports or an opening, a click, an answer or a complaint proves. One that bounces later stays counted. ' +
      'Plain SMTP and the mailbox report no deliveries: there only the proven ones count, so `deliveryRate` is too low and the rates over `emailsDelivered` too high.',
    197,
  )
  emailsDelivered: number;

  @count('Messages that bounced, each counted once, by its worst bounce: `bouncesHard` + `bouncesSoft` + `bouncesBlocked`.', 3)
  emailsBounced: number;

  @count('The address does not exist, or never will take mail.', 2)
  bouncesHard: number;

  @count('Not for now: the mailbox is full, the server is away.', 1)
  bouncesSoft: number;

  @count('The receiving server refused the sender or the content.')
  bouncesBlocked: number;

  @count('Messages opened by a person, each counted once: on the day of the first opening.', 84)
  uniqueOpens: number;

  @count('All openings by people.', 131)
  totalOpens: number;

  @count('Messages with a click by a person, each counted once: on the day of the first click.', 25)
  uniqueClicks: number;

  @count('All clicks by people.', 31)
  totalClicks: number;

  @count('All openings by machines: mail proxies and scanners that fetch what nobody has looked at yet.', 60)
  machineOpens: number;

  @count('All clicks by machines.', 4)
  machineClicks: number;

  @count(ANY.replace('{}', 'opened').replace('{unique}', 'uniqueOpens').replace('{did}', 'opened'), 120)
  anyOpens: number;

  @count(ANY.replace('{}', 'clicked').replace('{unique}', 'uniqueClicks').replace('{did}', 'clicked'), 27)
  anyClicks: number;

  @count('Messages that were answered; automatic answers do not count.', 2)
  replies: number;

  @count('Messages reported as spam.')
  spamComplaints: number;

  @count('Messages through which somebody unsubscribed.', 1)
  unsubscribes: number;
}

export class PeriodReportDto extends CountsDto {
  @ApiProperty({
    format: 'date',
    description: 'The calendar day in the zone of the report; for an hour the day it belongs to, for a week its Monday.',
    example: '2026-03-29',
  })
  date: string;

  @ApiProperty({ format: 'date-time', description: 'When the hour, day or week begins (not before the first day of the report).' })
  startsAt: Date;
}

export class StepReportDto extends RatesDto {
  @ApiProperty({ format: 'uuid' })
  stepId: string;

  @ApiProperty({
    type: 'integer',
    example: 1,
    description: 'The version of the steps it belongs to: first those of the live version, then those of former ones that have numbers.',
  })
  version: number;

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
      'Contacts who ever came to this step, each time they entered the campaign; of an email, those for whom its message was planned. Worked out from where ' +
      'everybody is now and what was planned, since a count of every visit would be one more write for each. Null where that does not tell it: on branches that meet ' +
      'again without an email on either; and, of all steps but emails, once contacts have entered again or were moved to another version of the steps ' +
      '(`move_everyone`), or after a rollback.',
    example: 200,
  })
  entered: number | null;

  @count('Contacts on this step at this moment.')
  waitingNow: number;

  @count('Contacts who left the campaign from this step before its end.')
  exited: number;

  @reasons('Of those who left, why.', { unsubscribed: 8, bounced: 2 })
  exitedByReason: Record<string, number>;

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

  @count('Openings by machines.', 60)
  machineOpens: number;

  @count('Clicks by machines.', 4)
  machineClicks: number;

  @count('Messages that bounced, by their worst bounce: `bouncesHard` + `bouncesSoft` + `bouncesBlocked`.', 3)
  bounces: number;

  @count('Of those: the address does not exist, or never will take mail.', 2)
  bouncesHard: number;

  @count('Of those: not for now.', 1)
  bouncesSoft: number;

  @count('Of those: the receiving server refused the sender or the content.')
  bouncesBlocked: number;

  @count('Messages reported as spam.')
  spamComplaints: number;

  @count('Messages through which somebody unsubscribed.', 1)
  unsubscribes: number;

  @count('Messages queued or with the provider.')
  pending: number;

  @count('Messages of which it is not known whether they were handed over.')
  unknown: number;

  @count('Messages not sent for a reason, such as an unsubscription.', 2)
  skipped: number;

  @reasons('Of those skipped, why.', { unsubscribed: 1, frequency_cap: 1 })
  skippedByReason: Record<string, number>;

  @count('Messages that could not be sent.')
  failed: number;

  @reasons('Of those that failed, why.', { retries_exhausted: 1 })
  failedByReason: Record<string, number>;

  @count('Messages the provider accepted and then did not send; they count as sent.')
  dropped: number;

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

  @ApiProperty({ enum: GRANULARITIES })
  granularity: Granularity;

  @ApiProperty({ enum: COHORTS })
  cohort: Cohort;
}

export class CampaignReportDto {
  @ApiProperty({ type: ReportRangeDto, description: 'The days reported on, both included.' })
  range: ReportRangeDto;

  @ApiProperty({ type: [PeriodReportDto], description: 'Every hour, day or week of the range in order, zeros included.' })
  overall: PeriodReportDto[];

  @ApiProperty({ type: [StepReportDto], description: 'The steps in order, over the whole life of the campaign.' })
  byStep: StepReportDto[];

  @ApiProperty({ type: CountsDto, description: 'The rows of `overall` added up; the rates are of these sums.' })
  totals: CountsDto;
}
