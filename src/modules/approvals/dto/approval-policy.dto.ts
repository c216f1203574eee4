import { ApiProperty, ApiPropertyOptional, PartialType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsIn, IsInt, Max, Min, ValidateNested } from 'class-validator';
import { IsHeaderText, Omittable } from '../../../http/index.js';
import { CAMPAIGN_TYPES, type CampaignType } from '../../campaigns/index.js';
import { ROLES, can, type Role } from '../../identity/index.js';
import type { Stage } from '../domain/quorum.js';

/** Whoever has none of these could be asked and could not answer. */
export const APPROVER_ROLES = ROLES.filter((role) => can([role], 'approvals:decide'));
const MAX_QUORUM = 10;

export class ApprovalStageDto implements Stage {
  @ApiProperty({ enum: APPROVER_ROLES, example: 'compliance_officer', description: 'The role of the users who approve in this stage.' })
  @IsIn(APPROVER_ROLES)
  role: Role;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: MAX_QUORUM, example: 2, description: 'So many of them must approve.' })
  @IsInt()
  @Min(1)
  @Max(MAX_QUORUM)
  quorum: number;
}

export class CreateApprovalPolicyDto {
  /** @example "Large mailings" */
  @IsHeaderText(255)
  name: string;

  @ApiPropertyOptional({ enum: CAMPAIGN_TYPES, isArray: true, default: [], description: 'Which campaigns it covers; every type if empty.' })
  @Omittable()
  @IsArray()
  @ArrayMaxSize(CAMPAIGN_TYPES.length)
  @ArrayUnique()
  @IsIn(CAMPAIGN_TYPES, { each: true })
  campaignTypes?: CampaignType[];

  @ApiPropertyOptional({
    type: 'integer',
    default: 0,
    example: 1_000,
    description:
      'Smaller audiences need no approval. One that cannot be counted, or may grow as long as the campaign runs, counts as large.',
  })
  @Omittable()
  @IsInt()
  @Min(0)
  @Max(2_147_483_647)
  minAudience?: number;

  @ApiProperty({ type: [ApprovalStageDto], minItems: 1, maxItems: 5, description: 'One after another; each role once.' })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(5)
  @ArrayUnique(({ role }: ApprovalStageDto) => role, { message: 'each role may stand in one stage only' })
  @ValidateNested({ each: true })
  @Type(() => ApprovalStageDto)
  stages: ApprovalStageDto[];
}

export class UpdateApprovalPolicyDto extends PartialType(CreateApprovalPolicyDto, { skipNullProperties: false }) {}

export class ApprovalPolicyDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** @example "Large mailings" */
  name: string;

  @ApiProperty({ enum: CAMPAIGN_TYPES, isArray: true })
  campaignTypes: readonly string[];

  @ApiProperty({ type: 'integer', example: 1_000 })
  minAudience: number;

  @ApiProperty({ type: [ApprovalStageDto] })
  stages: ApprovalStageDto[];

  createdAt: Date;

  updatedAt: Date;
}
