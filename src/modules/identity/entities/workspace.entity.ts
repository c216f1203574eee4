import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';
import { Tenant } from './tenant.entity.js';

/** A part of a tenant that keeps its campaigns apart from those of other parts. */
@Entity('workspaces')
@Unique('uq_workspaces_name', ['tenantId', 'name'])
export class Workspace {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_workspaces' })
  @ForeignKey(() => Tenant, { name: 'fk_workspaces_tenant', onDelete: 'CASCADE' })
  tenantId: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_workspaces', default: () => 'uuidv7()' })
  id: string;

  @Column('varchar', { length: 255 })
  name: string;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;
}
