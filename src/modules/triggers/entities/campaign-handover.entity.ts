import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

export const HANDOVER_OUTCOMES = ['enrolled', 'already_inside', 'may_not_enter', 'not_mailable', 'not_open', 'too_many_hops'] as const;
export type HandoverOutcome = (typeof HANDOVER_OUTCOMES)[number];

/** What came of an action "enroll" for one contact: once per enrolment, step and entry. */
@Entity('campaign_handovers')
@Check(
  'ck_campaign_handovers_outcome',
  `outcome IN ('enrolled', 'already_inside', 'may_not_enter', 'not_mailable', 'not_open', 'too_many_hops')`,
)
@ForeignKey('CampaignContact', ['tenantId', 'enrollmentId'], ['tenantId', 'id'], {
  name: 'fk_campaign_handovers_enrollment',
  onDelete: 'CASCADE',
})
export class CampaignHandover {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_campaign_handovers' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'enrollment_id', primaryKeyConstraintName: 'pk_campaign_handovers' })
  enrollmentId: string;

  @PrimaryColumn('uuid', { name: 'step_id', primaryKeyConstraintName: 'pk_campaign_handovers' })
  stepId: string;

  @PrimaryColumn('integer', { name: 'entry_number', primaryKeyConstraintName: 'pk_campaign_handovers' })
  entryNumber: number;

  @Column('uuid', { name: 'target_campaign_id' })
  targetCampaignId: string;

  @Column('varchar', { name: 'outcome', length: 30 })
  outcome: HandoverOutcome;

  @Column('timestamptz', { name: 'at' })
  at: Date;
}
