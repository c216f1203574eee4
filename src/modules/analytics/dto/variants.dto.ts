import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { AbDecisionDto } from '../../experiments/index.js';
import { AB_METRICS, AbTestDto, type AbMetric } from '../../steps/index.js';

const count = (description: string) => ApiProperty({ type: 'integer', minimum: 0, example: 84, description });

export class VariantsQuery {
  @ApiPropertyOptional({
    enum: AB_METRICS,
    description: "What is compared; each test's own metric if not given, `click` where there is no test.",
  })
  @IsOptional()
  @IsIn(AB_METRICS)
  metric?: AbMetric;
}

export class CredibleIntervalDto {
  @ApiProperty({ example: 0.101323 })
  low: number;

  @ApiProperty({ example: 0.141627 })
  high: number;
}

export class VariantReportDto {
  @ApiProperty({ format: 'uuid' })
  variantId: string;

  @ApiProperty({ example: 'B: with a question' })
  name: string;

  @ApiProperty({ type: 'integer' })
  weight: number;

  @ApiProperty({ description: 'The first variant, with which the others are compared.' })
  isControl: boolean;

  @count('Messages the provider accepted, after the decision too.')
  sent: number;

  @count('Of those, not bounced or dropped. Known also where a provider reports no deliveries.')
  reached: number;

  @count('Messages a receiving server took, as the provider reports or an opening proves.')
  delivered: number;

  @count('Messages opened by a person.')
  opened: number;

  @count('Messages with a click by a person.')
  clicked: number;

  @count('Messages that were answered.')
  replied: number;

  @count('People who caused the goal event after the message was sent; 0 where the test has none.')
  converted: number;

  @count('What is compared: messages that reached somebody, up to the decision for a winner.')
  trials: number;

  @count('Of the trials, those with what the metric asks for.')
  successes: number;

  @ApiProperty({ type: Number, nullable: true, example: 0.12, description: '`successes` of `trials`, as a fraction; null without trials.' })
  rate: number | null;

  @ApiProperty({
    type: CredibleIntervalDto,
    description:
      'The true rate lies here with a probability of 95 % (equal tails of the Beta distribution; all rates equally likely before).',
  })
  credibleInterval: CredibleIntervalDto;

  @ApiProperty({ example: 0.950197, description: 'The probability that this variant has the highest true rate of all.' })
  probabilityToBeBest: number;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 0.013498,
    description:
      'Two-sided, of the pooled z-test against the control; null for the control, and where fewer than five are expected in a cell.',
  })
  pValue: number | null;
}

export class TestedStepReportDto {
  @ApiProperty({ format: 'uuid' })
  stepId: string;

  @ApiProperty({
    type: 'integer',
    example: 1,
    description: 'The version of the steps it belongs to: the live one, or one whose test does not go on there.',
  })
  version: number;

  @ApiProperty({ type: 'integer', example: 1 })
  stepOrder: number;

  @ApiProperty({ type: String, nullable: true, example: 'Welcome' })
  stepName: string | null;

  @ApiProperty({ enum: AB_METRICS })
  metric: AbMetric;

  @ApiProperty({ type: AbTestDto, nullable: true, description: 'The terms of the test; null where everybody is split by weight for good.' })
  abTest: AbTestDto | null;

  @count('Contacts who wait at the step for the winner.')
  waiting: number;

  @ApiProperty({ type: AbDecisionDto, nullable: true, description: 'What was decided and why; null before anybody came to the step.' })
  decision: AbDecisionDto | null;

  @ApiProperty({ type: [VariantReportDto] })
  variants: VariantReportDto[];
}

export class VariantsReportDto {
  @ApiProperty({ type: [TestedStepReportDto], description: 'The email steps that have variants, in order.' })
  steps: TestedStepReportDto[];
}
