import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { AccountSettings, ProviderKind } from '../domain/provider-account.js';

/** An account of a tenant with a mail provider. What is secret about it stands encrypted in `encrypted_secrets` (`SecretBox`) and is never shown. */
@Entity('provider_accounts')
@Index('uq_provider_accounts_name', ['tenantId', 'name'], { unique: true, where: 'archived_at IS NULL' })
@Index('uq_provider_accounts_default', ['tenantId'], { unique: true, where: 'is_default' })
@Check('ck_provider_accounts_kind', `kind IN ('smtp', 'sendgrid')`)
@Check('ck_provider_accounts_settings', `jsonb_typeof(settings) = 'object'`)
@Check('ck_provider_accounts_archived', 'archived_at IS NULL OR (encrypted_secrets IS NULL AND NOT is_default)')
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_provider_accounts_tenant', onDelete: 'CASCADE' })
export class ProviderAccount {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_provider_accounts' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', primaryKeyConstraintName: 'pk_provider_accounts' })
  id: string;

  @Column('varchar', { name: 'name', length: 255 })
  name: string;

  @Column('varchar', { name: 'kind', length: 20 })
  kind: ProviderKind;

  /** Campaigns that name no account send through this one; at most one a tenant. */
  @Column('boolean', { name: 'is_default', default: false })
  isDefault: boolean;

  @Column('jsonb', { name: 'settings', default: () => `'{}'` })
  settings: AccountSettings;

  @Column('bytea', { name: 'encrypted_secrets', nullable: true })
  secret: Buffer | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;

  /** Set when it was deleted: campaigns that used it keep their reference. The secret goes at once. */
  @Column('timestamptz', { name: 'archived_at', nullable: true })
  archivedAt: Date | null;
}
