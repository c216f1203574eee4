import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { IsHeaderText, IsNotBlank, Omittable, PageQuery } from '../../../http/index.js';
import { CONTENT_LIMITS, type ContentFormat } from '../domain/compiled-content.js';

export const CONTENT_FORMATS = ['mjml', 'html'] as const;
const CONTENT_EXAMPLE =
  '<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ contact.first_name | default: "there" }}</mj-text></mj-column></mj-section></mj-body></mjml>';
const SUBJECT = {
  type: String,
  nullable: true,
  maxLength: CONTENT_LIMITS.subject,
  example: 'Welcome, {{ contact.first_name | default: "there" }}',
} as const;
const INT_MAX = 2 ** 31 - 1;

export class CreateTemplateDto {
  @ApiProperty({ minLength: 1, maxLength: 255, example: 'Welcome' })
  @IsHeaderText(255)
  name: string;

  @ApiPropertyOptional({ ...SUBJECT, description: 'Liquid. A step that uses the template may say another one.' })
  @IsOptional()
  @IsHeaderText(CONTENT_LIMITS.subject)
  subjectLine?: string | null;

  @ApiProperty({ minLength: 1, maxLength: CONTENT_LIMITS.source, description: 'Liquid within MJML or HTML.', example: CONTENT_EXAMPLE })
  @IsString()
  @IsNotBlank()
  @MaxLength(CONTENT_LIMITS.source)
  content: string;

  @ApiProperty({ enum: CONTENT_FORMATS })
  @IsIn(CONTENT_FORMATS)
  contentFormat: ContentFormat;
}

export class UpdateTemplateDto {
  @ApiPropertyOptional({ minLength: 1, maxLength: 255 })
  @Omittable()
  @IsHeaderText(255)
  name?: string;

  @ApiPropertyOptional({ ...SUBJECT, description: 'Null takes it away.' })
  @IsOptional()
  @IsHeaderText(CONTENT_LIMITS.subject)
  subjectLine?: string | null;

  @ApiPropertyOptional({ minLength: 1, maxLength: CONTENT_LIMITS.source, example: CONTENT_EXAMPLE })
  @Omittable()
  @IsString()
  @IsNotBlank()
  @MaxLength(CONTENT_LIMITS.source)
  content?: string;

  @ApiPropertyOptional({ enum: CONTENT_FORMATS })
  @Omittable()
  @IsIn(CONTENT_FORMATS)
  contentFormat?: ContentFormat;
}

export class TemplateSummaryDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'Welcome' })
  name: string;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Counts from 1; every change of content makes a new one.' })
  currentVersion: number;

  @ApiProperty(SUBJECT)
  subjectLine: string | null;

  @ApiProperty({ enum: CONTENT_FORMATS })
  contentFormat: ContentFormat;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt: Date;
}

export class TemplateDto extends TemplateSummaryDto {
  @ApiProperty({ description: 'Of the current version.', example: CONTENT_EXAMPLE })
  content: string;
}

export class TemplateVersionSummaryDto {
  @ApiProperty({ type: 'integer', minimum: 1 })
  version: number;

  @ApiProperty(SUBJECT)
  subjectLine: string | null;

  @ApiProperty({ enum: CONTENT_FORMATS })
  contentFormat: ContentFormat;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: Date;
}

export class TemplateVersionDto extends TemplateVersionSummaryDto {
  @ApiProperty({ example: CONTENT_EXAMPLE })
  content: string;
}

export class ListTemplatesQuery extends PageQuery {
  @ApiPropertyOptional({ description: 'Part of the name, ignoring case.', maxLength: 255 })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  q?: string;
}

/** Made-up data of a contact. */
export class PreviewContactDto {
  @ApiPropertyOptional({ example: 'grace@example.com', maxLength: 320 })
  @Omittable()
  @IsString()
  @MaxLength(320)
  email?: string;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'Grace', maxLength: 255 })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  firstName?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 255 })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  lastName?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 100 })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  timezone?: string | null;

  @ApiPropertyOptional({ type: 'integer' })
  @Omittable()
  @IsInt()
  @Min(-INT_MAX)
  @Max(INT_MAX)
  leadScore?: number;

  @ApiPropertyOptional({ type: [String], maxItems: 100 })
  @Omittable()
  @IsArray()
  @ArrayMaxSize(100)
  @IsString({ each: true })
  tags?: string[];

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, example: { plan: 'pro' } })
  @Omittable()
  @IsObject()
  attributes?: Record<string, unknown>;
}

export class PreviewTemplateDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'A version other than the current one.' })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(INT_MAX)
  version?: number;

  @ApiPropertyOptional({ format: 'uuid', description: 'Show it as for this contact. Needs the permission `contacts:read`.' })
  @Omittable()
  @IsUUID('loose')
  contactId?: string;

  @ApiPropertyOptional({
    type: PreviewContactDto,
    description: 'Instead of a contact: data for the merge fields. What is left out is missing.',
  })
  @Omittable()
  @IsObject()
  @ValidateNested()
  @Type(() => PreviewContactDto)
  contact?: PreviewContactDto;

  @ApiPropertyOptional({ ...SUBJECT, description: 'Unsaved: shown instead of the saved one.' })
  @IsOptional()
  @IsHeaderText(CONTENT_LIMITS.subject)
  subjectLine?: string | null;

  @ApiPropertyOptional({ maxLength: CONTENT_LIMITS.source, description: 'Unsaved: shown instead of the saved one.' })
  @Omittable()
  @IsString()
  @IsNotBlank()
  @MaxLength(CONTENT_LIMITS.source)
  content?: string;

  @ApiPropertyOptional({ enum: CONTENT_FORMATS })
  @Omittable()
  @IsIn(CONTENT_FORMATS)
  contentFormat?: ContentFormat;
}

export class ContentWarningDto {
  @ApiProperty({ example: 'subjectLine' })
  path: string;

  @ApiProperty({ example: 'The subject is empty.' })
  message: string;

  @ApiPropertyOptional({ example: 'empty_subject' })
  code?: string;
}

export class TemplatePreviewDto {
  @ApiProperty({ example: 'Welcome, Grace' })
  subject: string;

  @ApiProperty({ description: 'Show it in a sandboxed frame: it is the author’s markup.' })
  html: string;

  @ApiProperty({ description: 'The plain-text alternative.' })
  text: string;

  @ApiProperty({ type: [ContentWarningDto], description: 'What an author should know, but what prevents nothing.' })
  warnings: ContentWarningDto[];
}
