import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A word on a contact. Tags are compared exactly, with case. */
@Entity('contact_tags')
@Index('idx_contact_tags_tag', ['tenantId', 'tag', 'contactId'])
@Check('ck_contact_tags_tag', `btrim(tag) <> ''`)
@ForeignKey('Contact', ['tenantId', 'contactId'], ['tenantId', 'id'], { name: 'fk_contact_tags_contact', onDelete: 'CASCADE' })
export class ContactTag {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_contact_tags' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'contact_id', primaryKeyConstraintName: 'pk_contact_tags' })
  contactId: string;

  @PrimaryColumn('varchar', { name: 'tag', length: 100, primaryKeyConstraintName: 'pk_contact_tags' })
  tag: string;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}
