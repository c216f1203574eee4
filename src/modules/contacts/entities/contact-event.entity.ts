import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

/** Something a contact did outside this product (`order_placed`), told by the host. Starts campaigns and feeds conditions. */
@Entity('contact_events')
@Unique('uq_contact_events_external', ['tenantId', 'externalId'])
@Index('idx_contact_events_contact', ['tenantId', 'contactId', 'name', 'occurredAt'])
@Index('idx_contact_events_unapplied', ['tenantId', 'id'], { where: 'applied_at IS NULL' })
@ForeignKey('Contact', ['tenantId', 'contactId'], ['tenantId', 'id'], { name: 'fk_contact_events_contact', onDelete: 'CASCADE' })
export class ContactEvent {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_contact_events' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', primaryKeyConstraintName: 'pk_contact_events' })
  id: string;

  @Column('uuid', { name: 'contact_id' })
  contactId: string;

  @Column('varchar', { name: 'name', length: 100 })
  name: string;

  @Column('jsonb', { name: 'properties', default: {} })
  properties: Record<string, unknown>;

  /** The host's own id of the event: the same one twice is one event. */
  @Column('varchar', { name: 'external_id', length: 255, nullable: true })
  externalId: string | null;

  @Column('timestamptz', { name: 'occurred_at' })
  occurredAt: Date;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  /** When campaigns were told; null until then. */
  @Column('timestamptz', { name: 'applied_at', nullable: true })
  appliedAt: Date | null;
}
