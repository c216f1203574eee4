import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Templates with their immutable versions, and the accounts a tenant sends through. */
export class Content1764000000002 implements MigrationInterface {
  name = 'Content1764000000002';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE templates (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        name varchar(255) NOT NULL,
        current_version integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        archived_at timestamptz,
        CONSTRAINT pk_templates PRIMARY KEY (tenant_id, id),
        CONSTRAINT fk_templates_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    await q.query(`
      CREATE TABLE template_versions (
        tenant_id uuid NOT NULL,
        template_id uuid NOT NULL,
        version integer NOT NULL,
        subject_line text,
        content text NOT NULL,
        content_format varchar(10) NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_template_versions PRIMARY KEY (tenant_id, template_id, version),
        CONSTRAINT ck_template_versions_format CHECK (content_format IN ('mjml', 'html')),
        CONSTRAINT fk_template_versions_template FOREIGN KEY (tenant_id, template_id) REFERENCES templates (tenant_id, id) ON DELETE CASCADE
      )`);
    await q.query(`
      CREATE TABLE provider_accounts (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        name varchar(255) NOT NULL,
        kind varchar(20) NOT NULL,
        settings jsonb NOT NULL DEFAULT '{}',
        encrypted_secrets bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        disabled_at timestamptz,
        CONSTRAINT pk_provider_accounts PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_provider_accounts_name UNIQUE (tenant_id, name),
        CONSTRAINT ck_provider_accounts_kind CHECK (kind IN ('smtp', 'sendgrid')),
        CONSTRAINT fk_provider_accounts_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    for (const table of ['templates', 'provider_accounts']) {
      await q.query(`CREATE TRIGGER touch_${table} BEFORE UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION touch_updated_at()`);
    }
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE provider_accounts, template_versions, templates`);
  }
}
