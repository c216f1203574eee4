import { Column, Entity, PrimaryColumn } from 'typeorm';
import { RollupColumns } from './rollup-columns.js';

const PK = { primaryKeyConstraintName: 'pk_analytics_deltas' };

/**
 * What one statement changed, by step, variant and quarter of an hour, not yet folded into the rollups. Append-only; written by the triggers on
 * `emails` and `email_events` alone, so that at every committed instant rollups and deltas together equal a recount.
 */
@Entity('analytics_deltas')
export class AnalyticsDelta extends RollupColumns {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'campaign_id', ...PK })
  campaignId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  @Column('uuid', { name: 'step_id' })
  stepId: string;

  /** All zeros where the step has no variants. */
  @Column('uuid', { name: 'variant_id' })
  variantId: string;

  /** The beginning of the quarter of an hour in which it happened. */
  @Column('timestamptz', { name: 'bucket' })
  bucket: Date;

  /** The one in which the message was sent; null where no sending is known. */
  @Column('timestamptz', { name: 'sent_bucket', nullable: true })
  sentBucket: Date | null;
}
