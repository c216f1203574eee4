import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { TIMELINE_TYPES, type TimelineType } from '../domain/timeline-entry.js';

export class TimelineDetailDto {
  @ApiPropertyOptional({ format: 'uuid', description: 'The message, for everything that happened to one.' })
  emailId?: string;

  @ApiPropertyOptional({ type: String, nullable: true, description: '`sent`: the address it went to.', example: 'ada@example.com' })
  to?: string | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description: 'Why, as a stable name: of what was skipped, cancelled, failed, unknown, or exited.',
    example: 'unsubscribed',
  })
  reason?: string | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description: 'The same for people, in the words of the provider where there are any.',
  })
  message?: string | null;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: '`planned`: when it is due.' })
  dueAt?: Date;

  @ApiPropertyOptional({ description: 'Who reported it: `pixel`, `link`, `page`, `one_click`, or a provider.', example: 'pixel' })
  source?: string;

  @ApiPropertyOptional({ description: '`opened`, `clicked`: it was a mail proxy or a scanner, not a person.' })
  isMachine?: boolean;

  @ApiPropertyOptional({ type: String, nullable: true, description: 'What gave the machine away.', example: 'too_fast' })
  machineReason?: string | null;

  @ApiPropertyOptional({ enum: ['hard', 'soft', 'block'], nullable: true, description: '`bounced`: how.' })
  bounceClass?: string | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description: '`clicked`: where the link leads. `called`: the address.',
    example: 'https://acme.example/offer',
  })
  url?: string | null;

  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true, description: '`waiting`: since when.' })
  since?: Date | null;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    nullable: true,
    description: '`waiting`, `wait_began`: until when, at most; null while it depends on a message.',
  })
  until?: Date | null;

  @ApiPropertyOptional({
    enum: ['due_time', 'message_under_way', 'message_deferred', 'ab_test', 'held', 'campaign_paused'],
    description:
      '`waiting`: for its time · for its message to be sent · the same, but it is put off (`reason`, `until`) · for the winner of an A/B test (`until`: at the latest about then) · because the contact is held · because the campaign is paused.',
  })
  because?: 'due_time' | 'message_under_way' | 'message_deferred' | 'ab_test' | 'held' | 'campaign_paused';

  @ApiPropertyOptional({ description: '`planned`: the variant of the email that the contact was drawn.', example: 'B: with a question' })
  variant?: string;

  @ApiPropertyOptional({ type: 'integer', description: '`enrolled`: which entry into the campaign, from 1.', example: 1 })
  entryNumber?: number;

  @ApiPropertyOptional({
    enum: ['audience', 'event', 'segment', 'hand', 'campaign'],
    description:
      '`enrolled`: by being in the audience at the launch · by an `event` · by coming into the segment · by hand · by the action "enroll" of another campaign (`campaignId`).',
  })
  cause?: 'audience' | 'event' | 'segment' | 'hand' | 'campaign';

  @ApiPropertyOptional({ description: '`enrolled`: the event that let the contact in. `wait_ended`: the one it waited for.' })
  event?: string;

  @ApiPropertyOptional({ format: 'uuid', description: '`enrolled`: the campaign that handed the contact over. `handed_over`: where to.' })
  campaignId?: string;

  @ApiPropertyOptional({
    description: '`handed_over`: what came of it. `call_result`: `delivered`, `pending` (it is tried again), `failed` or `cancelled`.',
    example: 'delivered',
  })
  outcome?: string;

  @ApiPropertyOptional({ description: '`condition`: whether it held. `wait_ended`: whether it has happened; else the time was up.' })
  isTrue?: boolean;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description:
      '`condition`, `branch`, `wait_ended`: the rule, or the part of it that decided then. What the contact was like then is not kept.',
  })
  rule?: object;

  @ApiPropertyOptional({ description: 'Where this rule stands in the step.', example: 'conditionRules.all[1]' })
  path?: string;

  @ApiPropertyOptional({ description: '`branch`: its name, or its place.', example: 'branch 2' })
  branch?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: '`acted`: what was done.',
    example: { type: 'add_tag', tag: 'vip' },
  })
  action?: object;

  @ApiPropertyOptional({ format: 'uuid', description: '`called`, `call_result`: which call of the webhook step.' })
  callId?: string;

  @ApiPropertyOptional({ type: 'integer', description: '`call_result`: attempts so far.' })
  attempts?: number;

  @ApiPropertyOptional({ type: 'integer', nullable: true, description: '`call_result`: of the last answer.' })
  statusCode?: number | null;
}

export class TimelineEntryDto {
  @ApiProperty({
    type: String,
    format: 'date-time',
    description:
      'When it happened, by the clock of whoever saw it. Entries are in order of what led to what, also where such clocks disagree.',
  })
  at: Date;

  @ApiProperty({ enum: TIMELINE_TYPES })
  type: TimelineType;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  stepId: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'Welcome' })
  stepName: string | null;

  @ApiProperty({ type: TimelineDetailDto })
  detail: TimelineDetailDto;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Why, in a sentence for people.',
    example: 'All parts had to hold, and the first that did not: plan is "pro".',
  })
  explanation: string | null;
}

export class TimelineDto {
  @ApiProperty({ format: 'uuid' })
  campaignId: string;

  @ApiProperty({ format: 'uuid' })
  contactId: string;

  @ApiProperty({ format: 'uuid' })
  enrollmentId: string;

  @ApiProperty({ enum: ['enrolled', 'active', 'paused', 'completed', 'exited', 'failed'] })
  status: string;

  @ApiProperty({ type: [TimelineEntryDto] })
  entries: TimelineEntryDto[];

  @ApiProperty({ description: 'There was more than is shown.' })
  truncated: boolean;
}
