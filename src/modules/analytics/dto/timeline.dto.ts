import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { TIMELINE_TYPES, type TimelineType } from '../domain/timeline.js';

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
    description: '`clicked`: where the link leads.',
    example: 'https://acme.example/offer',
  })
  url?: string | null;

  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true, description: '`waiting`: since when.' })
  since?: Date | null;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    nullable: true,
    description: '`waiting`: until when; null while it depends on a message.',
  })
  until?: Date | null;

  @ApiPropertyOptional({
    enum: ['due_time', 'message_under_way', 'ab_test', 'held', 'campaign_paused'],
    description:
      '`waiting`: for its time · for its message to be sent · for the winner of an A/B test (`until`: at the latest about then) · because the contact is held · because the campaign is paused.',
  })
  because?: 'due_time' | 'message_under_way' | 'ab_test' | 'held' | 'campaign_paused';

  @ApiPropertyOptional({ description: '`planned`: the variant of the email that the contact was drawn.', example: 'B: with a question' })
  variant?: string;

  @ApiPropertyOptional({ type: 'integer', description: '`enrolled`: which entry into the campaign, from 1.', example: 1 })
  entryNumber?: number;
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
