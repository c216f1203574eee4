import { ApiProperty } from '@nestjs/swagger';
import type { WaitUntil } from '../../../shared/wait-until.js';
import { NULLABLE_RULE_SCHEMA } from '../../segments/index.js';
import type { SplitConfig } from '../domain/split.js';
import {
  CONTENT_FORMATS,
  STEP_TYPES,
  WAIT_UNITS,
  type CampaignStep,
  type StepContentFormat,
  type StepType,
  type WaitDuration,
  type WaitEvent,
  type WaitUnit,
} from '../domain/step.js';
import type { AbTest } from '../domain/ab-test.js';
import { shownAction, type ShownAction } from '../domain/webhook-action.js';
import { AbTestDto, VariantDto } from './ab-test.dto.js';
import { NULLABLE_SHOWN_ACTION_SCHEMA, WaitEventDto } from './action.dto.js';
import { NULLABLE_SPLIT, WaitUntilDto } from './wait-split.dto.js';
import { describeStepKinds } from './step-kinds.js';

const INSTANT = { type: String, format: 'date-time' } as const;
const ID_OR_NULL = { type: String, format: 'uuid', nullable: true } as const;
const COUNT = { type: 'integer', example: 0 } as const;

export class WaitDurationDto {
  @ApiProperty({ type: 'integer', minimum: 1, example: 2 })
  value: number;

  @ApiProperty({ enum: WAIT_UNITS, example: 'days', description: 'Days and weeks are calendar units in the zone of the contact.' })
  unit: WaitUnit;
}

export class StepDto {
  @ApiProperty({ format: 'uuid', example: '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10' })
  id: string;

  @ApiProperty({ format: 'uuid' })
  campaignId: string;

  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  stepOrder: number;

  @ApiProperty({ type: String, nullable: true, example: 'Welcome' })
  stepName: string | null;

  @ApiProperty({ enum: STEP_TYPES })
  stepType: StepType;

  @ApiProperty(ID_OR_NULL)
  templateId: string | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'The version of the template that the launch has pinned.' })
  templateVersion: number | null;

  @ApiProperty({ type: String, nullable: true, example: 'Welcome, {{ contact.first_name | default: "there" }}!' })
  subjectLine: string | null;

  @ApiProperty({ type: String, nullable: true, example: '<p>Hello {{ contact.first_name }}</p>' })
  emailContent: string | null;

  @ApiProperty({ enum: [...CONTENT_FORMATS, null], nullable: true })
  contentFormat: StepContentFormat | null;

  @ApiProperty({ type: WaitDurationDto, nullable: true })
  waitDuration: WaitDuration | null;

  @ApiProperty({ type: WaitUntilDto, nullable: true })
  waitUntil: WaitUntil | null;

  @ApiProperty(NULLABLE_SPLIT)
  splitConfig: SplitConfig | null;

  @ApiProperty({ type: WaitEventDto, nullable: true, description: 'wait_for: the event.' })
  waitEvent: WaitEvent | null;

  @ApiProperty(NULLABLE_RULE_SCHEMA)
  conditionRules: unknown;

  @ApiProperty({
    ...ID_OR_NULL,
    description: 'Where it leads if the condition holds, or what is waited for has happened; null ends the flow.',
  })
  trueNextStepId: string | null;

  @ApiProperty({ ...ID_OR_NULL, description: 'Where it leads if the condition does not hold, or the time is up; null ends the flow.' })
  falseNextStepId: string | null;

  @ApiProperty({ ...ID_OR_NULL, description: 'The next step, where it is not the next in order.' })
  nextStepId: string | null;

  @ApiProperty({ description: 'The flow ends behind this step.' })
  isEnd: boolean;

  @ApiProperty(NULLABLE_SHOWN_ACTION_SCHEMA)
  actionConfig: ShownAction | null;

  @ApiProperty({ type: AbTestDto, nullable: true, description: 'How the winner among the variants is found.' })
  abTest: AbTest | null;

  @ApiProperty({ type: [VariantDto], description: 'Of an email step, in order; the first is the control.' })
  variants: VariantDto[];

  @ApiProperty(COUNT)
  emailsSent: number;

  @ApiProperty(COUNT)
  emailsDelivered: number;

  @ApiProperty(COUNT)
  opens: number;

  @ApiProperty(COUNT)
  clicks: number;

  @ApiProperty(COUNT)
  replies: number;

  @ApiProperty(COUNT)
  unsubscribes: number;

  @ApiProperty(INSTANT)
  createdAt: Date;

  @ApiProperty(INSTANT)
  updatedAt: Date;
}

describeStepKinds(StepDto);

export class SavedStepDto extends StepDto {
  @ApiProperty({ type: String, nullable: true, example: 'welcome', description: 'The name the caller gave the step in this call.' })
  ref: string | null;
}

describeStepKinds(SavedStepDto);

export class SavedFlowDto {
  @ApiProperty({ type: [SavedStepDto] })
  steps: SavedStepDto[];
}

/** A step as clients see it. */
export function toStepDto({ tenantId: _tenant, version: _version, lineageId: _line, ...step }: CampaignStep): StepDto {
  return { ...step, actionConfig: step.actionConfig && shownAction(step.actionConfig) };
}
