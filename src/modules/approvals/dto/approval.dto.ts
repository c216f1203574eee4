import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { IsNotBlank, Omittable, PageQuery } from '../../../http/index.js';
import { AudienceBreakdownDto, LaunchFindingDto } from '../../campaigns/index.js';
import type { Role } from '../../identity/index.js';
import { decisionsOf } from '../approval-gate.js';
import type { ApprovalView } from '../approvals.service.js';
import { CONTENT_PARTS, type ContentPart } from '../domain/content.js';
import { standingOf } from '../domain/quorum.js';
import { APPROVER_ROLES, ApprovalStageDto } from './approval-policy.dto.js';

const MAX_COMMENT = 4_000;
const STATUSES = ['pending', 'approved', 'rejected', 'withdrawn', 'void'] as const;

export class NamedApproversDto {
  @ApiProperty({ enum: APPROVER_ROLES })
  @IsIn(APPROVER_ROLES)
  role: Role;

  @ApiProperty({ type: [String], format: 'uuid', minItems: 1, maxItems: 20 })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(20)
  @ArrayUnique()
  @IsUUID('all', { each: true })
  userIds: string[];
}

export class RequestApprovalDto {
  @ApiPropertyOptional({ type: [ApprovalStageDto], description: 'Only where no policy covers the campaign: who shall approve.' })
  @Omittable()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(5)
  @ArrayUnique(({ role }: ApprovalStageDto) => role, { message: 'each role may stand in one stage only' })
  @ValidateNested({ each: true })
  @Type(() => ApprovalStageDto)
  stages?: ApprovalStageDto[];

  @ApiPropertyOptional({ type: [NamedApproversDto], description: 'Who is asked in a stage; everybody with its role if not said.' })
  @Omittable()
  @IsArray()
  @ArrayMaxSize(5)
  @ArrayUnique(({ role }: NamedApproversDto) => role, { message: 'each role may be named once only' })
  @ValidateNested({ each: true })
  @Type(() => NamedApproversDto)
  approvers?: NamedApproversDto[];

  /**
   * To the approvers.
   * @example "The autumn offers, as discussed on Monday."
   */
  @Omittable()
  @IsString()
  @MaxLength(MAX_COMMENT)
  message?: string;

  @ApiPropertyOptional({
    type: 'integer',
    example: 2,
    description: 'Of a campaign under way: the version of its steps that shall be published. The present one if not said.',
  })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  version?: number;
}

export class ApproveDto {
  /** @example "Checked against the price list." */
  @IsOptional()
  @IsString()
  @MaxLength(MAX_COMMENT)
  comments?: string;
}

export class RejectDto {
  /**
   * What is wrong.
   * @example "The second link leads to last year's page."
   */
  @IsString()
  @IsNotBlank()
  @MaxLength(MAX_COMMENT)
  comments: string;
}

export class MyApprovalsQuery extends PageQuery {
  @ApiPropertyOptional({ enum: ['pending', 'approved', 'rejected'], default: 'pending', description: '`pending`: what waits for you.' })
  @Omittable()
  @IsIn(['pending', 'approved', 'rejected'])
  status?: 'pending' | 'approved' | 'rejected';
}

export class ApprovalStageStateDto extends ApprovalStageDto {
  @ApiProperty({ type: [String], format: 'uuid', nullable: true, description: 'Who is asked; null: everybody with the role.' })
  approverIds: string[] | null;

  @ApiProperty({ type: 'integer', example: 1, description: 'Approvals so far.' })
  approved: number;

  @ApiProperty({ description: 'It is being decided.' })
  isOpen: boolean;
}

export class ApprovalDecisionDto {
  @ApiProperty({ format: 'uuid' })
  approverId: string;

  @ApiProperty({ enum: APPROVER_ROLES })
  role: string;

  @ApiProperty({ enum: ['pending', 'approved', 'rejected', 'void'], description: '`void`: not heard, and not needed any more.' })
  status: 'pending' | 'approved' | 'rejected' | 'void';

  @ApiProperty({ type: String, nullable: true })
  comments: string | null;

  @ApiProperty({ type: Date, nullable: true })
  reviewedAt: Date | null;
}

export class ApprovalDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ format: 'uuid' })
  campaignId: string;

  @ApiProperty({ type: 'integer', example: 1, description: 'The first request is round 1, the next 2.' })
  round: number;

  @ApiProperty({ type: 'integer', example: 1, description: 'The version of the steps it is about.' })
  stepsVersion: number;

  @ApiProperty({ enum: STATUSES, description: '`void`: the campaign has changed since (`changed` says what), so it does not count.' })
  status: (typeof STATUSES)[number];

  @ApiProperty({ enum: CONTENT_PARTS, isArray: true, example: [], description: 'What has changed since it was asked for.' })
  changed: ContentPart[];

  @ApiProperty({ type: [ApprovalStageStateDto] })
  stages: ApprovalStageStateDto[];

  @ApiProperty({ type: [ApprovalDecisionDto] })
  decisions: ApprovalDecisionDto[];

  @ApiProperty({ type: String, nullable: true })
  message: string | null;

  @ApiProperty({ format: 'uuid' })
  requestedBy: string;

  requestedAt: Date;

  @ApiProperty({ type: Date, nullable: true })
  decidedAt: Date | null;

  @ApiProperty({ type: Date, nullable: true, description: 'When the campaign went out on the strength of it.' })
  usedAt: Date | null;

  /**
   * SHA-256 over steps, variants, templates, audience rule, sender, schedule, pacing and settings: what is approved.
   * @example "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
   */
  contentHash: string;

  @ApiProperty({ type: AudienceBreakdownDto, nullable: true, description: 'Whom it would reach, as counted when it was asked for.' })
  audience: AudienceBreakdownDto | null;

  @ApiProperty({ type: [LaunchFindingDto], description: 'The warnings of the preflight when it was asked for.' })
  warnings: LaunchFindingDto[];

  @ApiProperty({
    // Of a module above this one, so by its name.
    allOf: [{ $ref: '#/components/schemas/RehearsalDto' }],
    nullable: true,
    description:
      'A rehearsal made when it was asked for, with the usual assumptions and the seed `approval`, without single people; null if none could be made (the ' +
      'warning `rehearsal_missing` says why).',
  })
  rehearsal: object | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'What to look at before deciding: the campaign, its preflight as of now, its rehearsal (a POST).',
    example: { campaign: '/api/campaigns/…', preflight: '/api/campaigns/…/preflight', simulate: '/api/campaigns/…/simulate' },
  })
  links: Record<string, string>;
}

export function toApprovalDto(view: ApprovalView): ApprovalDto {
  const { stages, contentHash, parts: _parts, preflight, changed, status, ...rest } = view;
  const { open, approved } = standingOf(stages, decisionsOf(view));
  const isVoid = changed.length > 0;
  const isOpen = status === 'pending' && !isVoid;
  const campaign = `/api/campaigns/${view.campaignId}`;
  return {
    ...rest,
    status: isVoid ? 'void' : status,
    changed,
    stages: stages.map(({ role, quorum, approverIds = null }, index) => ({
      role,
      quorum,
      approverIds: approverIds ?? null,
      approved: approved[index],
      isOpen: isOpen && index === open,
    })),
    contentHash: contentHash.toString('hex'),
    warnings: preflight.warnings,
    links: { campaign, preflight: `${campaign}/preflight`, simulate: `${campaign}/simulate` },
  };
}
