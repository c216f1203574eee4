import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

const PK = { primaryKeyConstraintName: 'pk_webhook_endpoints' };

/** Why an endpoint was switched off by us: `failing` for days, or the receiver answered 410 (`gone`). */
export type DisabledReason = 'failing' | 'gone';

/** Where a tenant wants to be told about its mail. The secrets are sealed (see `SecretBox`). */
@Entity('webhook_endpoints')
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_webhook_endpoints_tenant', onDelete: 'CASCADE' })
export class WebhookEndpoint {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  @Column('text', { name: 'url' })
  url: string;

  @Column('varchar', { name: 'description', length: 255, nullable: true })
  description: string | null;

  @Column('varchar', { name: 'event_types', length: 50, array: true })
  eventTypes: string[];

  @Column('boolean', { name: 'enabled', default: true })
  enabled: boolean;

  /** What happened before is not told: set when the endpoint is made and whenever it is enabled again. */
  @Column('timestamptz', { name: 'active_since' })
  activeSince: Date;

  /** Set only when we switched it off. */
  @Column('varchar', { name: 'disabled_reason', length: 20, nullable: true })
  disabledReason: DisabledReason | null;

  /** The first of the attempts since the last success; null while it works. A failing endpoint is tried by one request at a time. */
  @Column('timestamptz', { name: 'failing_since', nullable: true })
  failingSince: Date | null;

  @Column('bytea', { name: 'secret' })
  secret: Buffer;

  /** Still signs until `previousSecretExpiresAt`. */
  @Column('bytea', { name: 'previous_secret', nullable: true })
  previousSecret: Buffer | null;

  @Column('timestamptz', { name: 'previous_secret_expires_at', nullable: true })
  previousSecretExpiresAt: Date | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;
}
