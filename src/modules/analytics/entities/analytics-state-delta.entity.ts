import { Column, Entity, PrimaryColumn } from 'typeorm';

const PK = { primaryKeyConstraintName: 'pk_analytics_state_deltas' };

/** The same as `AnalyticsDelta` for states: how many messages and people came to a state of a step (or left it, below zero). */
@Entity('analytics_state_deltas')
export class AnalyticsStateDelta {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'campaign_id', ...PK })
  campaignId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  @Column('uuid', { name: 'step_id' })
  stepId: string;

  @Column('varchar', { name: 'kind', length: 10 })
  kind: 'mail' | 'person';

  @Column('varchar', { name: 'state', length: 20 })
  state: string;

  @Column('varchar', { name: 'reason', length: 255, default: '' })
  reason: string;

  @Column('integer', { name: 'n' })
  n: number;
}
