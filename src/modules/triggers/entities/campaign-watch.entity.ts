import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/**
 * A round that goes on through an audience in pieces: `entry` through the contacts of the tenant, for who comes into the segment; `inside` through
 * the people in the campaign, for who leaves the segment, reaches the goal or need not wait any more.
 */
@Entity('campaign_watches')
@Index('idx_campaign_watches_next', ['nextAt', 'tenantId', 'campaignId'])
@Check('ck_campaign_watches_kind', `kind IN ('entry', 'inside')`)
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_campaign_watches_campaign', onDelete: 'CASCADE' })
export class CampaignWatch {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_campaign_watches' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'campaign_id', primaryKeyConstraintName: 'pk_campaign_watches' })
  campaignId: string;

  @PrimaryColumn('varchar', { name: 'kind', length: 10, primaryKeyConstraintName: 'pk_campaign_watches' })
  kind: 'entry' | 'inside';

  /** The last contact looked at in this round; null between rounds. */
  @Column('uuid', { name: 'cursor', nullable: true })
  cursor: string | null;

  /** Rounds that are finished. The first one of `entry` only learns who is inside already. */
  @Column('integer', { name: 'rounds', default: 0 })
  rounds: number;

  /** What this round has cost so far; the rest after it is as much longer. */
  @Column('integer', { name: 'worked_ms', default: 0 })
  workedMs: number;

  @Column('timestamptz', { name: 'next_at' })
  nextAt: Date;
}

/** Who was in the watched segment when it was last looked at. */
@Entity('campaign_watch_members')
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_campaign_watch_members_campaign', onDelete: 'CASCADE' })
export class CampaignWatchMember {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_campaign_watch_members' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'campaign_id', primaryKeyConstraintName: 'pk_campaign_watch_members' })
  campaignId: string;

  @PrimaryColumn('uuid', { name: 'contact_id', primaryKeyConstraintName: 'pk_campaign_watch_members' })
  contactId: string;
}
