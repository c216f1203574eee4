import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

import type { SuppressionReason } from '../domain/suppression.js';

/** An address of this tenant that gets no mail, whether or not a contact has it. Keyed by address, so that it outlives the contact. */
@Entity('suppressions')
@Index('idx_suppressions_reason', ['tenantId', 'reason', 'emailNorm'])
@Check('ck_suppressions_email_norm', 'email_norm = lower(email_norm)')
@Check('ck_suppressions_reason', `reason IN ('hard_bounce', 'soft_bounces', 'complaint', 'unsubscribed', 'manual', 'erased')`)
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_suppressions_tenant', onDelete: 'CASCADE' })
export class Suppression {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_suppressions' })
  tenantId: string;

  @PrimaryColumn('varchar', { name: 'email_norm', length: 320, primaryKeyConstraintName: 'pk_suppressions' })
  emailNorm: string;

  @Column('varchar', { name: 'reason', length: 50 })
  reason: SuppressionReason;

  /** Who said so: `page`, `one_click`, `api`, `import`, `provider`, `erasure`. */
  @Column('varchar', { name: 'source', length: 50 })
  source: string;

  @Column('text', { name: 'detail', nullable: true })
  detail: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}
