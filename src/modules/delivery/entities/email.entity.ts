import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import type { LedgerStatus } from '../domain/ledger-state.js';

/**
 * The ledger: one row per intended email, unique per (enrolment, step, entry), so that nobody gets one step twice. `lease*` belong to the worker
 * that holds the row; every change of a row in flight is conditional on that token.
 */
@Entity('emails')
@Unique('uq_emails_entry', ['tenantId', 'enrollmentId', 'stepId', 'entryNumber'])
@Index('idx_emails_queued', ['tenantId', 'campaignId', 'dueAt', 'id'], { where: `status = 'queued'` })
@Index('idx_emails_sending', ['tenantId', 'campaignId'], { where: `status = 'sending'` })
@Index('idx_emails_unknown', ['tenantId', 'campaignId'], { where: `status = 'unknown' AND settled_at IS NULL` })
@Index('idx_emails_failed', ['tenantId', 'campaignId'], { where: `status = 'failed'` })
@Index('idx_emails_sent', ['tenantId', 'campaignId', 'sentAt'], { where: 'sent_at IS NOT NULL' })
@Index('idx_emails_variant', ['tenantId', 'variantId', 'createdAt'], { where: 'variant_id IS NOT NULL' })
@Index('idx_emails_unsent', ['tenantId', 'settledAt'], { where: `status IN ('failed', 'skipped')` })
@Check(
  'ck_emails_status',
  `status IN ('queued', 'sending', 'sent', 'delivered', 'bounced', 'dropped', 'failed', 'unknown', 'skipped', 'cancelled')`,
)
@Check('ck_emails_reason', `status NOT IN ('bounced', 'dropped', 'failed', 'unknown', 'skipped', 'cancelled') OR reason IS NOT NULL`)
@Check('ck_emails_sent', `status NOT IN ('sent', 'delivered') OR sent_at IS NOT NULL`)
@Check('ck_emails_sending', `status <> 'sending' OR (lease_token IS NOT NULL AND lease_expires_at IS NOT NULL)`)
@ForeignKey('CampaignContact', ['tenantId', 'enrollmentId'], ['tenantId', 'id'], { name: 'fk_emails_enrollment', onDelete: 'CASCADE' })
@ForeignKey('CampaignStep', ['tenantId', 'campaignId', 'stepId'], ['tenantId', 'campaignId', 'id'], { name: 'fk_emails_step' })
export class Email {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_emails' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', primaryKeyConstraintName: 'pk_emails' })
  id: string;

  @Column('uuid', { name: 'campaign_id' })
  campaignId: string;

  @Column('uuid', { name: 'step_id' })
  stepId: string;

  @Column('uuid', { name: 'contact_id' })
  contactId: string;

  @Column('uuid', { name: 'enrollment_id' })
  enrollmentId: string;

  @Column('uuid', { name: 'variant_id', nullable: true })
  variantId: string | null;

  /** Which time round: the enrolment's entry number when the step was reached. */
  @Column('integer', { name: 'entry_number', default: 1 })
  entryNumber: number;

  /** How often it was on its way to the provider; throttling by the provider does not count. */
  @Column('smallint', { name: 'attempts', default: 0 })
  attempts: number;

  @Column('varchar', { name: 'status', length: 20, default: 'queued' })
  status: LedgerStatus;

  /** Why it is in this state, as a stable name. */
  @Column('varchar', { name: 'reason', length: 100, nullable: true })
  reason: string | null;

  /** The same for people, in the provider's words where there are any. */
  @Column('text', { name: 'detail', nullable: true })
  detail: string | null;

  @Column('timestamptz', { name: 'due_at' })
  dueAt: Date;

  @Column('uuid', { name: 'lease_token', nullable: true })
  leaseToken: string | null;

  /** By the database's clock, because it compares processes. */
  @Column('timestamptz', { name: 'lease_expires_at', nullable: true })
  leaseExpiresAt: Date | null;

  /** The address it went to; the contact's may have changed since. */
  @Column('varchar', { name: 'to_email', length: 320, nullable: true })
  toEmail: string | null;

  @Column('varchar', { name: 'provider', length: 20, nullable: true })
  provider: string | null;

  @Column('varchar', { name: 'provider_message_id', length: 255, nullable: true })
  providerMessageId: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  /** When the last attempt began. */
  @Column('timestamptz', { name: 'sending_at', nullable: true })
  sendingAt: Date | null;

  /** When the provider accepted it. */
  /** The first hand-over tried: the age that ends retries counts from here, not from a plan that had to wait for its turn. */
  @Column('timestamptz', { name: 'first_fired_at', nullable: true })
  firstFiredAt: Date | null;

  @Column('timestamptz', { name: 'sent_at', nullable: true })
  sentAt: Date | null;

  /** When the contact was moved on: nothing waits for this row any more. */
  @Column('timestamptz', { name: 'settled_at', nullable: true })
  settledAt: Date | null;

  @Column('timestamptz', { name: 'delivered_at', nullable: true })
  deliveredAt: Date | null;

  @Column('timestamptz', { name: 'bounced_at', nullable: true })
  bouncedAt: Date | null;

  @Column('timestamptz', { name: 'complained_at', nullable: true })
  complainedAt: Date | null;

  @Column('timestamptz', { name: 'unsubscribed_at', nullable: true })
  unsubscribedAt: Date | null;

  @Column('timestamptz', { name: 'first_opened_at', nullable: true })
  firstOpenedAt: Date | null;

  @Column('timestamptz', { name: 'first_human_opened_at', nullable: true })
  firstHumanOpenedAt: Date | null;

  @Column('timestamptz', { name: 'first_clicked_at', nullable: true })
  firstClickedAt: Date | null;

  @Column('timestamptz', { name: 'first_human_clicked_at', nullable: true })
  firstHumanClickedAt: Date | null;

  @Column('timestamptz', { name: 'replied_at', nullable: true })
  repliedAt: Date | null;
}
