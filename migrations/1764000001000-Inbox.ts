import type { MigrationInterface, QueryRunner } from 'typeorm';

const TYPES = `'processed', 'deferred', 'delivered', 'bounced', 'dropped', 'opened', 'clicked', 'complained', 'unsubscribed', 'resubscribed', 'replied'`;

/** What comes back: raw webhook batches, replies that machines write, the page that scanners open, and campaigns that end with a reply. */
export class Inbox1764000001000 implements MigrationInterface {
  name = 'Inbox1764000001000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE webhook_batches (
        id uuid NOT NULL DEFAULT uuidv7(),
        provider varchar(20) NOT NULL,
        tenant_id uuid,
        received_at timestamptz NOT NULL DEFAULT now(),
        body bytea,
        processed_at timestamptz,
        event_count integer NOT NULL DEFAULT 0,
        stored_count integer NOT NULL DEFAULT 0,
        ignored_count integer NOT NULL DEFAULT 0,
        foreign_count integer NOT NULL DEFAULT 0,
        error_count integer NOT NULL DEFAULT 0,
        errors jsonb,
        CONSTRAINT pk_webhook_batches PRIMARY KEY (id),
        CONSTRAINT ck_webhook_batches_body CHECK (processed_at IS NOT NULL OR body IS NOT NULL),
        CONSTRAINT fk_webhook_batches_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    // Read once, a moment later: compressing it would cost more than it saves.
    await q.query(`ALTER TABLE webhook_batches ALTER COLUMN body SET STORAGE EXTERNAL`);
    await q.query(`CREATE INDEX idx_webhook_batches_waiting ON webhook_batches (id) WHERE processed_at IS NULL`);
    await q.query(`CREATE INDEX idx_webhook_batches_received ON webhook_batches (received_at)`);

    await q.query(`ALTER TABLE email_events DROP CONSTRAINT ck_email_events_type`);
    await q.query(
      `ALTER TABLE email_events ADD CONSTRAINT ck_email_events_type CHECK (type IN (${TYPES}, 'auto_replied', 'unsubscribe_viewed'))`,
    );
    // Not unique: providers have been seen to change the id when they repeat an event, so the dedupe key decides and this only helps it.
    await q.query(
      `CREATE INDEX idx_email_events_provider ON email_events (tenant_id, provider_event_id) WHERE provider_event_id IS NOT NULL`,
    );

    await q.query(`ALTER TABLE campaigns ADD COLUMN exit_on_reply boolean NOT NULL DEFAULT false`);
    await q.query(`UPDATE campaigns SET exit_on_reply = true WHERE campaign_type = 'drip'`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE campaigns DROP COLUMN exit_on_reply`);
    await q.query(`DROP INDEX idx_email_events_provider`);
    await q.query(`DELETE FROM email_events WHERE type IN ('auto_replied', 'unsubscribe_viewed')`);
    await q.query(`ALTER TABLE email_events DROP CONSTRAINT ck_email_events_type`);
    await q.query(`ALTER TABLE email_events ADD CONSTRAINT ck_email_events_type CHECK (type IN (${TYPES}))`);
    await q.query(`DROP TABLE webhook_batches`);
  }
}
