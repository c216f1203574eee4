import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

const PK = { primaryKeyConstraintName: 'pk_step_calls' };

/** Whether the receiver has it: not yet, yes, never, or not any more because the campaign was cancelled or the contact erased. */
export const CALL_STATUSES = ['pending', 'delivered', 'failed', 'cancelled'] as const;
export type CallStatus = (typeof CALL_STATUSES)[number];

/**
 * One call of an action "webhook": once per enrolment, step and entry, as messages are in `emails`. Where it goes stands in the step, whom it is about in the
 * contact, and both are read when it is sent: nothing personal is kept here.
 */
@Entity('step_calls')
@Unique('uq_step_calls_entry', ['tenantId', 'enrollmentId', 'stepId', 'entryNumber'])
@Index('idx_step_calls_due', ['tenantId', 'campaignId', 'stepId', 'dueAt', 'id'], { where: `status = 'pending'` })
@Index('idx_step_calls_log', ['tenantId', 'campaignId', 'stepId', 'id'])
@Check('ck_step_calls_status', `status IN ('pending', 'delivered', 'failed', 'cancelled')`)
@Check('ck_step_calls_error', `status NOT IN ('failed', 'cancelled') OR error IS NOT NULL OR status_code IS NOT NULL`)
@ForeignKey('CampaignContact', ['tenantId', 'enrollmentId'], ['tenantId', 'id'], { name: 'fk_step_calls_enrollment', onDelete: 'CASCADE' })
@ForeignKey('CampaignStep', ['tenantId', 'campaignId', 'stepId'], ['tenantId', 'campaignId', 'id'], { name: 'fk_step_calls_step' })
export class StepCall {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  /** The `Idempotency-Key` of every attempt, and with `msg_` before it the `webhook-id`. */
  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  @Column('uuid', { name: 'campaign_id' })
  campaignId: string;

  @Column('uuid', { name: 'step_id' })
  stepId: string;

  @Column('uuid', { name: 'enrollment_id' })
  enrollmentId: string;

  @Column('integer', { name: 'entry_number' })
  entryNumber: number;

  /** When the contact got to the step. */
  @Column('timestamptz', { name: 'occurred_at' })
  occurredAt: Date;

  @Column('varchar', { name: 'status', length: 20, default: 'pending' })
  status: CallStatus;

  @Column('smallint', { name: 'attempts', default: 0 })
  attempts: number;

  @Column('timestamptz', { name: 'due_at' })
  dueAt: Date;

  @Column('uuid', { name: 'lease_token', nullable: true })
  leaseToken: string | null;

  @Column('timestamptz', { name: 'lease_expires_at', nullable: true })
  leaseExpiresAt: Date | null;

  @Column('timestamptz', { name: 'last_attempt_at', nullable: true })
  lastAttemptAt: Date | null;

  /** Of the last answer; null if there was none. */
  @Column('smallint', { name: 'status_code', nullable: true })
  statusCode: number | null;

  @Column('integer', { name: 'duration_ms', nullable: true })
  durationMs: number | null;

  @Column('varchar', { name: 'error', length: 300, nullable: true })
  error: string | null;
}
