import { ApiProperty, ApiPropertyOptional, PartialType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
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
import { IsHeaderText, IsSingleLine, Omittable } from '../../../http/index.js';
import { NULLABLE_RULE_SCHEMA } from '../../segments/index.js';
import { AB_LIMITS, type AbTest } from '../domain/ab-test.js';
import { TEXT_LIMITS, type StepInput } from '../domain/step-shape.js';
import {
  CONTENT_FORMATS,
  STEP_LIMITS,
  STEP_TYPES,
  WAIT_UNITS,
  type StepContentFormat,
  type StepType,
  type WaitDuration,
  type WaitEvent,
  type WaitUnit,
} from '../domain/step.js';
import { AbTestInputDto, VariantInputDto, toAbTest } from './ab-test.dto.js';
import { NULLABLE_ACTION_SCHEMA, WaitEventDto } from './action.dto.js';
import { NULLABLE_SPLIT, WaitUntilDto } from './wait-split.dto.js';
import { describeStepKinds } from './step-kinds.js';

const ID_OR_NULL = { type: String, format: 'uuid', nullable: true } as const;
const REF_OR_NULL = { type: String, nullable: true, example: 'reminder' } as const;

export class WaitInputDto {
  /** At most ten years. */
  @ApiProperty({ type: 'integer', minimum: 1, example: 2 })
  @IsInt()
  value: number;

  @ApiProperty({ enum: WAIT_UNITS, example: 'days' })
  @IsIn(WAIT_UNITS)
  unit: WaitUnit;
}

/** What belongs to every way of saving a step. Which fields a step takes depends on its type; others are refused. */
class StepFieldsDto {
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Welcome' })
  @IsOptional()
  @IsHeaderText(TEXT_LIMITS.stepName)
  stepName?: string | null;

  @ApiProperty({ enum: STEP_TYPES })
  @IsIn(STEP_TYPES)
  stepType: StepType;

  @ApiPropertyOptional({ ...ID_OR_NULL, description: 'email: content from a template, instead of emailContent.' })
  @IsOptional()
  @IsUUID()
  templateId?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'Welcome, {{ contact.first_name | default: "there" }}!' })
  @IsOptional()
  @IsSingleLine()
  @MaxLength(TEXT_LIMITS.subjectLine)
  subjectLine?: string | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    example: '<p>Hello {{ contact.first_name }}</p>',
    description: 'email: Liquid in MJML or HTML.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(TEXT_LIMITS.emailContent)
  emailContent?: string | null;

  @ApiPropertyOptional({ enum: [...CONTENT_FORMATS, null], nullable: true, description: 'email: recognised by `<mjml>` if not given.' })
  @IsOptional()
  @IsIn(CONTENT_FORMATS)
  contentFormat?: StepContentFormat | null;

  @ApiPropertyOptional({
    type: WaitInputDto,
    nullable: true,
    description: 'wait: how long; wait_for: how long at most.',
  })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => WaitInputDto)
  waitDuration?: WaitDuration | null;

  @ApiPropertyOptional({ type: WaitUntilDto, nullable: true, description: 'wait: until when, beside waitDuration or instead of it.' })
  @IsOptional()
  @IsObject()
  waitUntil?: object | null;

  @ApiPropertyOptional({ ...NULLABLE_SPLIT, description: 'condition: more than two ways, instead of conditionRules.' })
  @IsOptional()
  @IsObject()
  splitConfig?: object | null;

  @ApiPropertyOptional({ type: WaitEventDto, nullable: true, description: 'wait_for: the event, where it is one; else conditionRules.' })
  @IsOptional()
  @IsObject()
  waitEvent?: WaitEvent | null;

  @ApiPropertyOptional({ ...NULLABLE_RULE_SCHEMA, description: 'condition: what is asked; wait_for: what must come true.' })
  @IsOptional()
  @IsObject()
  conditionRules?: object | null;

  @ApiPropertyOptional({ ...NULLABLE_ACTION_SCHEMA, description: 'action: what is done.' })
  @IsOptional()
  @IsObject()
  actionConfig?: object | null;

  @ApiPropertyOptional({
    type: AbTestInputDto,
    nullable: true,
    description: 'email with variants: how the winner is found; null splits everybody by weight.',
  })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => AbTestInputDto)
  abTest?: AbTestInputDto | null;

  @ApiPropertyOptional({ type: Boolean, default: false, description: 'The flow ends behind this step.' })
  @Omittable()
  @IsBoolean()
  isEnd?: boolean;
}

