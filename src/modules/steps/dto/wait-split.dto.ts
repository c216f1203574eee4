import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { namedUnion } from '../../../http/index.js';
import { RULE_SCHEMA } from '../../segments/index.js';
import { SPLIT_LIMITS } from '../domain/split.js';
import { WAIT_UNITS, type WaitUnit } from '../domain/step.js';

// These classes exist for the OpenAPI document alone: waits and splits are checked by `waitUntilProblems` and `splitProblems`, whose faults name paths.

export class WaitOffset {
  @ApiProperty({ type: 'integer', example: -3, description: 'Negative: before the date.' })
  value: number;

  @ApiProperty({ enum: WAIT_UNITS, example: 'days' })
  unit: WaitUnit;
}

export class TimeOfDayDto {
  @ApiProperty({ example: '09:00', description: 'By the clock of the contact.' })
  from: string;

  @ApiPropertyOptional({ example: '18:00', description: 'Not included. With it, whoever arrives inside the window goes on at once.' })
  to?: string;

  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'integer', minimum: 1, maximum: 7 },
    example: [1, 2, 3, 4, 5],
    description: '1 (Monday) to 7 (Sunday); every day if not given.',
  })
  weekdays?: number[];
}

/**
 * Until when. `date` or `attribute` or the step's `waitDuration` (at most one of them), then `timeOfDay` if it is given: "three days, then until 09:00
 * on a working day". A date that has passed, is missing or cannot be read is no reason to wait: the contact goes on at once (or at the next `timeOfDay`).
 */
export class WaitUntilDto {
  @ApiPropertyOptional({
    example: '2030-04-01T09:00',
    description: 'By each contact’s own clock (`2030-04-01`, `2030-04-01T09:00`), or with an offset one instant for all.',
  })
  date?: string;

  @ApiPropertyOptional({
    example: 'renewal_date',
    description:
      'A custom attribute that holds a date as text, in the same forms, or `createdAt`. It is read on arrival, and again when the wait is over: a date ' +
      'that was moved to a later day is waited for.',
  })
  attribute?: string;

  @ApiPropertyOptional({ type: WaitOffset, description: 'Moves the date of the attribute. Days and weeks on the calendar of the contact.' })
  offset?: WaitOffset;

  @ApiPropertyOptional({ type: TimeOfDayDto })
  timeOfDay?: TimeOfDayDto;
}

const NEXT = { type: String, nullable: true } as const;

export class RuleBranchDto {
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: SPLIT_LIMITS.branchName, example: 'Customers' })
  name?: string | null;

  @ApiProperty(RULE_SCHEMA)
  rules: unknown;

  @ApiPropertyOptional({ ...NEXT, format: 'uuid', description: 'Null, or left out: the flow ends.' })
  nextStepId?: string | null;

  @ApiPropertyOptional({ ...NEXT, description: 'Instead, where a whole flow is saved: null ends it, absent is the next in the list.' })
  nextRef?: string | null;
}

/** The way of the first branch whose rule holds, in order. */
export class RulesSplitDto {
  @ApiProperty({ enum: ['rules'] })
  type: 'rules';

  @ApiProperty({ type: [RuleBranchDto], minItems: 1, maxItems: SPLIT_LIMITS.branches })
  branches: RuleBranchDto[];

  @ApiPropertyOptional({ ...NEXT, format: 'uuid', description: 'For those who meet no rule. Null, or left out: the flow ends.' })
  elseNextStepId?: string | null;

  @ApiPropertyOptional({ ...NEXT, description: 'Instead, where a whole flow is saved: null ends it, absent is the next in the list.' })
  elseNextRef?: string | null;
}

export class RandomBranchDto {
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: SPLIT_LIMITS.branchName, example: 'A' })
  name?: string | null;

  @ApiProperty({ example: 33.34, description: 'Per cent, at most two decimals; those of all branches add up to 100.' })
  weight: number;

  @ApiPropertyOptional({ ...NEXT, format: 'uuid', description: 'Null, or left out: the flow ends.' })
  nextStepId?: string | null;

  @ApiPropertyOptional({ ...NEXT, description: 'Instead, where a whole flow is saved: null ends it, absent is the next in the list.' })
  nextRef?: string | null;
}

/** A way by lot. The same contact goes the same way at this step, however often it comes by. */
export class RandomSplitDto {
  @ApiProperty({ enum: ['random'] })
  type: 'random';

  @ApiProperty({ type: [RandomBranchDto], minItems: 2, maxItems: SPLIT_LIMITS.branches })
  branches: RandomBranchDto[];
}

/** The OpenAPI schema of `splitConfig`. */
export const NULLABLE_SPLIT = { ...namedUnion('Split', [RulesSplitDto, RandomSplitDto], 'type'), nullable: true };
