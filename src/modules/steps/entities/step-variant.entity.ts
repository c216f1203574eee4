import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';
import type { StepContentFormat } from '../domain/step.js';

const PK = { primaryKeyConstraintName: 'pk_step_variants' };

/** One variant of an email step under test. What is null is taken from the step. */
@Entity('step_variants')
@Unique('uq_step_variants_name', ['tenantId', 'stepId', 'name'])
@Check('ck_step_variants_weight', 'weight BETWEEN 0 AND 10000')
@Check('ck_step_variants_format', `content_format IN ('mjml', 'html')`)
@ForeignKey('CampaignStep', ['tenantId', 'stepId'], ['tenantId', 'id'], { name: 'fk_step_variants_step', onDelete: 'CASCADE' })
@ForeignKey('Template', ['tenantId', 'templateId'], ['tenantId', 'id'], { name: 'fk_step_variants_template' })
export class StepVariant {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  @Column('uuid', { name: 'step_id' })
  stepId: string;

  /** As for steps: variants of one line are counted together, because the test went on with them unchanged. */
  @Column('uuid', { name: 'lineage_id' })
  lineageId: string;

  @Column('varchar', { name: 'name', length: 100 })
  name: string;

  /** From 1; the first is the control. */
  @Column('smallint', { name: 'position', default: 1 })
  position: number;

  /** Its share of the contacts is this in the sum of all weights of the step. */
  @Column('integer', { name: 'weight' })
  weight: number;

  @Column('text', { name: 'subject_line', nullable: true })
  subjectLine: string | null;

  @Column('uuid', { name: 'template_id', nullable: true })
  templateId: string | null;

  /** Pinned at launch. */
  @Column('integer', { name: 'template_version', nullable: true })
  templateVersion: number | null;

  @Column('text', { name: 'email_content', nullable: true })
  emailContent: string | null;

  @Column('varchar', { name: 'content_format', length: 10, nullable: true })
  contentFormat: StepContentFormat | null;

  @Column('varchar', { name: 'from_name', length: 255, nullable: true })
  fromName: string | null;

  @Column('varchar', { name: 'from_email', length: 255, nullable: true })
  fromEmail: string | null;

  @Column('jsonb', { name: 'compiled_content', nullable: true })
  compiledContent: unknown;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}
