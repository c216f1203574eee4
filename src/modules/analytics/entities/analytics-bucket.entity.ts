import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { RollupColumns } from './rollup-columns.js';

const PK = { primaryKeyConstraintName: 'pk_analytics_buckets' };

/** A campaign's counts of one quarter of an hour: of what happened in it (`event`), or of the messages sent in it whenever it happened (`send`). */
@Entity('analytics_buckets')
@Index('idx_analytics_buckets_dirty', ['tenantId', 'campaignId', 'bucket'], { where: 'is_dirty' })
@Check('ck_analytics_buckets_cohort', `cohort IN ('event', 'send')`)
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_analytics_buckets_campaign', onDelete: 'CASCADE' })
export class AnalyticsBucket extends RollupColumns {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'campaign_id', ...PK })
  campaignId: string;

  @PrimaryColumn('varchar', { name: 'cohort', length: 5, ...PK })
  cohort: 'event' | 'send';

  @PrimaryColumn('timestamptz', { name: 'bucket', ...PK })
  bucket: Date;

  /** Changed since its day in `campaign_analytics` was computed. */
  @Column('boolean', { name: 'is_dirty', default: false })
  isDirty: boolean;
}
