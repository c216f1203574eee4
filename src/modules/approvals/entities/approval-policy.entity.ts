import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

const PK = { primaryKeyConstraintName: 'pk_approval_policies' };

/** Whose approval a tenant's campaigns need before launch. */
@Entity('approval_policies')
@Unique('uq_approval_policies_name', ['tenantId', 'name'])
@Check('ck_approval_policies_stages', `jsonb_typeof(stages) = 'array'`)
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_approval_policies_tenant', onDelete: 'CASCADE' })
export class ApprovalPolicy {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  @Column('varchar', { name: 'name', length: 255 })
  name: string;

  /** Which types of campaign it covers; all of them if empty. */
  @Column('varchar', { name: 'campaign_types', length: 50, array: true, default: () => `'{}'` })
  campaignTypes: string[];

  /** Smaller audiences need no approval. */
  @Column('integer', { name: 'min_audience', default: 0 })
  minAudience: number;

  @Column('jsonb', { name: 'stages' })
  stages: unknown;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;
}
