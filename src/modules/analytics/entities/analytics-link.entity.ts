import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

const PK = { primaryKeyConstraintName: 'pk_analytics_links' };

/** Who followed a link of a step, as of the last count. */
@Entity('analytics_links')
@ForeignKey('AnalyticsLinkCount', ['tenantId', 'campaignId'], ['tenantId', 'campaignId'], {
  name: 'fk_analytics_links_counts',
  onDelete: 'CASCADE',
})
export class AnalyticsLink {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'campaign_id', ...PK })
  campaignId: string;

  /** Hash of address and step. */
  @PrimaryColumn('varchar', { name: 'key', length: 32, ...PK })
  key: string;

  @Column('uuid', { name: 'step_id' })
  stepId: string;

  /** Of a registered link; else one of its clicks names it. */
  @Column('varchar', { name: 'link_id', length: 22, nullable: true })
  linkId: string | null;

  @Column('uuid', { name: 'event_id', nullable: true })
  eventId: string | null;

  @Column('integer', { name: 'human_clicks' })
  humanClicks: number;

  @Column('integer', { name: 'machine_clicks' })
  machineClicks: number;

  @Column('integer', { name: 'unique_clicks' })
  uniqueClicks: number;

  @Column('integer')
  people: number;
}
