import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

const PK = { primaryKeyConstraintName: 'pk_analytics_states' };

/**
 * How many messages of a step are in which state of the ledger and why (`mail`), and how many people stand at it or ended there (`person`:
 * `waiting`, `completed`, `exited`, `failed`; of all of these `unplanned`, without a message of the step, and `reentered`).
 */
@Entity('analytics_states')
@Check('ck_analytics_states_kind', `kind IN ('mail', 'person')`)
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_analytics_states_campaign', onDelete: 'CASCADE' })
export class AnalyticsState {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'campaign_id', ...PK })
  campaignId: string;

  /** All zeros for people who stand at no step. */
  @PrimaryColumn('uuid', { name: 'step_id', ...PK })
  stepId: string;

  @PrimaryColumn('varchar', { name: 'kind', length: 10, ...PK })
  kind: 'mail' | 'person';

  @PrimaryColumn('varchar', { name: 'state', length: 20, ...PK })
  state: string;

  @PrimaryColumn('varchar', { name: 'reason', length: 255, default: '', ...PK })
  reason: string;

  @Column('integer', { name: 'n' })
  n: number;
}
