import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

const PK = { primaryKeyConstraintName: 'pk_campaign_approvals' };

/** One approver's say in one role about one state of a campaign. After a rejection the next `round` begins. */
@Entity('campaign_approvals')
@Unique('uq_campaign_approvals_round', ['tenantId', 'campaignId', 'approverId', 'approvalRole', 'round'])
@Check('ck_campaign_approvals_status', `status IN ('pending', 'approved', 'rejected', 'void')`)
@Check('ck_campaign_approvals_reviewed', `(status IN ('approved', 'rejected')) = (reviewed_at IS NOT NULL)`)
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_campaign_approvals_campaign', onDelete: 'CASCADE' })
@ForeignKey('User', ['tenantId', 'approverId'], ['tenantId', 'id'], { name: 'fk_campaign_approvals_approver' })
@ForeignKey('User', ['tenantId', 'requestedBy'], ['tenantId', 'id'], { name: 'fk_campaign_approvals_requester' })
@Index('idx_campaign_approvals_status', ['tenantId', 'approverId', 'status'])
export class CampaignApproval {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  @Column('uuid', { name: 'campaign_id' })
  campaignId: string;

  @Column('uuid', { name: 'approver_id' })
  approverId: string;

  @Column('varchar', { name: 'approval_role', length: 100 })
  approvalRole: string;

  @Column('integer', { name: 'round', default: 1 })
  round: number;

  @Column('varchar', { name: 'status', length: 50, default: 'pending' })
  status: 'pending' | 'approved' | 'rejected' | 'void';

  /** SHA-256 over what is approved: an approval of anything else does not count. */
  @Column('bytea', { name: 'content_hash', nullable: true })
  contentHash: Buffer | null;

  @Column('text', { name: 'comments', nullable: true })
  comments: string | null;

  @Column('timestamptz', { name: 'reviewed_at', nullable: true })
  reviewedAt: Date | null;

  @Column('timestamptz', { name: 'requested_at', default: () => 'now()' })
  requestedAt: Date;

  @Column('uuid', { name: 'requested_by', nullable: true })
  requestedBy: string | null;
}
