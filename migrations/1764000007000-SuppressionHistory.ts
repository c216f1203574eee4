import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What happened to the suppression list, and bounces that are not final yet. */
export class SuppressionHistory1764000007000 implements MigrationInterface {
  name = 'SuppressionHistory1764000007000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE suppression_events (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        email_norm varchar(320) NOT NULL,
        action varchar(20) NOT NULL,
        reason varchar(50) NOT NULL,
        source varchar(50) NOT NULL,
        detail text,
        actor_type varchar(20) NOT NULL,
        actor_id uuid,
        at timestamptz NOT NULL,
        CONSTRAINT pk_suppression_events PRIMARY KEY (tenant_id, id),
        CONSTRAINT ck_suppression_events_action CHECK (action IN ('added', 'changed', 'removed')),
        CONSTRAINT fk_suppression_events_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    await q.query(`CREATE INDEX idx_suppression_events_email ON suppression_events (tenant_id, email_norm, id)`);
    // What stood there before this table: how it came is known only as far as the row says.
    await q.query(`
      INSERT INTO suppression_events (tenant_id, email_norm, action, reason, source, detail, actor_type, at)
      SELECT tenant_id, email_norm, 'added', reason, source, detail, 'system', created_at FROM suppressions`);
    await q.query(`CREATE INDEX idx_suppressions_reason ON suppressions (tenant_id, reason, email_norm)`);

    await q.query(`
      CREATE TABLE soft_bounces (
        tenant_id uuid NOT NULL,
        email_norm varchar(320) NOT NULL,
        bounces integer NOT NULL,
        last_bounce_at timestamptz NOT NULL,
        CONSTRAINT pk_soft_bounces PRIMARY KEY (tenant_id, email_norm),
        CONSTRAINT ck_soft_bounces_bounces CHECK (bounces > 0),
        CONSTRAINT fk_soft_bounces_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    await q.query(`
      ALTER TABLE tenants ADD COLUMN soft_bounce_limit integer NOT NULL DEFAULT 5,
        ADD CONSTRAINT ck_tenants_soft_bounce_limit CHECK (soft_bounce_limit BETWEEN 1 AND 100)`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE tenants DROP COLUMN soft_bounce_limit`);
    await q.query(`DROP TABLE soft_bounces, suppression_events`);
    await q.query(`DROP INDEX idx_suppressions_reason`);
  }
}
