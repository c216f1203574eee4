import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { STEP_TYPES, type StepType } from '../../steps/index.js';
import { WHAT, type What } from '../domain/person.js';

const INSTANT = { type: String, format: 'date-time' } as const;
const INSTANT_OR_NULL = { ...INSTANT, nullable: true } as const;
const TEXT_OR_NULL = { type: String, nullable: true } as const;
const COUNT = { type: 'integer' } as const;
const COUNTS = { type: 'object', additionalProperties: COUNT } as const;

export class ExcludedDto {
  @ApiProperty(COUNT)
  noAddress: number;

  @ApiProperty(COUNT)
  suppressed: number;

  @ApiProperty(COUNT)
  unsubscribed: number;

  @ApiProperty({ ...COUNT, description: 'Are in the campaign already, or have been.' })
  alreadyEnrolled: number;

  @ApiProperty({ ...COUNT, description: 'Were asked for by id.' })
  notInSegment: number;
}

export class RehearsedAudienceDto {
  @ApiProperty({ ...COUNT, example: 12_000, description: 'In the segment, or asked for by id.' })
  total: number;

  @ApiProperty({ ...COUNT, example: 11_500, description: 'Of these, who would be enrolled.' })
  reachable: number;

  @ApiProperty({ ...COUNT, example: 1_000, description: 'Who took part.' })
  sampled: number;

  @ApiProperty({ type: ExcludedDto, description: 'Each counts once, for the first reason that applies, in the order of the preflight.' })
  excluded: ExcludedDto;
}

export class RehearsedBranchDto {
  @ApiProperty({ example: 'true', description: '`true`, `false` · `happened`, `time_up` · the names of a split, `else`.' })
  name: string;

  @ApiProperty({ ...TEXT_OR_NULL, format: 'uuid' })
  nextStepId: string | null;

  @ApiProperty(COUNT)
  count: number;
}

export class RehearsedVariantDto {
  @ApiProperty({ format: 'uuid' })
  variantId: string;

  @ApiProperty({ example: 'B: with a question' })
  name: string;

  @ApiProperty(COUNT)
  sent: number;

  @ApiProperty({ ...COUNT, description: 'Sent and not bounced.' })
  reached: number;

  @ApiProperty(COUNT)
  opened: number;

  @ApiProperty(COUNT)
  clicked: number;

  @ApiProperty(COUNT)
  replied: number;

  @ApiProperty({ ...COUNT, description: 'Caused the goal event of the test afterwards.' })
  converted: number;
}

export class RehearsedDecisionDto {
  @ApiProperty({ enum: ['significant', 'inconclusive'] })
  outcome: string;

  @ApiProperty({ ...TEXT_OR_NULL, format: 'uuid' })
  winnerVariantId: string | null;

  @ApiProperty()
  reason: string;

  @ApiProperty(INSTANT)
  at: Date;
}

export class RehearsedStepDto {
  @ApiProperty({ format: 'uuid' })
  stepId: string;

  @ApiProperty(TEXT_OR_NULL)
  name: string | null;

  @ApiProperty({ enum: STEP_TYPES })
  type: StepType;

  @ApiProperty({ ...COUNT, description: 'Who came to the step.' })
  entered: number;

  @ApiProperty({ ...COUNT, description: 'Emails: messages that went out.' })
  sent: number;

  @ApiProperty({ ...COUNTS, example: { frequency_cap: 3 }, description: 'Messages that did not go out, by reason.' })
  skipped: Record<string, number>;

  @ApiProperty({
    ...COUNTS,
    example: { send_window: 120 },
    description: 'Messages that had to wait, by reason: `send_window`, `frequency_cap`, `rate_limited`, `ramp_limited`.',
  })
  deferred: Record<string, number>;

  @ApiProperty(COUNT)
  opened: number;

  @ApiProperty(COUNT)
  clicked: number;

  @ApiProperty(COUNT)
  replied: number;

  @ApiProperty(COUNT)
  unsubscribed: number;

  @ApiProperty(COUNT)
  bounced: number;

