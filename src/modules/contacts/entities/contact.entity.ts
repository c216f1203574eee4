import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';
import type { Attributes } from '../domain/attributes.js';

/**
 * A person of a tenant's audience. Addresses are unique per tenant without regard to case (`email_norm`). An erased person keeps the row
 * (`deletedAt`), so that enrolments, the ledger and counters stay whole, but nothing personal on it.
 */
@Entity('contacts')
@Unique('uq_contacts_email', ['tenantId', 'emailNorm'])
@Check('ck_contacts_email_norm', 'email_norm = lower(email)')
@Check('ck_contacts_attributes', `jsonb_typeof(attributes) = 'object'`)
@Check('ck_contacts_unsubscribed', 'subscribed = (unsubscribed_at IS NULL)')
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_contacts_tenant', onDelete: 'CASCADE' })
export class Contact {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_contacts' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', primaryKeyConstraintName: 'pk_contacts' })
  id: string;

  /** As the person wrote it; mail goes here. */
  @Column('varchar', { name: 'email', length: 320 })
  email: string;

  @Column('varchar', { name: 'email_norm', length: 320 })
  emailNorm: string;

  @Column('varchar', { name: 'first_name', length: 255, nullable: true })
  firstName: string | null;

  @Column('varchar', { name: 'last_name', length: 255, nullable: true })
  lastName: string | null;

  /** IANA name; null means the campaign's zone, then the tenant's. */
  @Column('varchar', { name: 'timezone', length: 100, nullable: true })
  timezone: string | null;

  @Column('integer', { name: 'lead_score', default: 0 })
  leadScore: number;

  @Column('jsonb', { name: 'attributes', default: {} })
  attributes: Attributes;

  /** Consent. A suppressed address gets no mail either, whatever stands here. */
  @Column('boolean', { name: 'subscribed', default: true })
  subscribed: boolean;

  @Column('timestamptz', { name: 'unsubscribed_at', nullable: true })
  unsubscribedAt: Date | null;

  @Column('varchar', { name: 'unsubscribe_reason', length: 255, nullable: true })
  unsubscribeReason: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;

  /** Set when the person was erased. */
  @Column('timestamptz', { name: 'deleted_at', nullable: true })
  deletedAt: Date | null;
}
