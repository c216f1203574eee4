import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsObject, IsOptional, IsUUID, ValidateNested } from 'class-validator';
import { Omittable } from '../../../http/index.js';
import { FlowStepDto, toStepInput, describeStepKinds } from '../../steps/index.js';
import { PUBLISH_POLICIES, type PublishPolicy } from '../domain/version.js';
import type { DraftedStep } from '../versions.service.js';

/** As in `PUT …/steps`. */
const MOST_STEPS = 200;

export class VersionFlowStepDto extends FlowStepDto {
  @ApiPropertyOptional({
    type: String,
    format: 'uuid',
    nullable: true,
    description:
      'The step of a published version that this one goes on with: whoever had that one does not get this one. Null: it is new. If not given, it goes on ' +
      'with the step of the live version that is the same, else with the one of the same type and name.',
  })
  @IsOptional()
  @IsUUID()
  continues?: string | null;
}

describeStepKinds(VersionFlowStepDto);

export class SaveVersionDto {
  /** The whole flow, as in `PUT …/steps`. */
  @ApiProperty({
    type: [VersionFlowStepDto],
    example: [
      {
        ref: 'welcome',
        continues: '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10',
        stepType: 'email',
        subjectLine: 'Welcome!',
        emailContent: '<p>Hello</p>',
      },
      { stepType: 'wait', waitDuration: { value: 3, unit: 'days' } },
    ],
  })
  @IsArray()
  @ArrayMaxSize(MOST_STEPS)
  @ValidateNested({ each: true })
  @Type(() => VersionFlowStepDto)
  steps: VersionFlowStepDto[];
}

export class PublishDto {
  @ApiProperty({
    enum: PUBLISH_POLICIES,
    description:
      '`new_contacts_only`: who is inside goes on by the version they are in · `move_everyone`: everybody inside goes on by this one.',
  })
  @IsIn(PUBLISH_POLICIES)
  policy: PublishPolicy;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string' },
    example: { '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10': 'exit' },
    description:
      'With `move_everyone`: where contacts go who are at steps that this version does not have. By the id of their step, the id of a step of this version, ' +
      'or `exit`.',
  })
  @Omittable()
  @IsObject()
  placements?: Record<string, string>;
}

/** A step of a draft in the types of the domain. */
export function toDraftedStep({ continues, ...step }: VersionFlowStepDto): DraftedStep {
  return { ...toStepInput(step as FlowStepDto), continues };
}
