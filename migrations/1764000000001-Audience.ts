import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Contacts with their tags and custom events, the tenant's suppression list, and segments. */
export class Audience1764000000001 implements MigrationInterface {
  name = 'Audience1764000000001';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE contacts (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        email varchar(320) NOT NULL,
        email_norm varchar(320) NOT NULL,
        first_name varchar(255),
        last_name varchar(255),
        timezone varchar(100),
        lead_score integer NOT NULL DEFAULT 0,
        attributes jsonb NOT NULL DEFAULT '{}',
        subscribed boolean NOT NULL DEFAULT true,
        unsubscribed_at timestamptz,
        unsubscribe_reason varchar(255),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        CONSTRAINT pk_contacts PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_contacts_email UNIQUE (tenant_id, email_norm),
        CONSTRAINT ck_contacts_email_norm CHECK (email_norm = lower(email)),
        CONSTRAINT ck_contacts_attributes CHECK (jsonb_typeof(attributes) = 'object'),
        CONSTRAINT ck_contacts_unsubscribed CHECK (subscribed = (unsubscribed_at IS NULL)),
        CONSTRAINT fk_contacts_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    await q.query(`
      CREATE TABLE contact_tags (
        tenant_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        tag varchar(100) NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_contact_tags PRIMARY KEY (tenant_id, contact_id, tag),
        CONSTRAINT ck_contact_tags_tag CHECK (btrim(tag) <> ''),
        CONSTRAINT fk_contact_tags_contact FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE
      )`);
    await q.query(`CREATE INDEX idx_contact_tags_tag ON contact_tags (tenant_id, tag, contact_id)`);
    await q.query(`
      CREATE TABLE contact_events (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        contact_id uuid NOT NULL,
        name varchar(100) NOT NULL,
        properties jsonb NOT NULL DEFAULT '{}',
        external_id varchar(255),
        occurred_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_contact_events PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_contact_events_external UNIQUE (tenant_id, external_id),
        CONSTRAINT fk_contact_events_contact FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE
      )`);
    await q.query(`CREATE INDEX idx_contact_events_contact ON contact_events (tenant_id, contact_id, name, occurred_at)`);
    await q.query(`
      CREATE TABLE suppressions (
        tenant_id uuid NOT NULL,
        email_norm varchar(320) NOT NULL,
        reason varchar(50) NOT NULL,
        source varchar(50) NOT NULL,
        detail text,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_suppressions PRIMARY KEY (tenant_id, email_norm),
        CONSTRAINT ck_suppressions_email_norm CHECK (email_norm = lower(email_norm)),
        CONSTRAINT ck_suppressions_reason CHECK (reason IN ('hard_bounce', 'soft_bounces', 'complaint', 'unsubscribed', 'manual', 'erased')),
        CONSTRAINT fk_suppressions_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    await q.query(`
      CREATE TABLE segments (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        name varchar(255) NOT NULL,
        type varchar(20) NOT NULL,
        rules jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_segments PRIMARY KEY (tenant_id, id),
        CONSTRAINT ck_segments_type CHECK (type IN ('dynamic', 'static')),
        CONSTRAINT ck_segments_rules CHECK ((type = 'dynamic') = (rules IS NOT NULL)),
        CONSTRAINT fk_segments_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    await q.query(`
      CREATE TABLE segment_members (
        tenant_id uuid NOT NULL,
        segment_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_segment_members PRIMARY KEY (tenant_id, segment_id, contact_id),
        CONSTRAINT fk_segment_members_segment FOREIGN KEY (tenant_id, segment_id) REFERENCES segments (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_segment_members_contact FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE
      )`);
    await q.query(`CREATE INDEX idx_segment_members_contact ON segment_members (tenant_id, contact_id)`);
    for (const table of ['contacts', 'segments']) {
      await q.query(`CREATE TRIGGER touch_${table} BEFORE UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION touch_updated_at()`);
    }
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE segment_members, segments, suppressions, contact_events, contact_tags, contacts`);
  }
}
