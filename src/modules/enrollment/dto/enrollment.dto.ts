import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsIn, IsOptional, IsUUID } from 'class-validator';
import { PageQuery } from '../../../http/index.js';
import { ENROLLMENT_STATUSES, type EnrollmentStatus } from '../enrollment.types.js';

export class EnrollmentDto {
  /** Id of the enrolment. */
  @ApiProperty({ format: 'uuid' })
  id: string;
  @ApiProperty({ format: 'uuid' })
  campaignId: string;
  @ApiProperty({ format: 'uuid' })
  contactId: string;
  /** Address of the contact. @example "ada@example.com" */
  @ApiProperty({ format: 'email' })
  email: string;
  /** `enrolled` waits for its first step, `active` is under way, `paused` is held on purpose; the others are final. */
  status: EnrollmentStatus;
  /** The step the contact is on, or the last one it was on. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  currentStepId: string | null;
  /** Counts re-entries into the campaign, from 1. */
  @ApiProperty({ type: 'integer' })
  entryNumber: number;
  @ApiProperty({ type: 'integer' })
  stepsCompleted: number;
  enrolledAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;
  exitedAt: Date | null;
  /** Why the contact left before the end. @example "unsubscribed" */
  exitReason: string | null;
  /** The last failure to advance this contact, if any. */
  lastError: string | null;
  /** When the provider accepted the last message. */
  lastEmailSentAt: Date | null;
  /** When the engine looks at this contact next; null while a message is under way and once the enrolment has ended. */
  nextEmailScheduledAt: Date | null;
}

export class EnrollmentListQuery extends PageQuery {
  /** Only enrolments in this state. */
  @IsOptional()
  @IsIn(ENROLLMENT_STATUSES)
  status?: EnrollmentStatus;

  /** Only contacts on this step. */
  @IsOptional()
  @IsUUID()
  stepId?: string;
}

export class EnrollContactsDto {
  /** Contacts to enrol, at most 1,000. @example ["0193a7c4-7b1e-7cc3-98c4-dc0c0c07398f"] */
  @ArrayMinSize(1)
  @ArrayMaxSize(1_000)
  @ArrayUnique()
  @IsUUID(undefined, { each: true })
  contactIds: string[];
}

export class EnrollContactsResultDto {
  /** Contacts that were new to the campaign. @example 1 */
  @ApiProperty({ type: 'integer' })
  enrolled: number;
  /** Contacts passed over: already enrolled, unsubscribed or suppressed. @example 0 */
  @ApiProperty({ type: 'integer' })
  skipped: number;
}
