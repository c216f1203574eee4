import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import type { Rule } from '../domain/rule.js';

/** A named part of a tenant's contacts: by rule (dynamic, evaluated anew whenever it is used) or by list (static, see `SegmentMember`). */
@Entity('segments')
@Check('ck_segments_type', `type IN ('dynamic', 'static')`)
@Check('ck_segments_rules', `(type = 'dynamic') = (rules IS NOT NULL)`)
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_segments_tenant', onDelete: 'CASCADE' })
export class Segment {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_segments' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', primaryKeyConstraintName: 'pk_segments' })
  id: string;

  @Column('varchar', { name: 'name', length: 255 })
  name: string;

  @Column('varchar', { name: 'type', length: 20 })
  type: 'dynamic' | 'static';

  /** Null exactly for a static segment. */
  @Column('jsonb', { name: 'rules', nullable: true })
  rules: Rule | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;
}
