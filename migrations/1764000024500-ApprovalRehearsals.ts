import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What approvers are shown is kept as of the request: the rehearsal too. */
export class ApprovalRehearsals1764000024500 implements MigrationInterface {
  name = 'ApprovalRehearsals1764000024500';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE approval_requests ADD COLUMN rehearsal jsonb`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE approval_requests DROP COLUMN rehearsal`);
  }
}
