import { Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { RollupColumns } from './rollup-columns.js';

const PK = { primaryKeyConstraintName: 'pk_analytics_steps' };

/** The counts of a step, by variant, over the whole life of its campaign. */
@Entity('analytics_steps')
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_analytics_steps_campaign', onDelete: 'CASCADE' })
export class AnalyticsStep extends RollupColumns {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'campaign_id', ...PK })
  campaignId: string;

  @PrimaryColumn('uuid', { name: 'step_id', ...PK })
  stepId: string;

  /** All zeros where the step has no variants. */
  @PrimaryColumn('uuid', { name: 'variant_id', ...PK })
  variantId: string;
}
