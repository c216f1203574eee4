import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

const PK = { primaryKeyConstraintName: 'pk_analytics_link_counts' };

/** When the links of a campaign were counted, and whether clicks have come since. */
@Entity('analytics_link_counts')
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_analytics_link_counts_campaign', onDelete: 'CASCADE' })
@Index('idx_analytics_link_counts_stale', ['nextCountAt'], { where: 'version <> counted_version' })
export class AnalyticsLinkCount {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'campaign_id', ...PK })
  campaignId: string;

  /** Moves on with the clicks. */
  @Column('integer', { default: 1 })
  version: number;

  @Column('integer', { name: 'counted_version', default: 0 })
  countedVersion: number;

  /** Null as long as there are so few clicks that they are counted when somebody asks. */
  @Column('timestamptz', { name: 'counted_at', nullable: true })
  countedAt: Date | null;

  @Column('timestamptz', { name: 'next_count_at', nullable: true })
  nextCountAt: Date | null;
}
