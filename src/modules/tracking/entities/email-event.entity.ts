import { Check, Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

export type EmailEventType =
  | 'processed'
  | 'deferred'
  | 'delivered'
  | 'bounced'
  | 'dropped'
  | 'opened'
  | 'clicked'
  | 'complained'
  | 'unsubscribed'
  | 'resubscribed'
  | 'replied'
  /** An out-of-office note or the like: kept for people to see, counts as nothing. */
  | 'auto_replied'
  /** The unsubscribe page was opened, which changes nothing: kept because scanners open it along with all other links. */
  | 'unsubscribe_viewed';

export type BounceClass = 'hard' | 'soft' | 'block';

/**
 * A fact about a message that came back: append-only, deduplicated by `dedupeKey`, partitioned by month of `occurredAt`. Rows are only ever
 * marked as applied (`appliedAt`, with the campaign and the final judgement on `isMachine`).
 */
@Entity('email_events')
@Unique('uq_email_events_dedupe', ['tenantId', 'dedupeKey', 'occurredAt'])
@Index('idx_email_events_unapplied', ['receivedAt', 'tenantId', 'id'], { where: 'applied_at IS NULL' })
@Index('idx_email_events_email', ['tenantId', 'emailId'])
@Index('idx_email_events_campaign', ['tenantId', 'campaignId', 'occurredAt'])
@Index('idx_email_events_provider', ['tenantId', 'providerEventId'], { where: 'provider_event_id IS NOT NULL' })
@Index('idx_email_events_applied', ['appliedAt'], { where: 'applied_at IS NOT NULL' })
@Index('idx_email_events_clicked', ['tenantId', 'campaignId', 'linkId', 'emailId', 'isMachine'], { where: `type = 'clicked'` })
@Check(
  'ck_email_events_type',
  `type IN ('processed', 'deferred', 'delivered', 'bounced', 'dropped', 'opened', 'clicked', 'complained', 'unsubscribed', 'resubscribed', 'replied', 'auto_replied', 'unsubscribe_viewed')`,
)
@Check('ck_email_events_bounce_class', `bounce_class IN ('hard', 'soft', 'block')`)
export class EmailEvent {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_email_events' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', primaryKeyConstraintName: 'pk_email_events' })
  id: string;

  /** When it happened, by the clock of whoever saw it (the provider's, for its events). */
  @PrimaryColumn('timestamptz', { name: 'occurred_at', primaryKeyConstraintName: 'pk_email_events' })
  occurredAt: Date;

  @Column('timestamptz', { name: 'received_at', default: () => 'now()' })
  receivedAt: Date;

  /** No foreign key: an event may arrive before its row is visible, or for one that never existed. Such events wait, unapplied, for two days. */
  @Column('uuid', { name: 'email_id' })
  emailId: string;

  /** Known once the event is applied. */
  @Column('uuid', { name: 'campaign_id', nullable: true })
  campaignId: string | null;

  @Column('varchar', { name: 'type', length: 30 })
  type: EmailEventType;

  /** `pixel`, `link`, `page`, `one_click`, or the provider's name. */
  @Column('varchar', { name: 'source', length: 20 })
  source: string;

  @Column('varchar', { name: 'dedupe_key', length: 255 })
  dedupeKey: string;

  @Column('boolean', { name: 'is_machine', default: false })
  isMachine: boolean;

  @Column('varchar', { name: 'machine_reason', length: 50, nullable: true })
  machineReason: string | null;

  @Column('varchar', { name: 'bounce_class', length: 10, nullable: true })
  bounceClass: BounceClass | null;

  @Column('varchar', { name: 'link_id', length: 22, nullable: true })
  linkId: string | null;

  @Column('text', { name: 'url', nullable: true })
  url: string | null;

  @Column('text', { name: 'user_agent', nullable: true })
  userAgent: string | null;

  @Column('text', { name: 'detail', nullable: true })
  detail: string | null;

  @Column('varchar', { name: 'provider_event_id', length: 255, nullable: true })
  providerEventId: string | null;

  @Column('timestamptz', { name: 'applied_at', nullable: true })
  appliedAt: Date | null;
}
