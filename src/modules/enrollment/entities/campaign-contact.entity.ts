import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import type { EnrollmentStatus } from '../enrollment.types.js';

/** An enrolment: one contact in one campaign (specification lines 98–122). Its due time is the only timer the engine knows. */
@Entity('campaign_contacts')
@Unique('uq_campaign_contacts_contact', ['tenantId', 'campaignId', 'contactId'])
@Index('idx_campaign_contacts_contact', ['tenantId', 'contactId'])
@Index('idx_campaign_contacts_next_scheduled', ['tenantId', 'campaignId', 'nextEmailScheduledAt', 'id'], {
  where: `(((status)::text = ANY ((ARRAY['enrolled'::character varying, 'active'::character varying])::text[])) AND (next_email_scheduled_at IS NOT NULL))`,
})
@Index('idx_campaign_contacts_status', ['tenantId', 'campaignId', 'status'], {
  where: `((status)::text = ANY ((ARRAY['enrolled'::character varying, 'active'::character varying, 'paused'::character varying])::text[]))`,
})
@Check('ck_campaign_contacts_status', `status IN ('enrolled', 'active', 'paused', 'completed', 'exited', 'failed')`)
@Check('ck_campaign_contacts_completed', `(status = 'completed') = (completed_at IS NOT NULL)`)
@Check('ck_campaign_contacts_exited', `(status = 'exited') = (exited_at IS NOT NULL AND exit_reason IS NOT NULL)`)
@Check('ck_campaign_contacts_terminal', `status NOT IN ('completed', 'exited', 'failed') OR next_email_scheduled_at IS NULL`)
@Check('ck_campaign_contacts_failed', `status <> 'failed' OR last_error IS NOT NULL`)
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_campaign_contacts_campaign', onDelete: 'CASCADE' })
@ForeignKey('Contact', ['tenantId', 'contactId'], ['tenantId', 'id'], { name: 'fk_campaign_contacts_contact' })
@ForeignKey('CampaignStep', ['tenantId', 'campaignId', 'currentStepId'], ['tenantId', 'campaignId', 'id'], {
  name: 'fk_campaign_contacts_step',
})
export class CampaignContact {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_campaign_contacts' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', primaryKeyConstraintName: 'pk_campaign_contacts', default: () => 'uuidv7()' })
  id: string;

  @Column('uuid', { name: 'campaign_id' })
  campaignId: string;

  @Column('uuid', { name: 'contact_id' })
  contactId: string;

  @Column('varchar', { name: 'status', length: 50, default: 'enrolled' })
  status: EnrollmentStatus;

  @Column('uuid', { name: 'current_step_id', nullable: true })
  currentStepId: string | null;

  /** Counts re-entries; the ledger is unique per (enrolment, step, entry). */
  @Column('integer', { name: 'entry_number', default: 1 })
  entryNumber: number;

  /** How many actions "enroll" in a row have led here; bounds loops between campaigns. */
  @Column('smallint', { name: 'entry_depth', default: 0 })
  entryDepth: number;

  @Column('integer', { name: 'steps_completed', default: 0 })
  stepsCompleted: number;

  /** Failed attempts to advance from the current step; reset by success. */
  @Column('smallint', { name: 'attempts', default: 0 })
  attempts: number;

  @Column('timestamptz', { name: 'enrolled_at', default: () => 'now()' })
  enrolledAt: Date;

  @Column('timestamptz', { name: 'started_at', nullable: true })
  startedAt: Date | null;

  @Column('timestamptz', { name: 'completed_at', nullable: true })
  completedAt: Date | null;

  @Column('timestamptz', { name: 'exited_at', nullable: true })
  exitedAt: Date | null;

  /** Set while the contact is inside its current step: a wait that has begun, a message that is under way. */
  @Column('timestamptz', { name: 'step_entered_at', nullable: true })
  stepEnteredAt: Date | null;

  /** When the provider accepted the last message. */
  @Column('timestamptz', { name: 'last_email_sent_at', nullable: true })
  lastEmailSentAt: Date | null;

  /** When the engine looks at this contact next; null while the ledger has the word, and once the enrolment has ended. */
  @Column('timestamptz', { name: 'next_email_scheduled_at', nullable: true })
  nextEmailScheduledAt: Date | null;

  @Column('varchar', { name: 'exit_reason', length: 255, nullable: true })
  exitReason: string | null;

  @Column('text', { name: 'last_error', nullable: true })
  lastError: string | null;

  /** What was decided about it, in order: see `shared/trace.ts`. */
  @Column('text', { name: 'trace', default: '' })
  trace: string;
}
