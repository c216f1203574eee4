import type { MigrationInterface, QueryRunner } from 'typeorm';

/** From where something was done, and the way to everything somebody did. */
export class AuditOrigin1764000023000 implements MigrationInterface {
  name = 'AuditOrigin1764000023000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE audit_log DROP COLUMN origin, ADD COLUMN ip varchar(45), ADD COLUMN user_agent varchar(300)`);
    await q.query(`CREATE INDEX idx_audit_log_actor ON audit_log (tenant_id, actor_id, id) WHERE actor_id IS NOT NULL`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP INDEX idx_audit_log_actor`);
    await q.query(`ALTER TABLE audit_log DROP COLUMN ip, DROP COLUMN user_agent, ADD COLUMN origin varchar(100)`);
  }
}
