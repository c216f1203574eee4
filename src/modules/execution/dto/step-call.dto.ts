import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { PageQuery } from '../../../http/index.js';
import { CALL_STATUSES, type CallStatus } from '../entities/index.js';

export class StepCallDto {
  /** The `idempotency-key` header of every attempt; with `msg_` before it the `webhook-id`. */
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ format: 'uuid' })
  enrollmentId: string;

  @ApiProperty({ format: 'uuid' })
  contactId: string;

  /** For the how-manieth time the contact has come into the campaign. */
  @ApiProperty({ type: 'integer', minimum: 1 })
  entryNumber: number;

  /** When the contact got to the step. */
  occurredAt: Date;

  @ApiProperty({ enum: CALL_STATUSES, enumName: 'StepCallStatus' })
  status: CallStatus;

  /** Made or begun. */
  @ApiProperty({ type: 'integer' })
  attempts: number;

  @ApiProperty({ type: Date, nullable: true, description: 'The next attempt; null when none will follow.' })
  nextAttemptAt: Date | null;

  @ApiProperty({ type: Date, nullable: true })
  lastAttemptAt: Date | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Of the last answer; null if there was none.', example: 204 })
  statusCode: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'How long the last attempt took.' })
  durationMs: number | null;

  @ApiProperty({ type: String, nullable: true, description: 'Why there was no answer.', example: 'no answer within 10000 ms' })
  error: string | null;
}

export class ListStepCallsQuery extends PageQuery {
  @ApiPropertyOptional({ enum: CALL_STATUSES, enumName: 'StepCallStatus' })
  @IsOptional()
  @IsIn(CALL_STATUSES)
  status?: CallStatus;
}
