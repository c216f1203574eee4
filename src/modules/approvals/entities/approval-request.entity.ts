import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

const PK = { primaryKeyConstraintName: 'pk_approval_requests' };

/** One round of asking for approval of one state of a campaign. What the approvers say is in `campaign_approvals`, under the same round. */
@Entity('approval_requests')
@Unique('uq_approval_requests_round', ['tenantId', 'campaignId', 'round'])
@Check('ck_approval_requests_status', `status IN ('pending', 'approved', 'rejected', 'withdrawn', 'void')`)
@Check('ck_approval_requests_decided', `(status = 'pending') = (decided_at IS NULL)`)
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_approval_requests_campaign', onDelete: 'CASCADE' })
@ForeignKey('User', ['tenantId', 'requestedBy'], ['tenantId', 'id'], { name: 'fk_approval_requests_requester' })
@Index('idx_approval_requests_pending', ['tenantId', 'id'], { where: `status = 'pending'` })
export class ApprovalRequest {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  @Column('uuid', { name: 'campaign_id' })
  campaignId: string;

  @Column('integer', { name: 'round' })
  round: number;

  /** The version of the steps that is to be approved. */
  @Column('integer', { name: 'steps_version' })
  stepsVersion: number;

  /** `void`: something changed and another round was asked for. Until then an edit shows in the hash alone. */
  @Column('varchar', { name: 'status', length: 20, default: 'pending' })
  status: 'pending' | 'approved' | 'rejected' | 'withdrawn' | 'void';

  /** As the policies had it when it was asked for. */
  @Column('jsonb', { name: 'stages' })
  stages: unknown;

  /** SHA-256 over what is approved: an approval of anything else does not count. */
  @Column('bytea', { name: 'content_hash' })
  contentHash: Buffer;

  /** The hash of each part, so that it can be said what changed. */
  @Column('jsonb', { name: 'parts' })
  parts: Record<string, string>;

  /** Whom it would reach, as counted then; null if that took too long or there was no segment. */
  @Column('jsonb', { name: 'audience', nullable: true })
  audience: unknown;

  @Column('jsonb', { name: 'preflight' })
  preflight: unknown;

  /** What a rehearsal said then, without single people; null if none could be made. */
  @Column('jsonb', { name: 'rehearsal', nullable: true })
  rehearsal: unknown;

  /** To the approvers. */
  @Column('text', { name: 'message', nullable: true })
  message: string | null;

  @Column('uuid', { name: 'requested_by' })
  requestedBy: string;

  @Column('timestamptz', { name: 'requested_at' })
  requestedAt: Date;

  @Column('timestamptz', { name: 'decided_at', nullable: true })
  decidedAt: Date | null;

  /** When something went live on the strength of it. */
  @Column('timestamptz', { name: 'used_at', nullable: true })
  usedAt: Date | null;
}
