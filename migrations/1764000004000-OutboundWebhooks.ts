import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Webhooks to tenants: where they want to be told, what is to be told, and how far the facts have been looked through. */
export class OutboundWebhooks1764000004000 implements MigrationInterface {
  name = 'OutboundWebhooks1764000004000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE webhook_endpoints (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        url text NOT NULL,
        description varchar(255),
        event_types varchar(50)[] NOT NULL,
        enabled boolean NOT NULL DEFAULT true,
        active_since timestamptz NOT NULL,
        disabled_reason varchar(20),
        failing_since timestamptz,
        secret bytea NOT NULL,
        previous_secret bytea,
        previous_secret_expires_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_webhook_endpoints PRIMARY KEY (tenant_id, id),
        CONSTRAINT fk_webhook_endpoints_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    await q.query(`
      CREATE TABLE webhook_deliveries (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        endpoint_id uuid NOT NULL,
        event_type varchar(50) NOT NULL,
        fact_key varchar(120) NOT NULL,
        occurred_at timestamptz NOT NULL,
        data jsonb NOT NULL,
        status varchar(20) NOT NULL DEFAULT 'pending',
        attempts smallint NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        lease_token uuid,
        lease_expires_at timestamptz,
        last_attempt_at timestamptz,
        status_code smallint,
        duration_ms integer,
        error varchar(300),
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_webhook_deliveries PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_webhook_deliveries_fact UNIQUE (tenant_id, endpoint_id, fact_key),
        CONSTRAINT ck_webhook_deliveries_status CHECK (status IN ('pending', 'delivered', 'failed')),
        CONSTRAINT fk_webhook_deliveries_endpoint FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoints (tenant_id, id) ON DELETE CASCADE
      )`);
    await q.query(
      `CREATE INDEX idx_webhook_deliveries_due ON webhook_deliveries (tenant_id, endpoint_id, due_at, id) WHERE status = 'pending'`,
    );
    await q.query(`CREATE INDEX idx_webhook_deliveries_log ON webhook_deliveries (tenant_id, endpoint_id, id)`);
    await q.query(`
      CREATE TABLE webhook_cursors (
        source varchar(20) NOT NULL,
        seen_until timestamptz NOT NULL,
        CONSTRAINT pk_webhook_cursors PRIMARY KEY (source)
      )`);
    await q.query(
      `INSERT INTO webhook_cursors (source, seen_until) VALUES ('event', '-infinity'), ('sent', '-infinity'), ('unsent', '-infinity')`,
    );
    // Few rows. It changes no update's cost: a row gets these statuses once, and its status stands in indexes already.
    await q.query(`CREATE INDEX idx_emails_unsent ON emails (tenant_id, settled_at) WHERE status IN ('failed', 'skipped')`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP INDEX idx_emails_unsent`);
    await q.query(`DROP TABLE webhook_cursors, webhook_deliveries, webhook_endpoints`);
  }
}
