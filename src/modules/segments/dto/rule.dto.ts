import { ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { namedUnion } from '../../../http/index.js';
import { OPERATORS, type Operator, type Scalar } from '../domain/rule.js';

// These classes exist for the OpenAPI document alone: rules are checked by `validateRule`, whose faults name paths and give advice.

const RULE = { $ref: getSchemaPath('Rule') };

export class AllRule {
  @ApiProperty({ type: 'array', items: RULE, description: 'Every one of these. Empty: everybody.' })
  all: unknown[];
}

export class AnyRule {
  @ApiProperty({ type: 'array', items: RULE, description: 'At least one of these. Empty: nobody.' })
  any: unknown[];
}

export class NotRule {
  @ApiProperty({ oneOf: [RULE], description: 'The exact complement.' })
  not: unknown;
}

const SCALAR = [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }];

export class AttributeRule {
  @ApiProperty({ enum: ['contact_attribute'] })
  type: 'contact_attribute';

  @ApiProperty({
    description:
      'A custom attribute, or a field of the contact: `email`, `firstName`, `lastName`, `timezone`, `createdAt`, `leadScore`, `subscribed`.',
    minLength: 1,
    maxLength: 100,
    example: 'plan',
  })
  attribute: string;

  @ApiProperty({
    enum: OPERATORS,
    enumName: 'RuleOperator',
    description:
      'A missing value makes every operator false except the negative ones (`neq`, `not_in`, `not_contains`, `is_not_set`, `not_in_last_days`), which ' +
      'are the exact complement of their positive one. `eq` and `in` compare text exactly, `contains`, `starts_with` and `ends_with` ignore case; ' +
      '`contains` on a list asks for an equal element. `gt` … `between` compare numbers, or instants if the value is a date.',
  })
  operator: Operator;

  @ApiPropertyOptional({
    description:
      'Left out for `is_set` and `is_not_set`; a list (at most 1,000) for `in` and `not_in`; two ordered values for `between`; a date or an instant with ' +
      'offset for `before` and `after`; a whole number of days for `in_last_days` and `not_in_last_days`.',
    oneOf: [...SCALAR, { type: 'array', items: { oneOf: SCALAR }, minItems: 1, maxItems: 1000 }],
    example: 'pro',
  })
  value?: Scalar | Scalar[];
}

export class LeadScoreRule {
  @ApiProperty({ enum: ['lead_score'] })
  type: 'lead_score';

  @ApiProperty({ type: 'integer', description: 'At least this score.', example: 50 })
  threshold: number;
}

export class EngagementRule {
  @ApiProperty({ enum: ['email_opened', 'email_clicked', 'email_replied'] })
  type: 'email_opened' | 'email_clicked' | 'email_replied';

  @ApiPropertyOptional({ description: 'Only the email of this step: its id, or its ref in a call that has refs.' })
  stepId?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Only what happened in the last so many hours.', example: 48 })
  withinHours?: number;

  @ApiPropertyOptional({ default: false, description: 'Count machines too (privacy proxies, link scanners).' })
  includeMachine?: boolean;
}

export class TagRule {
  @ApiProperty({ enum: ['tag'] })
  type: 'tag';

  @ApiProperty({ minLength: 1, maxLength: 100, example: 'vip' })
  tag: string;
}

export class SegmentRule {
  @ApiProperty({ enum: ['segment'] })
  type: 'segment';

  @ApiProperty({ format: 'uuid', description: 'A segment of yours that does not lead back here.' })
  segmentId: string;
}

export class EventRule {
  @ApiProperty({ enum: ['event'] })
  type: 'event';

  @ApiProperty({ minLength: 1, maxLength: 100, example: 'order_placed' })
  name: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, default: 1, description: 'At least so many times.' })
  atLeast?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Only in the last so many days (of 24 hours).' })
  withinDays?: number;
}

const RULES = [AllRule, AnyRule, NotRule, AttributeRule, LeadScoreRule, EngagementRule, TagRule, SegmentRule, EventRule];

/** The OpenAPI schema of a rule, for a property of any DTO. */
export const RULE_SCHEMA = namedUnion('Rule', RULES);
export const NULLABLE_RULE_SCHEMA = { ...RULE_SCHEMA, nullable: true };
