import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

/** An address that messages of a tenant link to. The id is random, so that a link in a message cannot be guessed from another. */
@Entity('tracked_links')
@Unique('uq_tracked_links_url', ['tenantId', 'urlHash'])
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_tracked_links_tenant', onDelete: 'CASCADE' })
export class TrackedLink {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_tracked_links' })
  tenantId: string;

  /** Eight random bytes, base64url. */
  @PrimaryColumn('varchar', { name: 'id', length: 22, primaryKeyConstraintName: 'pk_tracked_links' })
  id: string;

  @Column('text', { name: 'url' })
  url: string;

  /** SHA-256 of the address: one row per tenant and address, however long the address is. */
  @Column('bytea', { name: 'url_hash' })
  urlHash: Buffer;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}
