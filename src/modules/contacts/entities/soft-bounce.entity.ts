import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** When an address has bounced softly since something was last delivered to it. Most addresses have no row. */
@Entity('soft_bounces')
@Check('ck_soft_bounces_bounced_at', 'cardinality(bounced_at) > 0')
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_soft_bounces_tenant', onDelete: 'CASCADE' })
export class SoftBounce {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_soft_bounces' })
  tenantId: string;

  @PrimaryColumn('varchar', { name: 'email_norm', length: 320, primaryKeyConstraintName: 'pk_soft_bounces' })
  emailNorm: string;

  /** The latest first; no more than any tenant's limit can ask for. */
  @Column('timestamptz', { name: 'bounced_at', array: true })
  bouncedAt: Date[];
}
