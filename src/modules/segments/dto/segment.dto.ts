import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  Allow,
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsUUID,
  Max,
  MaxLength,
  Min,
  IsString,
} from 'class-validator';
import { IsHeaderText, Omittable, PageQuery, describeKinds } from '../../../http/index.js';
import type { SegmentContactRow } from '../segment-audience.queries.js';
import { NULLABLE_RULE_SCHEMA, RULE_SCHEMA } from './rule.dto.js';

export const SEGMENT_TYPES = ['dynamic', 'static'] as const;
const RULES = 'At most 50 parts, five levels deep; with all the segments it refers to written out, at most 500 parts.';
const RULES_EXAMPLE = {
  all: [
    { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' },
    { not: { type: 'email_opened', withinHours: 720 } },
  ],
};

const KINDS = { dynamic: { fields: ['rules'], required: ['rules'] }, static: { fields: [] } };

export class CreateSegmentDto {
  @ApiProperty({ minLength: 1, maxLength: 255, example: 'Pro customers gone quiet' })
  @IsHeaderText(255)
  name: string;

  @ApiProperty({ enum: SEGMENT_TYPES, description: 'Dynamic: by rules, evaluated anew whenever it is used. Static: by a list of members.' })
  @IsIn(SEGMENT_TYPES)
  type: (typeof SEGMENT_TYPES)[number];

  @ApiPropertyOptional({
    ...RULE_SCHEMA,
    description: `Needed for a dynamic segment, left out for a static one. ${RULES}`,
    example: RULES_EXAMPLE,
  })
  @Allow()
  rules?: unknown;
}

describeKinds(CreateSegmentDto, 'type', KINDS, (type) => (type === 'dynamic' ? 'CreateDynamicSegmentDto' : 'CreateStaticSegmentDto'));

export class UpdateSegmentDto {
  @ApiPropertyOptional({ minLength: 1, maxLength: 255 })
  @Omittable()
  @IsHeaderText(255)
  name?: string;

  @ApiPropertyOptional({ ...RULE_SCHEMA, description: `Only for a dynamic segment. ${RULES}` })
  @Allow()
  rules?: unknown;
}

export class SegmentDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'Pro customers gone quiet' })
  name: string;

  @ApiProperty({ enum: SEGMENT_TYPES })
  type: (typeof SEGMENT_TYPES)[number];

  @ApiProperty({ ...NULLABLE_RULE_SCHEMA, description: 'Null for a static segment.', example: RULES_EXAMPLE })
  rules: unknown;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt: Date;
}

describeKinds(SegmentDto, 'type', KINDS, (type) => (type === 'dynamic' ? 'DynamicSegmentDto' : 'StaticSegmentDto'));

export class ListSegmentsQuery extends PageQuery {
  @ApiPropertyOptional({ enum: SEGMENT_TYPES })
  @IsOptional()
  @IsIn(SEGMENT_TYPES)
  type?: (typeof SEGMENT_TYPES)[number];

  @ApiPropertyOptional({ description: 'Part of the name, ignoring case.', maxLength: 255 })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  q?: string;
}

export class PreviewSegmentDto {
  @ApiProperty({ ...RULE_SCHEMA, description: RULES, example: RULES_EXAMPLE })
  @Allow()
  rules: unknown;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: 20, default: 10, description: 'How many of the contacts to show.' })
  @Omittable()
  @IsInt()
  @Min(0)
  @Max(20)
  sampleSize?: number;
}

export class SegmentContactDto implements SegmentContactRow {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ format: 'email', example: 'ada@example.com' })
  email: string;

  @ApiProperty({ type: String, nullable: true })
  firstName: string | null;

  @ApiProperty({ type: String, nullable: true })
  lastName: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'Europe/London' })
  timezone: string | null;

  @ApiProperty({ type: 'integer' })
  leadScore: number;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { plan: 'pro' } })
  attributes: Record<string, unknown>;

  @ApiProperty({ type: [String], example: ['vip'] })
  tags: string[];

  @ApiProperty()
  subscribed: boolean;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt: Date;
}

export class SegmentPreviewDto {
  @ApiProperty({ type: 'integer', description: 'Contacts the rules match, erased ones left out.', example: 1280 })
  count: number;

  @ApiProperty({ type: 'integer', description: 'Those of them who are subscribed.', example: 1203 })
  subscribedCount: number;

  @ApiProperty({ type: [SegmentContactDto], description: 'The newest of them.' })
  sample: SegmentContactDto[];
}

export class SegmentMembersDto {
  @ApiProperty({ type: [String], format: 'uuid', minItems: 1, maxItems: 1000, example: ['0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10'] })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1000)
  @IsUUID('loose', { each: true })
  contactIds: string[];
}

export class MembersAddedDto {
  @ApiProperty({ type: 'integer', description: 'How many were not members before.' })
  added: number;
}

export class MembersRemovedDto {
  @ApiProperty({ type: 'integer', description: 'How many were members.' })
  removed: number;
}
