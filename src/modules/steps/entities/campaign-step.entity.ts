import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import type { WaitUntil } from '../../../shared/wait-until.js';
import type { AbTest } from '../domain/ab-test.js';
import type { SplitConfig } from '../domain/split.js';
import type { ActionConfig, StepContentFormat, StepType, WaitEvent, WaitUnit } from '../domain/step.js';

const PK = { primaryKeyConstraintName: 'pk_campaign_steps' };
const COUNTER = { default: 0 };
const EDGE_TARGET = ['tenantId', 'campaignId', 'version', 'id'] as const;
const DEFERRED = { deferrable: 'INITIALLY DEFERRED' } as const;

/** One step of a campaign's flow. Which columns are set depends on `stepType`; edges lead only to steps of the same campaign and version. */
@Entity('campaign_steps')
@Unique('uq_campaign_steps_order', ['tenantId', 'campaignId', 'version', 'stepOrder'], DEFERRED)
@Unique('uq_campaign_steps_campaign', ['tenantId', 'campaignId', 'id'])
@Unique('uq_campaign_steps_version', [...EDGE_TARGET])
@Index('idx_campaign_steps_lineage', ['tenantId', 'lineageId'])
@Check('ck_campaign_steps_order', 'step_order >= 1')
@Check('ck_campaign_steps_type', `step_type IN ('email', 'wait', 'condition', 'action', 'wait_for')`)
@Check('ck_campaign_steps_format', `content_format IN ('mjml', 'html')`)
@Check('ck_campaign_steps_wait_unit', `wait_duration_unit IN ('minutes', 'hours', 'days', 'weeks')`)
@Check('ck_campaign_steps_wait_value', 'wait_duration_value > 0')
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_campaign_steps_campaign', onDelete: 'CASCADE' })
@ForeignKey('Template', ['tenantId', 'templateId'], ['tenantId', 'id'], { name: 'fk_campaign_steps_template' })
@ForeignKey('CampaignStep', ['tenantId', 'campaignId', 'version', 'nextStepId'], [...EDGE_TARGET], {
  name: 'fk_campaign_steps_next',
  ...DEFERRED,
})
@ForeignKey('CampaignStep', ['tenantId', 'campaignId', 'version', 'trueNextStepId'], [...EDGE_TARGET], {
  name: 'fk_campaign_steps_true_next',
  ...DEFERRED,
})
@ForeignKey('CampaignStep', ['tenantId', 'campaignId', 'version', 'falseNextStepId'], [...EDGE_TARGET], {
  name: 'fk_campaign_steps_false_next',
  ...DEFERRED,
})
export class CampaignStep {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  @Column('uuid', { name: 'campaign_id' })
  campaignId: string;

  @Column('integer', { name: 'version', default: 1 })
  version: number;

  /** The id of the first step of its line; a trigger fills it in. Steps of one line are one step to those who have passed it. */
  @Column('uuid', { name: 'lineage_id' })
  lineageId: string;

  @Column('integer', { name: 'step_order' })
  stepOrder: number;

  @Column('varchar', { name: 'step_name', length: 255, nullable: true })
  stepName: string | null;

  @Column('varchar', { name: 'step_type', length: 50 })
  stepType: StepType;

  @Column('uuid', { name: 'template_id', nullable: true })
  templateId: string | null;

  /** Pinned at launch, so that a later version of the template changes nothing in flight. */
  @Column('integer', { name: 'template_version', nullable: true })
  templateVersion: number | null;

  @Column('text', { name: 'subject_line', nullable: true })
  subjectLine: string | null;

  @Column('text', { name: 'email_content', nullable: true })
  emailContent: string | null;

  @Column('varchar', { name: 'content_format', length: 10, nullable: true })
  contentFormat: StepContentFormat | null;

  @Column('integer', { name: 'wait_duration_value', nullable: true })
  waitDurationValue: number | null;

  @Column('varchar', { name: 'wait_duration_unit', length: 20, nullable: true })
  waitDurationUnit: WaitUnit | null;

  @Column('jsonb', { name: 'wait_until', nullable: true })
  waitUntil: WaitUntil | null;

  /** Of a condition with more than two ways; its edges are checked when it is saved. */
  @Column('jsonb', { name: 'split_config', nullable: true })
  splitConfig: SplitConfig | null;

  /** What a step of type `wait_for` waits for, where that is an event. */
  @Column('jsonb', { name: 'wait_event', nullable: true })
  waitEvent: WaitEvent | null;

  @Column('jsonb', { name: 'condition_rules', nullable: true })
  conditionRules: unknown;

  @Column('uuid', { name: 'true_next_step_id', nullable: true })
  trueNextStepId: string | null;

  @Column('uuid', { name: 'false_next_step_id', nullable: true })
  falseNextStepId: string | null;

  /** Overrides "the next in order". */
  @Column('uuid', { name: 'next_step_id', nullable: true })
  nextStepId: string | null;

  @Column('boolean', { name: 'is_end', default: false })
  isEnd: boolean;

  @Column('jsonb', { name: 'action_config', nullable: true })
  actionConfig: ActionConfig | null;

  /** How the winner among the variants is found; null splits everybody by weight. */
  @Column('jsonb', { name: 'ab_test', nullable: true })
  abTest: AbTest | null;

  /** Frozen at launch: compiled content and the ids of its links. */
  @Column('jsonb', { name: 'compiled_content', nullable: true })
  compiledContent: unknown;

  @Column('integer', { name: 'emails_sent', ...COUNTER })
  emailsSent: number;

  @Column('integer', { name: 'emails_delivered', ...COUNTER })
  emailsDelivered: number;

  @Column('integer', { name: 'opens', ...COUNTER })
  opens: number;

  @Column('integer', { name: 'clicks', ...COUNTER })
  clicks: number;

  @Column('integer', { name: 'replies', ...COUNTER })
  replies: number;

  @Column('integer', { name: 'unsubscribes', ...COUNTER })
  unsubscribes: number;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;
}
