import { ApiProperty, ApiPropertyOptional, PartialType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsNumber, IsObject, IsOptional, IsString, IsUUID, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { IsEmailAddress, IsHeaderText, IsSingleLine, Omittable } from '../../../http/index.js';
import { DURATION_UNITS, type Duration } from '../../../shared/duration.js';
import {
  AB_LIMITS,
  AB_METRICS,
  INCONCLUSIVE_POLICIES,
  type AbMetric,
  type AbTest,
  type InconclusivePolicy,
  type StepVariant,
} from '../domain/ab-test.js';
import { CONTENT_FORMATS, STEP_LIMITS, type StepContentFormat } from '../domain/step.js';

const TEXT_OR_NULL = { type: String, nullable: true } as const;

export class AbDurationDto {
  @ApiProperty({ type: 'integer', minimum: 1, example: 4 })
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  value: number;

  /** Absolute: a day is 24 hours. */
  @ApiProperty({ enum: DURATION_UNITS, example: 'hours' })
  @IsIn(DURATION_UNITS)
  unit: Duration['unit'];
}

/** How the winner among the variants is found. */
export class AbTestInputDto {
  /** Which part of the contacts takes part; the others wait at the step for the winner. 0.2 if not given; with 1 nobody waits. */
  @ApiPropertyOptional({ type: Number, minimum: AB_LIMITS.smallestShare, maximum: 1, default: 0.2 })
  @Omittable()
  @IsNumber()
  @Min(AB_LIMITS.smallestShare)
  @Max(1)
  testShare?: number;

  /** What people have to do, per delivered message: open, click, reply, or (`goal`) cause the custom event `goalEvent` after it was sent. */
  @ApiProperty({ enum: AB_METRICS, example: 'click' })
  @IsIn(AB_METRICS)
  metric: AbMetric;

  @ApiPropertyOptional({ ...TEXT_OR_NULL, example: 'order_placed', description: 'goal: the name of the custom event.' })
  @IsOptional()
  @IsHeaderText(100)
  goalEvent?: string | null;

  /** Delivered messages each variant needs before it is judged. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, default: 100 })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(AB_LIMITS.sample)
  minSample?: number;

  @ApiPropertyOptional({ type: AbDurationDto, description: 'No decision before; counts from the first message. Four hours if not given.' })
  @Omittable()
  @IsObject()
  @ValidateNested()
  @Type(() => AbDurationDto)
  minDuration?: AbDurationDto;

  @ApiPropertyOptional({
    type: AbDurationDto,
    description: 'The end of the test, significant or not. A day, or minDuration if that is longer, if not given.',
  })
  @Omittable()
  @IsObject()
  @ValidateNested()
  @Type(() => AbDurationDto)
  maxDuration?: AbDurationDto;

  /** The chance of a false winner that is accepted, for all variants and all looks at the numbers together. */
  @ApiPropertyOptional({
    type: Number,
    minimum: AB_LIMITS.smallestSignificance,
    maximum: AB_LIMITS.largestSignificance,
    default: 0.05,
  })
  @Omittable()
  @IsNumber()
  @Min(AB_LIMITS.smallestSignificance)
  @Max(AB_LIMITS.largestSignificance)
  significance?: number;

  /** What the others get when the test ends without a winner: the best so far, the first variant, or all variants by weight. */
  @ApiPropertyOptional({ enum: INCONCLUSIVE_POLICIES, default: 'best' })
  @Omittable()
  @IsIn(INCONCLUSIVE_POLICIES)
  inconclusive?: InconclusivePolicy;
}

export class AbTestDto implements AbTest {
  @ApiProperty({ example: 0.2 })
  testShare: number;

  @ApiProperty({ enum: AB_METRICS })
  metric: AbMetric;

  @ApiProperty({ ...TEXT_OR_NULL, example: null })
  goalEvent: string | null;

  @ApiProperty({ type: 'integer', example: 100 })
  minSample: number;

  @ApiProperty({ type: AbDurationDto })
  minDuration: Duration;

  @ApiProperty({ type: AbDurationDto })
  maxDuration: Duration;

  @ApiProperty({ example: 0.05 })
  significance: number;

  @ApiProperty({ enum: INCONCLUSIVE_POLICIES })
  inconclusive: InconclusivePolicy;
}

/** The terms with what was left out filled in. */
export function toAbTest(dto: AbTestInputDto): AbTest {
  const minDuration = dto.minDuration ?? { value: 4, unit: 'hours' };
  const day: Duration = { value: 1, unit: 'days' };
  const isLong =
    minDuration.unit === 'days' || minDuration.unit === 'weeks' || minDuration.value > (minDuration.unit === 'hours' ? 24 : 1_440);
  return {
    testShare: dto.testShare ?? 0.2,
    metric: dto.metric,
    goalEvent: dto.goalEvent ?? null,
    minSample: dto.minSample ?? 100,
    minDuration: { value: minDuration.value, unit: minDuration.unit },
    maxDuration: dto.maxDuration ? { value: dto.maxDuration.value, unit: dto.maxDuration.unit } : isLong ? { ...minDuration } : day,
    significance: dto.significance ?? 0.05,
    inconclusive: dto.inconclusive ?? 'best',
  };
}

/** One variant of an email step. What is left out is taken from the step. */
export class VariantInputDto {
  /** Its name in reports; no two of a step are alike. */
  @ApiProperty({ example: 'B: with a question' })
  @IsHeaderText(AB_LIMITS.name)
  name: string;

  /** Its share of the contacts is this in the sum of the weights of all variants. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: AB_LIMITS.weight, default: 1 })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(AB_LIMITS.weight)
  weight?: number;

  @ApiPropertyOptional({ ...TEXT_OR_NULL, example: 'Have you seen this, {{ contact.first_name }}?' })
  @IsOptional()
  @IsSingleLine()
  @MaxLength(STEP_LIMITS.subject)
  subjectLine?: string | null;

  @ApiPropertyOptional({ type: String, format: 'uuid', nullable: true, description: 'Content from a template, instead of emailContent.' })
  @IsOptional()
  @IsUUID()
  templateId?: string | null;

  @ApiPropertyOptional({ ...TEXT_OR_NULL, description: 'Liquid in MJML or HTML.' })
  @IsOptional()
  @IsString()
  @MaxLength(STEP_LIMITS.content)
  emailContent?: string | null;

  @ApiPropertyOptional({ enum: [...CONTENT_FORMATS, null], nullable: true, description: 'Recognised by `<mjml>` if not given.' })
  @IsOptional()
  @IsIn(CONTENT_FORMATS)
  contentFormat?: StepContentFormat | null;

  @ApiPropertyOptional({ ...TEXT_OR_NULL, example: 'Ada from Example' })
  @IsOptional()
  @IsHeaderText(255)
  fromName?: string | null;

  @ApiPropertyOptional({ type: String, format: 'email', nullable: true, example: 'ada@example.com' })
  @IsOptional()
  @IsEmailAddress()
  fromEmail?: string | null;
}

/** Only what is given changes; null takes from the step again. */
export class UpdateVariantDto extends PartialType(VariantInputDto, { skipNullProperties: false }) {}

export class VariantDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ type: 'integer', description: 'From 1; the first is the control.' })
  position: number;

  @ApiProperty({ example: 'B: with a question' })
  name: string;

  @ApiProperty({ type: 'integer' })
  weight: number;

  @ApiProperty(TEXT_OR_NULL)
  subjectLine: string | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  templateId: string | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Frozen at launch.' })
  templateVersion: number | null;

  @ApiProperty(TEXT_OR_NULL)
  emailContent: string | null;

  @ApiProperty({ enum: [...CONTENT_FORMATS, null], nullable: true })
  contentFormat: StepContentFormat | null;

  @ApiProperty(TEXT_OR_NULL)
  fromName: string | null;

  @ApiProperty({ type: String, format: 'email', nullable: true })
  fromEmail: string | null;
}

export function toVariantDto({ id, position, name, weight, templateId, templateVersion, ...rest }: StepVariant): VariantDto {
  const { subjectLine, emailContent, contentFormat, fromName, fromEmail } = rest;
  return { id, position, name, weight, subjectLine, templateId, templateVersion, emailContent, contentFormat, fromName, fromEmail };
}
