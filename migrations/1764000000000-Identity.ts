import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Tenants, workspaces, users, API keys, the audit log and stored answers to idempotent writes; and what every later table uses:
 * `uuidv7()` (PostgreSQL 18 has it, 14–17 get it here) and the trigger that keeps `updated_at`.
 *
 * Every table carries `tenant_id` first in its primary key and in every unique key, so that row-level security leaks nothing through a
 * duplicate-key error and the same schema distributes by tenant.
 */
export class Identity1764000000000 implements MigrationInterface {
  name = 'Identity1764000000000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_proc WHERE proname = 'uuidv7' AND pronamespace = 'pg_catalog'::regnamespace) THEN
          CREATE FUNCTION uuidv7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $f$
            -- RFC 9562 §5.7: 48 bits of milliseconds over a random version 4 value, then the version nibble 7 (0111).
            SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
              PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
          $f$;
        END IF;
      END $$`);
    await q.query(`
      CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$`);

    await q.query(`
      CREATE TABLE tenants (
        id uuid NOT NULL DEFAULT uuidv7(),
        name varchar(255) NOT NULL,
        timezone varchar(100) NOT NULL DEFAULT 'UTC',
        postal_address text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_tenants PRIMARY KEY (id),
        CONSTRAINT ck_tenants_name CHECK (btrim(name) <> '')
      )`);
    await q.query(`
      CREATE TABLE workspaces (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        name varchar(255) NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_workspaces PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_workspaces_name UNIQUE (tenant_id, name),
        CONSTRAINT fk_workspaces_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    await q.query(`
      CREATE TABLE users (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        email varchar(320) NOT NULL,
        name varchar(255) NOT NULL,
        role varchar(50) NOT NULL DEFAULT 'viewer',
        disabled_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_users PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_users_email UNIQUE (tenant_id, email),
        CONSTRAINT ck_users_email CHECK (email = lower(email)),
        CONSTRAINT ck_users_role CHECK (role IN ('owner', 'admin', 'campaign_manager', 'compliance_officer', 'analyst', 'viewer')),
        CONSTRAINT fk_users_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    await q.query(`
      CREATE TABLE api_keys (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        name varchar(255) NOT NULL,
        key_hash bytea NOT NULL,
        hint varchar(20) NOT NULL,
        roles varchar(50)[] NOT NULL,
        user_id uuid,
        workspace_id uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_used_at timestamptz,
        expires_at timestamptz,
        revoked_at timestamptz,
        CONSTRAINT pk_api_keys PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_api_keys_hash UNIQUE (tenant_id, key_hash),
        CONSTRAINT ck_api_keys_roles CHECK (cardinality(roles) > 0),
        CONSTRAINT fk_api_keys_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
        CONSTRAINT fk_api_keys_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
        CONSTRAINT fk_api_keys_workspace FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id)
      )`);
    await q.query(`
      CREATE TABLE audit_log (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        at timestamptz NOT NULL DEFAULT now(),
        actor_type varchar(20) NOT NULL,
        actor_id uuid,
        action varchar(100) NOT NULL,
        entity_type varchar(50) NOT NULL,
        entity_id uuid,
        before jsonb,
        after jsonb,
        origin varchar(100),
        CONSTRAINT pk_audit_log PRIMARY KEY (tenant_id, id),
        CONSTRAINT ck_audit_log_actor_type CHECK (actor_type IN ('user', 'api_key', 'system', 'contact')),
        CONSTRAINT fk_audit_log_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    await q.query(`CREATE INDEX idx_audit_log_entity ON audit_log (tenant_id, entity_type, entity_id, id)`);
    await q.query(`
      CREATE TABLE idempotency_keys (
        tenant_id uuid NOT NULL,
        key varchar(255) NOT NULL,
        operation varchar(255) NOT NULL,
        request_hash bytea NOT NULL,
        response_status integer,
        response_body jsonb,
        locked_until timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_idempotency_keys PRIMARY KEY (tenant_id, key, operation),
        CONSTRAINT fk_idempotency_keys_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    await q.query(`CREATE INDEX idx_idempotency_keys_created ON idempotency_keys (created_at)`);
    for (const table of ['tenants', 'workspaces', 'users']) {
      await q.query(`CREATE TRIGGER touch_${table} BEFORE UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION touch_updated_at()`);
    }
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE idempotency_keys, audit_log, api_keys, users, workspaces, tenants`);
    await q.query(`DROP FUNCTION touch_updated_at()`);
  }
}
