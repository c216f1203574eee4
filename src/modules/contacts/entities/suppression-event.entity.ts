import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { SuppressionReason } from '../domain/suppression.js';

/** Something that happened to an entry of the suppression list. Never changed; gone only with the erasure of a person. */
@Entity('suppression_events')
@Index('idx_suppression_events_email', ['tenantId', 'emailNorm', 'id'])
@Check('ck_suppression_events_action', `action IN ('added', 'changed', 'removed')`)
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_suppression_events_tenant', onDelete: 'CASCADE' })
export class SuppressionEvent {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_suppression_events' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', primaryKeyConstraintName: 'pk_suppression_events' })
  id: string;

  @Column('varchar', { name: 'email_norm', length: 320 })
  emailNorm: string;

  @Column('varchar', { name: 'action', length: 20 })
  action: 'added' | 'changed' | 'removed';

  /** The reason after the change, or the one that was taken away. */
  @Column('varchar', { name: 'reason', length: 50 })
  reason: SuppressionReason;

  @Column('varchar', { name: 'source', length: 50 })
  source: string;

  @Column('text', { name: 'detail', nullable: true })
  detail: string | null;

  @Column('varchar', { name: 'actor_type', length: 20 })
  actorType: 'user' | 'api_key' | 'system' | 'contact';

  @Column('uuid', { name: 'actor_id', nullable: true })
  actorId: string | null;

  @Column('timestamptz', { name: 'at' })
  at: Date;
}
