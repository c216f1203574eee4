import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';
import type { SenderDomainStatus, SenderRecords } from '../domain/sender-domain.js';

const PK = { primaryKeyConstraintName: 'pk_sender_domains' };

/** A domain in whose name a tenant sends, and what the name servers said about it when they were last asked. */
@Entity('sender_domains')
@Unique('uq_sender_domains_domain', ['tenantId', 'domain'])
@Check('ck_sender_domains_status', `status IN ('unchecked', 'verified', 'unverified')`)
@Check('ck_sender_domains_checked', `(status = 'unchecked') = (checked_at IS NULL) AND (checked_at IS NULL) = (records IS NULL)`)
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_sender_domains_tenant', onDelete: 'CASCADE' })
export class SenderDomain {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  /** As DNS has it: ASCII, lower case. */
  @Column('varchar', { name: 'domain', length: 253 })
  domain: string;

  @Column('varchar', { name: 'dkim_selectors', length: 63, array: true })
  dkimSelectors: string[];

  @Column('varchar', { name: 'spf_include', length: 253, nullable: true })
  spfInclude: string | null;

  @Column('varchar', { name: 'status', length: 20, default: 'unchecked' })
  status: SenderDomainStatus;

  @Column('timestamptz', { name: 'checked_at', nullable: true })
  checkedAt: Date | null;

  @Column('jsonb', { name: 'records', nullable: true })
  records: SenderRecords | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}