  @ApiProperty({ type: [RehearsedBranchDto], description: 'Of conditions and of steps that wait for something.' })
  branches: RehearsedBranchDto[];

  @ApiProperty({ type: [RehearsedVariantDto], description: 'Of emails under test.' })
  variants: RehearsedVariantDto[];

  @ApiProperty({ type: RehearsedDecisionDto, nullable: true, description: 'How the test of the step ended.' })
  decision: RehearsedDecisionDto | null;

  @ApiProperty({ ...INSTANT_OR_NULL, description: 'The first arrival; of an email, the first message.' })
  firstAt: Date | null;

  @ApiProperty(INSTANT_OR_NULL)
  lastAt: Date | null;
}

export class RehearsedReactionDto {
  @ApiProperty({
    example: 'opened',
    description: '`opened`, `clicked`, `replied`, `unsubscribed`, `bounced`; of custom events their names.',
  })
  type: string;

  @ApiProperty(INSTANT)
  at: Date;
}

export class RehearsedVisitDto {
  @ApiProperty({ format: 'uuid' })
  stepId: string;

  @ApiProperty({ ...INSTANT, description: 'The arrival.' })
  at: Date;

  @ApiProperty({
    enum: WHAT,
    description:
      'Emails: `sent`, `skipped`, or `not_sent` (had not gone out at the end) · waits: `waited`, or `waiting` to the end · conditions: `decided` · actions: `done`.',
  })
  what: What;

  @ApiProperty({ ...INSTANT_OR_NULL, description: 'When the person went on; of an email, when it was sent.' })
  leftAt: Date | null;

  @ApiProperty({ ...TEXT_OR_NULL, example: 'true', description: 'The branch taken, the kind of action, the variant, or the reason.' })
  detail: string | null;

  @ApiProperty({ type: [RehearsedReactionDto], description: 'Emails: what the person does with the message.' })
  reactions: RehearsedReactionDto[];
}

export class RehearsedEndDto {
  @ApiProperty({ example: 'completed', description: '`completed`, or the reason of the exit.' })
  reason: string;

  @ApiProperty(INSTANT)
  at: Date;
}

export class RehearsedContactDto {
  @ApiProperty({ format: 'uuid' })
  contactId: string;

  @ApiProperty({ type: [RehearsedVisitDto] })
  visits: RehearsedVisitDto[];

  @ApiProperty({ type: [RehearsedReactionDto], description: 'Custom events.' })
  events: RehearsedReactionDto[];

  @ApiProperty({ type: RehearsedEndDto, nullable: true, description: 'Null: still waiting when nothing more was to come.' })
  end: RehearsedEndDto | null;
}

export class RehearsalWarningDto {
  @ApiProperty({ example: 'content_not_rendered' })
  code: string;

  @ApiProperty()
  message: string;

  @ApiPropertyOptional({ format: 'uuid' })
  stepId?: string;
}

export class RehearsalDto {
  @ApiProperty({ example: 'spring-1' })
  seed: string;

  @ApiProperty(INSTANT)
  startedAt: Date;

  @ApiProperty({ ...INSTANT_OR_NULL, description: 'When the last person was through.' })
  endedAt: Date | null;

  @ApiProperty({ type: RehearsedAudienceDto })
  audience: RehearsedAudienceDto;

  @ApiProperty({ ...COUNTS, example: { completed: 980, replied: 20 }, description: 'How people ended; `waiting` for those who did not.' })
  ends: Record<string, number>;

  @ApiProperty({ type: [RehearsedStepDto], description: 'In order.' })
  steps: RehearsedStepDto[];

  @ApiProperty({ type: [RehearsedContactDto], description: 'In the order of their ids.' })
  contacts: RehearsedContactDto[];

  @ApiProperty({ ...TEXT_OR_NULL, format: 'uuid', description: 'For `contacts.after`; null when nobody follows.' })
  nextContact: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'What was assumed, the usual values filled in.' })
  assumptions: object;

  @ApiProperty({ type: [RehearsalWarningDto], description: 'What was left out or taken for granted.' })
  warnings: RehearsalWarningDto[];
}
