import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { AbOutcome, AbStatus, VariantFigures } from '../domain/test-state.js';

/**
 * The A/B test of one email step: when it began, when it is looked at next, and what was decided. A step belongs to one version of a campaign,
 * so there is one row per step and version. `released_at`: everybody who waited for the decision has been let go.
 */
@Entity('ab_decisions')
@Check('ck_ab_decisions_status', `status IN ('testing', 'decided')`)
@Check('ck_ab_decisions_outcome', `outcome IN ('significant', 'inconclusive', 'manual')`)
@Check('ck_ab_decisions_decided', `(status = 'decided') = (outcome IS NOT NULL AND decided_at IS NOT NULL)`)
@ForeignKey('CampaignStep', ['tenantId', 'stepId'], ['tenantId', 'id'], { name: 'fk_ab_decisions_step', onDelete: 'CASCADE' })
@Index('idx_ab_decisions_look', ['nextLookAt'], { where: `status = 'testing'` })
@Index('idx_ab_decisions_release', ['decidedAt'], { where: `released_at IS NULL AND status = 'decided'` })
@Index('idx_ab_decisions_campaign', ['tenantId', 'campaignId'])
export class AbDecision {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_ab_decisions' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'step_id', primaryKeyConstraintName: 'pk_ab_decisions' })
  stepId: string;

  @Column('uuid', { name: 'campaign_id' })
  campaignId: string;

  @Column('integer', { name: 'version' })
  version: number;

  @Column('varchar', { name: 'status', length: 20, default: 'testing' })
  status: AbStatus;

  @Column('timestamptz', { name: 'started_at' })
  startedAt: Date;

  /** Null when nobody looks any more. */
  @Column('timestamptz', { name: 'next_look_at', nullable: true })
  nextLookAt: Date | null;

  /** Null for a step without a test, decided by hand. */
  @Column('timestamptz', { name: 'deadline', nullable: true })
  deadline: Date | null;

  /** How much of the accepted chance of a false winner the looks so far have used up. */
  @Column('double precision', { name: 'alpha_spent', default: 0 })
  alphaSpent: number;

  @Column('smallint', { name: 'looks', default: 0 })
  looks: number;

  @Column('varchar', { name: 'outcome', length: 20, nullable: true })
  outcome: AbOutcome | null;

  /** Null, once decided: the split by weight goes on. */
  @Column('uuid', { name: 'winner_variant_id', nullable: true })
  winnerVariantId: string | null;

  /** Why, for people. */
  @Column('text', { name: 'reason', nullable: true })
  reason: string | null;

  /** The numbers it was decided by. */
  @Column('jsonb', { name: 'figures', nullable: true })
  figures: VariantFigures[] | null;

  @Column('timestamptz', { name: 'decided_at', nullable: true })
  decidedAt: Date | null;

  /** `system`, or who chose by hand. */
  @Column('varchar', { name: 'decided_by', length: 100, nullable: true })
  decidedBy: string | null;

  @Column('timestamptz', { name: 'released_at', nullable: true })
  releasedAt: Date | null;
}
