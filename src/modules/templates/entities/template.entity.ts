import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** Content to be used by steps of many campaigns. What it says stands in its versions. */
@Entity('templates')
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_templates_tenant', onDelete: 'CASCADE' })
export class Template {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_templates' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', primaryKeyConstraintName: 'pk_templates' })
  id: string;

  @Column('varchar', { name: 'name', length: 255 })
  name: string;

  /** The version that new campaigns take; a launched campaign keeps the one it froze. */
  @Column('integer', { name: 'current_version', default: 1 })
  currentVersion: number;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;

  /** Set when it was deleted: campaigns that used it keep their reference. */
  @Column('timestamptz', { name: 'archived_at', nullable: true })
  archivedAt: Date | null;
}
