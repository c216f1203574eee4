import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { PublishPolicy, VersionStatus } from '../domain/version.js';

const PK = { primaryKeyConstraintName: 'pk_campaign_versions' };

/** A version of the steps of a campaign; its steps carry the number. There is a row for every version since the launch. */
@Entity('campaign_versions')
@Check('ck_campaign_versions_status', `status IN ('draft', 'live', 'superseded', 'discarded')`)
@Check('ck_campaign_versions_policy', `policy IN ('new_contacts_only', 'move_everyone')`)
@Check('ck_campaign_versions_published', `(status IN ('live', 'superseded')) = (published_at IS NOT NULL)`)
@Index('uq_campaign_versions_draft', ['tenantId', 'campaignId'], { unique: true, where: `((status)::text = 'draft'::text)` })
@Index('uq_campaign_versions_live', ['tenantId', 'campaignId'], { unique: true, where: `((status)::text = 'live'::text)` })
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_campaign_versions_campaign', onDelete: 'CASCADE' })
export class CampaignVersionRow {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'campaign_id', ...PK })
  campaignId: string;

  @PrimaryColumn('integer', { name: 'version', ...PK })
  version: number;

  @Column('varchar', { name: 'status', length: 20 })
  status: VersionStatus;

  /** The version that was live before it: where a rollback leads. Of a draft, the one it was copied from. */
  @Column('integer', { name: 'based_on', nullable: true })
  basedOn: number | null;

  /** Of the latest time it went live; null for the version of the launch. */
  @Column('varchar', { name: 'policy', length: 20, nullable: true })
  policy: PublishPolicy | null;

  /** Who it was, as the credential said; not necessarily a user of ours. */
  @Column('uuid', { name: 'created_by', nullable: true })
  createdBy: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('uuid', { name: 'published_by', nullable: true })
  publishedBy: string | null;

  @Column('timestamptz', { name: 'published_at', nullable: true })
  publishedAt: Date | null;
}
