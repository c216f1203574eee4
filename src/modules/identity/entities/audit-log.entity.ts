import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Tenant } from './tenant.entity.js';

/** Who did what, and what it changed. Append-only. */
@Entity('audit_log')
@Check('ck_audit_log_actor_type', `actor_type IN ('user', 'api_key', 'system', 'contact')`)
@Index('idx_audit_log_entity', ['tenantId', 'entityType', 'entityId', 'id'])
@Index('idx_audit_log_actor', ['tenantId', 'actorId', 'id'], { where: 'actor_id IS NOT NULL' })
export class AuditLog {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_audit_log' })
  @ForeignKey(() => Tenant, { name: 'fk_audit_log_tenant', onDelete: 'CASCADE' })
  tenantId: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_audit_log', default: () => 'uuidv7()' })
  id: string;

  @Column('timestamptz', { default: () => 'now()' })
  at: Date;

  @Column('varchar', { name: 'actor_type', length: 20 })
  actorType: 'user' | 'api_key' | 'system' | 'contact';

  @Column('uuid', { name: 'actor_id', nullable: true })
  actorId: string | null;

  @Column('varchar', { length: 100 })
  action: string;

  @Column('varchar', { name: 'entity_type', length: 50 })
  entityType: string;

  @Column('uuid', { name: 'entity_id', nullable: true })
  entityId: string | null;

  @Column('jsonb', { nullable: true })
  before: unknown;

  @Column('jsonb', { nullable: true })
  after: unknown;

  /** From where; null for what the system did by itself. */
  @Column('varchar', { length: 45, nullable: true })
  ip: string | null;

  @Column('varchar', { name: 'user_agent', length: 300, nullable: true })
  userAgent: string | null;
}
