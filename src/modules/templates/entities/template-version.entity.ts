import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import type { ContentFormat } from '../domain/compiled-content.js';

/** What a template says, from one change to the next. Never altered once written. */
@Entity('template_versions')
@Check('ck_template_versions_format', `content_format IN ('mjml', 'html')`)
@ForeignKey('Template', ['tenantId', 'templateId'], ['tenantId', 'id'], {
  name: 'fk_template_versions_template',
  onDelete: 'CASCADE',
})
export class TemplateVersion {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_template_versions' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'template_id', primaryKeyConstraintName: 'pk_template_versions' })
  templateId: string;

  /** Counts from 1. */
  @PrimaryColumn('integer', { name: 'version', primaryKeyConstraintName: 'pk_template_versions' })
  version: number;

  @Column('text', { name: 'subject_line', nullable: true })
  subjectLine: string | null;

  @Column('text', { name: 'content' })
  content: string;

  @Column('varchar', { name: 'content_format', length: 10 })
  contentFormat: ContentFormat;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}
