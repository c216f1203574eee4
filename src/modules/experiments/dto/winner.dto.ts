import { ApiProperty } from '@nestjs/swagger';
import { IsUUID } from 'class-validator';
import type { AbOutcome, AbStatus, Decision } from '../domain/test-state.js';

const INSTANT_OR_NULL = { type: String, format: 'date-time', nullable: true } as const;

export class ChooseWinnerDto {
  /** The variant that everybody gets from now on. */
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  variantId: string;
}

export class AbDecisionDto {
  @ApiProperty({ enum: ['testing', 'decided'] })
  status: AbStatus;

  @ApiProperty({ type: String, format: 'date-time' })
  startedAt: Date;

  @ApiProperty({ ...INSTANT_OR_NULL, description: 'When the numbers are looked at next, while it is testing.' })
  nextLookAt: Date | null;

  @ApiProperty({ ...INSTANT_OR_NULL, description: 'When it ends at the latest.' })
  deadline: Date | null;

  @ApiProperty({ type: 'integer', description: 'How often the numbers were judged.' })
  looks: number;

  @ApiProperty({
    enum: ['significant', 'inconclusive', 'manual', null],
    nullable: true,
    description:
      '`significant`: the test found a winner · `inconclusive`: it ended without one, and the policy chose · `manual`: somebody chose.',
  })
  outcome: AbOutcome | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'Null, once decided: all variants go on by weight.' })
  winnerVariantId: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'Why, in words.' })
  reason: string | null;

  @ApiProperty(INSTANT_OR_NULL)
  decidedAt: Date | null;

  @ApiProperty({ type: String, nullable: true, example: 'system', description: '`system`, or who chose.' })
  decidedBy: string | null;
}

export function toDecisionDto(decision: Decision): AbDecisionDto {
  const { status, startedAt, nextLookAt, deadline, looks, outcome, winnerVariantId, reason, decidedAt, decidedBy } = decision;
  return { status, startedAt, nextLookAt, deadline, looks, outcome, winnerVariantId, reason, decidedAt, decidedBy };
}
