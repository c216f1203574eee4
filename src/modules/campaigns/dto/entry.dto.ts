import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { namedUnion } from '../../../http/index.js';
import { RULE_SCHEMA } from '../../segments/index.js';
import { COOLDOWN_UNITS, type CooldownUnit } from '../domain/entry.js';

// These classes exist for the OpenAPI document alone: what is sent is checked by `entryShapeProblems`, whose faults name paths.

const FILTER = {
  type: 'object',
  additionalProperties: true,
  example: { property: 'total', operator: 'gte', value: 100 },
  description:
    '`{ "property", "operator", "value" }`, or `all`, `any`, `not` over such. The operators are those of rules over contact attributes; a ' +
    'property that is not there makes every operator false except the negative ones.',
} as const;

export class EventTriggerDto {
  @ApiProperty({ enum: ['event'] })
  type: 'event';

  @ApiProperty({ minLength: 1, maxLength: 100, example: 'cart_abandoned' })
  name: string;

  @ApiPropertyOptional(FILTER)
  filter?: unknown;
}

export class SegmentEntryTriggerDto {
  @ApiProperty({ enum: ['segment_entry'] })
  type: 'segment_entry';

  @ApiProperty({ format: 'uuid' })
  segmentId: string;

  @ApiPropertyOptional({ default: false, description: 'Those who are in the segment at launch enter too.' })
  includeExisting?: boolean;
}

export class CooldownDto {
  @ApiProperty({ type: 'integer', minimum: 1, example: 30 })
  value: number;

  @ApiProperty({ enum: COOLDOWN_UNITS, description: 'Days are 24 hours.' })
  unit: CooldownUnit;
}

export class ReentryDto {
  @ApiProperty({ enum: ['never', 'after_exit', 'after_cooldown'] })
  policy: 'never' | 'after_exit' | 'after_cooldown';

  @ApiPropertyOptional({ type: CooldownDto, description: 'after_cooldown: how long after the former entry.' })
  cooldown?: CooldownDto;
}

export class EventGoalDto {
  @ApiProperty({ enum: ['event'] })
  type: 'event';

  @ApiProperty({ minLength: 1, maxLength: 100, example: 'order_placed' })
  name: string;

  @ApiPropertyOptional(FILTER)
  filter?: unknown;
}

export class RuleGoalDto {
  @ApiProperty({ enum: ['rule'] })
  type: 'rule';

  @ApiProperty({ ...RULE_SCHEMA, description: 'Looked at every half a minute or so.' })
  rules: unknown;
}

export const TRIGGER_SCHEMA = { ...namedUnion('Trigger', [EventTriggerDto, SegmentEntryTriggerDto], 'type'), nullable: true };
export const REENTRY_SCHEMA = { type: ReentryDto, nullable: true };
export const GOAL_SCHEMA = { ...namedUnion('Goal', [EventGoalDto, RuleGoalDto], 'type'), nullable: true };
