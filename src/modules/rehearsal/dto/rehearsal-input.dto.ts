import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, PartialType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsInt,
  IsNumber,
  IsObject,
  IsUUID,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { IsHeaderText, IsInstant, Omittable } from '../../../http/index.js';
import { USUAL_REACTIONS, type Reactions } from '../domain/assumptions.js';

/** Bounds of a rehearsal; the API documents them. */
export const REHEARSAL_LIMITS = {
  sample: 10_000,
  usualSample: 1_000,
  contactIds: 100,
  shown: 500,
  usualShown: 20,
  steps: 200,
  events: 20,
  usualEventDelayMinutes: 1_440,
} as const;

/** A year: whoever is slower does not do it. */
const LONGEST_DELAY_MINUTES = 527_040;
const DELAY = { type: Number, minimum: 0, maximum: LONGEST_DELAY_MINUTES } as const;
const RATE = { type: Number, minimum: 0, maximum: 1 } as const;

function Rate(): PropertyDecorator {
  return applyDecorators(IsNumber(), Min(0), Max(1));
}

function Delay(): PropertyDecorator {
  return applyDecorators(Omittable(), IsNumber(), Min(0), Max(LONGEST_DELAY_MINUTES));
}

/** Shares are of the messages sent, 0 to 1; delays are medians: half are faster, half slower (exponentially distributed). */
export class ReactionsDto implements Partial<Reactions> {
  @ApiPropertyOptional({ ...RATE, default: USUAL_REACTIONS.openRate })
  @Omittable()
  @Rate()
  openRate?: number;

  @ApiPropertyOptional({ ...DELAY, default: USUAL_REACTIONS.openDelayMinutes, description: 'After sending.' })
  @Delay()
  openDelayMinutes?: number;

  @ApiPropertyOptional({ ...RATE, default: USUAL_REACTIONS.clickRate, description: 'Whoever clicks has opened.' })
  @Omittable()
  @Rate()
  clickRate?: number;

  @ApiPropertyOptional({ ...DELAY, default: USUAL_REACTIONS.clickDelayMinutes, description: 'After the open.' })
  @Delay()
  clickDelayMinutes?: number;

  @ApiPropertyOptional({ ...RATE, default: USUAL_REACTIONS.replyRate })
  @Omittable()
  @Rate()
  replyRate?: number;

  @ApiPropertyOptional({ ...DELAY, default: USUAL_REACTIONS.replyDelayMinutes, description: 'After sending.' })
  @Delay()
  replyDelayMinutes?: number;

  @ApiPropertyOptional({ ...RATE, default: USUAL_REACTIONS.unsubscribeRate, description: 'By the link of the message.' })
  @Omittable()
  @Rate()
  unsubscribeRate?: number;

  @ApiPropertyOptional({ ...RATE, default: USUAL_REACTIONS.bounceRate, description: 'Hard bounces, a minute after sending.' })
  @Omittable()
  @Rate()
  bounceRate?: number;
}

/** For one email step, or one variant of it: what is not given is as for all. */
export class StepReactionsDto extends PartialType(ReactionsDto) {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  stepId: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'Only for this variant.' })
  @Omittable()
  @IsUUID()
  variantId?: string;
}

/** A custom event that this share of the people cause once, counted from the moment they enter. */
export class AssumedEventDto {
  @ApiProperty({ example: 'order_placed', maxLength: 100 })
  @IsHeaderText(100)
  name: string;

  @ApiProperty({ ...RATE, example: 0.1 })
  @Rate()
  rate: number;

  @ApiPropertyOptional({ ...DELAY, default: REHEARSAL_LIMITS.usualEventDelayMinutes })
  @Delay()
  delayMinutes?: number;
}

export class AssumptionsInputDto extends PartialType(ReactionsDto) {
  @ApiPropertyOptional({ type: [StepReactionsDto], maxItems: REHEARSAL_LIMITS.steps })
  @Omittable()
  @IsArray()
  @ArrayMaxSize(REHEARSAL_LIMITS.steps)
  @ValidateNested({ each: true })
  @Type(() => StepReactionsDto)
  steps?: StepReactionsDto[];

  @ApiPropertyOptional({ type: [AssumedEventDto], maxItems: REHEARSAL_LIMITS.events })
  @Omittable()
  @IsArray()
  @ArrayMaxSize(REHEARSAL_LIMITS.events)
  @ValidateNested({ each: true })
  @Type(() => AssumedEventDto)
  events?: AssumedEventDto[];
}

export class ShownContactsDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: REHEARSAL_LIMITS.shown, default: REHEARSAL_LIMITS.usualShown })
  @Omittable()
  @IsInt()
  @Min(0)
  @Max(REHEARSAL_LIMITS.shown)
  limit?: number;

  @ApiPropertyOptional({
    format: 'uuid',
    description:
      'Behind this contact: `nextContact` of the answer before. Give the `seed` of that answer too, or other people are in the sample.',
  })
  @Omittable()
  @IsUUID()
  after?: string;
}

export class SimulateDto {
  @ApiPropertyOptional({
    maxLength: 100,
    example: 'spring-1',
    description: 'Chooses the sample and what people do. Drawn, and told in the answer, if not given.',
  })
  @Omittable()
  @IsHeaderText(100)
  seed?: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: REHEARSAL_LIMITS.sample,
    default: REHEARSAL_LIMITS.usualSample,
    description: 'How many people at most; all of them if the audience is no larger.',
  })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(REHEARSAL_LIMITS.sample)
  sample?: number;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'The moment of the launch. Now, if not given.' })
  @Omittable()
  @IsInstant()
  startAt?: string;

  @ApiPropertyOptional({ type: AssumptionsInputDto, description: 'What people do.' })
  @Omittable()
  @IsObject()
  @ValidateNested()
  @Type(() => AssumptionsInputDto)
  assumptions?: AssumptionsInputDto;

  @ApiPropertyOptional({
    type: [String],
    minItems: 1,
    maxItems: REHEARSAL_LIMITS.contactIds,
    description: 'Only these people, as far as they would be enrolled.',
  })
  @Omittable()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(REHEARSAL_LIMITS.contactIds)
  @ArrayUnique()
  @IsUUID(undefined, { each: true })
  contactIds?: string[];

  @ApiPropertyOptional({
    type: Boolean,
    default: false,
    description: 'Whoever is or was in the campaign takes part too, as if for the first time.',
  })
  @Omittable()
  @IsBoolean()
  includeEnrolled?: boolean;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    description: 'A version of the steps, such as the draft of an edit; the live one if not given. As for people who enter then.',
  })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  version?: number;

  @ApiPropertyOptional({ type: ShownContactsDto, description: 'Whose way is shown step by step.' })
  @Omittable()
  @IsObject()
  @ValidateNested()
  @Type(() => ShownContactsDto)
  contacts?: ShownContactsDto;
}
