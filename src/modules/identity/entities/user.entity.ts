import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';
import type { Role } from '../domain/permissions.js';
import { Tenant } from './tenant.entity.js';

/** A person who works in a tenant. */
@Entity('users')
@Unique('uq_users_email', ['tenantId', 'email'])
@Check('ck_users_email', 'email = lower(email)')
@Check('ck_users_role', `role IN ('owner', 'admin', 'campaign_manager', 'compliance_officer', 'analyst', 'viewer')`)
export class User {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_users' })
  @ForeignKey(() => Tenant, { name: 'fk_users_tenant', onDelete: 'CASCADE' })
  tenantId: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_users', default: () => 'uuidv7()' })
  id: string;

  @Column('varchar', { length: 320 })
  email: string;

  @Column('varchar', { length: 255 })
  name: string;

  @Column('varchar', { length: 50, default: 'viewer' })
  role: Role;

  /** Set: may not work here any more; their keys are refused. */
  @Column('timestamptz', { name: 'disabled_at', nullable: true })
  disabledAt: Date | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;
}