export class CreateStepDto extends StepFieldsDto {
  /** Where to put the step, from 1; the steps from there on move down. At the end if not given. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, example: 1 })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(10_000)
  stepOrder?: number;

  @ApiPropertyOptional({ ...ID_OR_NULL, description: 'email, wait, action: the next step, where it is not the next in order.' })
  @IsOptional()
  @IsUUID()
  nextStepId?: string | null;

  @ApiPropertyOptional({
    ...ID_OR_NULL,
    description: 'condition: where it leads if it holds; wait_for: when it has happened; null ends the flow.',
  })
  @IsOptional()
  @IsUUID()
  trueNextStepId?: string | null;

  @ApiPropertyOptional({
    ...ID_OR_NULL,
    description: 'condition: where it leads if it does not hold; wait_for: when the time is up; null ends the flow.',
  })
  @IsOptional()
  @IsUUID()
  falseNextStepId?: string | null;
}

describeStepKinds(CreateStepDto);

/** Only what is given changes; null takes a value away. A step that changes its type keeps nothing of the former one. */
export class UpdateStepDto extends PartialType(CreateStepDto, { skipNullProperties: false }) {}

export class FlowStepDto extends StepFieldsDto {
  /** A name for this step within the call; needed only where another step leads to it. */
  @ApiPropertyOptional({ type: String, example: 'welcome' })
  @Omittable()
  @IsHeaderText(STEP_LIMITS.ref)
  ref?: string;

  @ApiPropertyOptional({ ...REF_OR_NULL, description: 'The next step; null ends the flow, absent is the next in the list.' })
  @IsOptional()
  @IsString()
  nextRef?: string | null;

  @ApiPropertyOptional({
    ...REF_OR_NULL,
    description: 'condition: if it holds; wait_for: when it has happened; null ends the flow, absent is the next in the list.',
  })
  @IsOptional()
  @IsString()
  trueNextRef?: string | null;

  @ApiPropertyOptional({
    ...REF_OR_NULL,
    description: 'condition: if it does not hold; wait_for: when the time is up; null ends the flow, absent is the next in the list.',
  })
  @IsOptional()
  @IsString()
  falseNextRef?: string | null;

  @ApiPropertyOptional({
    type: [VariantInputDto],
    maxItems: AB_LIMITS.mostVariants,
    description: 'email: two or more variants to choose from; the first is the control.',
  })
  @Omittable()
  @IsArray()
  @ArrayMaxSize(AB_LIMITS.mostVariants)
  @ValidateNested({ each: true })
  @Type(() => VariantInputDto)
  variants?: VariantInputDto[];
}

describeStepKinds(FlowStepDto);

export class SaveFlowDto {
  /** In order; the first is where everybody begins. A rule may name a step of the call by its ref in `stepId`. */
  @ApiProperty({
    type: [FlowStepDto],
    example: [
      { ref: 'welcome', stepType: 'email', subjectLine: 'Welcome!', emailContent: '<p>Hello {{ contact.first_name }}</p>' },
      { ref: 'pause', stepType: 'wait', waitDuration: { value: 2, unit: 'days' } },
      {
        ref: 'opened',
        stepType: 'condition',
        conditionRules: { type: 'email_opened', stepId: 'welcome' },
        trueNextRef: null,
        falseNextRef: 'reminder',
      },
      { ref: 'reminder', stepType: 'email', subjectLine: 'Did you see this?', emailContent: '<p>Have a look</p>' },
    ],
  })
  @IsArray()
  @ArrayMaxSize(STEP_LIMITS.steps)
  @ValidateNested({ each: true })
  @Type(() => FlowStepDto)
  steps: FlowStepDto[];
}

export class ReorderDto {
  /** Every step of the campaign, once, in the new order. */
  @ApiProperty({ type: [String], format: 'uuid' })
  @IsArray()
  @ArrayMaxSize(STEP_LIMITS.steps)
  @IsUUID(undefined, { each: true })
  stepIds: string[];
}

type Unchecked = 'actionConfig' | 'waitUntil' | 'splitConfig';

/** The same in the types of the domain: what is inside rules, actions, waits and splits is checked there, with paths. */
export function toStepInput<T extends StepFieldsDto | UpdateStepDto>(
  dto: T,
): Omit<T, Unchecked | 'abTest'> & Pick<StepInput, Unchecked> & { abTest?: AbTest | null } {
  const { actionConfig, waitUntil, splitConfig } = dto as Pick<StepInput, Unchecked>;
  const rest = dto as Omit<T, Unchecked | 'abTest'>;
  return { ...rest, actionConfig, waitUntil, splitConfig, abTest: dto.abTest && toAbTest(dto.abTest) };
}
