import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** A customer: everything else belongs to one. */
@Entity('tenants')
@Check('ck_tenants_name', `btrim(name) <> ''`)
@Check('ck_tenants_soft_bounce_limit', 'soft_bounce_limit BETWEEN 1 AND 100')
export class Tenant {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_tenants', default: () => 'uuidv7()' })
  id: string;

  @Column('varchar', { length: 255 })
  name: string;

  /** The zone of its reports, and the last resort where neither contact nor campaign has one. */
  @Column('varchar', { length: 100, default: 'UTC' })
  timezone: string;

  /** Stands in the footer of commercial mail, which the law asks for. */
  @Column('text', { name: 'postal_address', nullable: true })
  postalAddress: string | null;

  /** After so many soft bounces in a row an address is suppressed. */
  @Column('integer', { name: 'soft_bounce_limit', default: 5 })
  softBounceLimit: number;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;
}
