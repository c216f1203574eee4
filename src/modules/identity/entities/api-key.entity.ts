import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';
import type { Role } from '../domain/permissions.js';
import { Tenant } from './tenant.entity.js';
import { User } from './user.entity.js';
import { Workspace } from './workspace.entity.js';

/** A credential of a program or a person. Its secret is not here, only the SHA-256 of it. */
@Entity('api_keys')
@Unique('uq_api_keys_hash', ['tenantId', 'keyHash'])
@Check('ck_api_keys_roles', 'cardinality(roles) > 0')
@ForeignKey(() => User, ['tenantId', 'userId'], ['tenantId', 'id'], { name: 'fk_api_keys_user' })
@ForeignKey(() => Workspace, ['tenantId', 'workspaceId'], ['tenantId', 'id'], { name: 'fk_api_keys_workspace' })
export class ApiKey {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_api_keys' })
  @ForeignKey(() => Tenant, { name: 'fk_api_keys_tenant', onDelete: 'CASCADE' })
  tenantId: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_api_keys', default: () => 'uuidv7()' })
  id: string;

  @Column('varchar', { length: 255 })
  name: string;

  @Column('bytea', { name: 'key_hash' })
  keyHash: Buffer;

  /** The end of the key, so that people recognise it. */
  @Column('varchar', { length: 20 })
  hint: string;

  @Column('varchar', { length: 50, array: true })
  roles: Role[];

  @Column('uuid', { name: 'user_id', nullable: true })
  userId: string | null;

  @Column('uuid', { name: 'workspace_id', nullable: true })
  workspaceId: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  /** To the minute, not to the request. */
  @Column('timestamptz', { name: 'last_used_at', nullable: true })
  lastUsedAt: Date | null;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;
}
