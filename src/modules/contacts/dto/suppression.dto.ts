import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import { BoolQuery, ListQuery, Omittable, PageQuery } from '../../../http/index.js';
import { GIVEN_REASONS, MAX_DETAIL, SUPPRESSION_REASONS, type GivenReason, type SuppressionReason } from '../domain/suppression.js';
import { IsContactAddress } from './contact-rules.js';
import { ImportErrorDto } from './import-report.dto.js';

const ADDRESS = 'ada@example.com';

export class SuppressionsQuery extends PageQuery {
  /**
   * Exactly this address, in any case.
   * @example "ada@example.com"
   */
  @IsOptional()
  @IsString()
  @MaxLength(320)
  email?: string;

  @ApiPropertyOptional({ enum: SUPPRESSION_REASONS, isArray: true })
  @ListQuery()
  @IsIn(SUPPRESSION_REASONS, { each: true })
  reason?: SuppressionReason[];
}

export class SuppressionInputDto {
  @ApiProperty({ type: String, format: 'email', example: ADDRESS })
  @IsContactAddress()
  email: string;

  /** `manual` if not set. */
  @Omittable()
  @IsIn(GIVEN_REASONS)
  reason?: GivenReason;

  /** @example "asked by telephone" */
  @Omittable()
  @IsString()
  @MaxLength(MAX_DETAIL)
  detail?: string;
}

/** One address (`email` …) or a list of up to 1,000 (`suppressions`). */
export class AddSuppressionsDto {
  @ApiPropertyOptional({ type: String, format: 'email', example: ADDRESS })
  @Omittable()
  @IsContactAddress()
  email?: string;

  /** `manual` if not set. */
  @Omittable()
  @IsIn(GIVEN_REASONS)
  reason?: GivenReason;

  /** @example "asked by telephone" */
  @Omittable()
  @IsString()
  @MaxLength(MAX_DETAIL)
  detail?: string;

  @ApiPropertyOptional({ type: [SuppressionInputDto], maxItems: 1_000 })
  @Omittable()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1_000)
  @ValidateNested({ each: true })
  @Type(() => SuppressionInputDto)
  suppressions?: SuppressionInputDto[];
}

export class RemoveSuppressionQuery {
  /** Needed, with `detail`, to lift what people said themselves: `complaint`, `unsubscribed`, `erased`. */
  @ApiPropertyOptional({ type: 'boolean', default: false })
  @BoolQuery()
  force?: boolean;

  /**
   * Why; kept in the history.
   * @example "the address was mistyped"
   */
  @IsOptional()
  @IsString()
  @MaxLength(MAX_DETAIL)
  detail?: string;
}

export class ImportSuppressionsQuery {
  /** The reason of rows that give none; `manual` if not set. */
  @ApiPropertyOptional({ enum: GIVEN_REASONS })
  @IsOptional()
  @IsIn(GIVEN_REASONS)
  reason?: GivenReason;
}

export class SuppressionDto {
  @ApiProperty({ type: String, format: 'email', example: ADDRESS, description: 'In lower case.' })
  email: string;

  @ApiProperty({ enum: SUPPRESSION_REASONS })
  reason: SuppressionReason;

  /**
   * Where it came from: `page`, `one_click`, `api`, `import`, `provider`, `erasure` …
   * @example "provider"
   */
  source: string;

  @ApiProperty({ type: String, nullable: true, example: '550 5.1.1 no such user' })
  detail: string | null;

  createdAt: Date;
}

export class SuppressionActorDto {
  @ApiProperty({ enum: ['user', 'api_key', 'system', 'contact'], description: '`contact` is the person of the address.' })
  type: 'user' | 'api_key' | 'system' | 'contact';

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  id: string | null;
}

export class SuppressionEventDto {
  @ApiProperty({ enum: ['added', 'changed', 'removed'] })
  action: 'added' | 'changed' | 'removed';

  @ApiProperty({ enum: SUPPRESSION_REASONS, description: 'The reason from then on, or the one that was taken away.' })
  reason: SuppressionReason;

  /** @example "api" */
  source: string;

  @ApiProperty({ type: String, nullable: true })
  detail: string | null;

  @ApiProperty({ type: SuppressionActorDto })
  actor: SuppressionActorDto;

  at: Date;
}

export class SuppressionDetailDto {
  @ApiProperty({ type: String, format: 'email', example: ADDRESS })
  email: string;

  /** On the list now. */
  suppressed: boolean;

  @ApiProperty({ enum: SUPPRESSION_REASONS, nullable: true })
  reason: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'provider' })
  source: string | null;

  @ApiProperty({ type: String, nullable: true })
  detail: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  createdAt: Date | null;

  /** What happened to the address on this list, the latest first, at most 100 entries. */
  @ApiProperty({ type: [SuppressionEventDto] })
  history: SuppressionEventDto[];
}

export class AddedSuppressionsDto {
  @ApiProperty({ type: 'integer', example: 12 })
  added: number;

  /** Stood there as `unsubscribed` and stand there for a stronger reason now. */
  @ApiProperty({ type: 'integer', example: 1 })
  changed: number;

  @ApiProperty({ type: 'integer', example: 3 })
  unchanged: number;
}

export class SuppressionImportReportDto extends AddedSuppressionsDto {
  @ApiProperty({ type: 'integer', example: 0 })
  rejected: number;

  /** Why, for the first 1,000 rejected rows. */
  @ApiProperty({ type: [ImportErrorDto] })
  errors: ImportErrorDto[];
}
