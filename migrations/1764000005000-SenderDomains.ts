import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The domains in whose names tenants send, with what was last found of their SPF, DKIM and DMARC records. */
export class SenderDomains1764000005000 implements MigrationInterface {
  name = 'SenderDomains1764000005000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE sender_domains (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        domain varchar(253) NOT NULL,
        dkim_selectors varchar(63)[] NOT NULL,
        spf_include varchar(253),
        status varchar(20) NOT NULL DEFAULT 'unchecked',
        checked_at timestamptz,
        records jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_sender_domains PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_sender_domains_domain UNIQUE (tenant_id, domain),
        CONSTRAINT ck_sender_domains_status CHECK (status IN ('unchecked', 'verified', 'unverified')),
        CONSTRAINT ck_sender_domains_checked CHECK ((status = 'unchecked') = (checked_at IS NULL) AND (checked_at IS NULL) = (records IS NULL)),
        CONSTRAINT fk_sender_domains_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE sender_domains`);
  }
}
