import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { BoolQuery, IsHeaderText, IsTimeZone, Omittable, PageQuery } from '../../../http/index.js';
import type { Attributes, AttributesPatch } from '../domain/attributes.js';
import { IsAttributes, IsContactAddress, IsContactName, IsLeadScore, IsTags } from './contact-rules.js';

const SCALARS = [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }];
const ATTRIBUTES_SCHEMA = {
  type: 'object' as const,
  additionalProperties: { oneOf: [...SCALARS, { type: 'array', items: { oneOf: SCALARS } }] },
  example: { plan: 'pro', seats: 12, interests: ['email', 'analytics'] },
};
/** In requests null removes an attribute. */
const PATCH_SCHEMA = { ...ATTRIBUTES_SCHEMA, additionalProperties: { ...ATTRIBUTES_SCHEMA.additionalProperties, nullable: true } };

/** A person of the audience. */
export class ContactDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** @example "ada@example.com" */
  @ApiProperty({ format: 'email' })
  email: string;

  /** @example "Ada" */
  @ApiProperty({ type: String, nullable: true })
  firstName: string | null;

  /** @example "Lovelace" */
  @ApiProperty({ type: String, nullable: true })
  lastName: string | null;

  /**
   * The name of the contact's time zone; null means the campaign's, then the tenant's.
   * @example "Europe/London"
   */
  @ApiProperty({ type: String, nullable: true })
  timezone: string | null;

  /** @example 50 */
  @ApiProperty({ type: 'integer' })
  leadScore: number;

  /** Custom attributes: up to 100, each a text, a number, true or false, or a list of these. */
  @ApiProperty(ATTRIBUTES_SCHEMA)
  attributes: Attributes;

  /** @example ["vip"] */
  @ApiProperty({ type: [String] })
  tags: string[];

  /** Whether the person wants mail. An address on the suppression list gets none either, whatever stands here. */
  subscribed: boolean;

  @ApiProperty({ type: Date, nullable: true })
  unsubscribedAt: Date | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  unsubscribeReason: string | null;

  createdAt: Date;

  /** When a field of the contact last changed; tags do not count. */
  updatedAt: Date;
}

export class CreateContactDto {
  /**
   * Unique in the tenant, whatever its case. One plain address, ASCII only.
   * @example "ada@example.com"
   */
  @ApiProperty({ format: 'email' })
  @IsContactAddress()
  email: string;

  /** @example "Ada" */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 255 })
  @Omittable()
  @IsContactName()
  firstName?: string | null;

  /** @example "Lovelace" */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 255 })
  @Omittable()
  @IsContactName()
  lastName?: string | null;

  /**
   * A name of the IANA database.
   * @example "Europe/London"
   */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsTimeZone()
  timezone?: string | null;

  /** @example 50 */
  @ApiPropertyOptional({ type: 'integer', default: 0 })
  @Omittable()
  @IsLeadScore()
  leadScore?: number;

  /** At most 100, each at most 10 KB. Names begin with a letter and have letters, digits, `_`, `-`, `.` and spaces. */
  @ApiPropertyOptional(PATCH_SCHEMA)
  @Omittable()
  @IsAttributes()
  attributes?: AttributesPatch;

  /** @example ["vip"] */
  @ApiPropertyOptional({ type: [String], maxItems: 100 })
  @Omittable()
  @IsTags()
  tags?: string[];

  /** False for somebody who does not want mail. An address that unsubscribed before stays unsubscribed. */
  @ApiPropertyOptional({ default: true })
  @Omittable()
  @IsBoolean()
  subscribed?: boolean;
}

/** What is left out stays as it is. */
export class UpdateContactDto {
  /** @example "ada@example.com" */
  @ApiPropertyOptional({ format: 'email' })
  @Omittable()
  @IsContactAddress()
  email?: string;

  /** @example "Ada" */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 255 })
  @Omittable()
  @IsContactName()
  firstName?: string | null;

  /** @example "Lovelace" */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 255 })
  @Omittable()
  @IsContactName()
  lastName?: string | null;

  /** @example "Europe/London" */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsTimeZone()
  timezone?: string | null;

  /** @example 60 */
  @ApiPropertyOptional({ type: 'integer' })
  @Omittable()
  @IsLeadScore()
  leadScore?: number;

  /** Merged into the present ones; null removes one. */
  @ApiPropertyOptional({ ...PATCH_SCHEMA, example: { plan: 'team', seats: null } })
  @Omittable()
  @IsAttributes()
  attributes?: AttributesPatch;

  /** Replaces all tags. */
  @ApiPropertyOptional({ type: [String], maxItems: 100, example: ['vip'] })
  @Omittable()
  @IsTags()
  tags?: string[];

  /**
   * False unsubscribes. True is the person's own wish to get mail again: it lifts their unsubscribing, but no bounce, complaint or other
   * suppression (409).
   */
  @ApiPropertyOptional()
  @Omittable()
  @IsBoolean()
  subscribed?: boolean;
}

export class ContactsQuery extends PageQuery {
  /**
   * Exactly this address, whatever its case.
   * @example "ada@example.com"
   */
  @IsOptional()
  @IsString()
  @MaxLength(320)
  email?: string;

  /**
   * With this tag.
   * @example "vip"
   */
  @IsOptional()
  @IsString()
  @MaxLength(100)
  tag?: string;

  @ApiPropertyOptional({ type: Boolean })
  @BoolQuery()
  subscribed?: boolean;

  /**
   * The address, first, last or full name begins with this, whatever its case.
   * @example "ada"
   */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(255)
  q?: string;
}

export class UnsubscribeContactDto {
  /**
   * Why, for the record.
   * @example "asked by phone"
   */
  @ApiPropertyOptional({ maxLength: 255 })
  @Omittable()
  @IsHeaderText(255)
  reason?: string;
}

export class TagsDto {
  /** @example ["vip", "beta"] */
  @ApiProperty({ type: [String], maxItems: 100 })
  @IsTags()
  tags: string[];
}
