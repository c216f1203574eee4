import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** One contact on the list of a static segment. */
@Entity('segment_members')
@Index('idx_segment_members_contact', ['tenantId', 'contactId'])
@ForeignKey('Segment', ['tenantId', 'segmentId'], ['tenantId', 'id'], { name: 'fk_segment_members_segment', onDelete: 'CASCADE' })
@ForeignKey('Contact', ['tenantId', 'contactId'], ['tenantId', 'id'], { name: 'fk_segment_members_contact', onDelete: 'CASCADE' })
export class SegmentMember {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_segment_members' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'segment_id', primaryKeyConstraintName: 'pk_segment_members' })
  segmentId: string;

  @PrimaryColumn('uuid', { name: 'contact_id', primaryKeyConstraintName: 'pk_segment_members' })
  contactId: string;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}
