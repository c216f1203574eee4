import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The moment of a launch by the database's clock, which also dates the contacts: whether somebody was there before the launch must not depend on the
 * clock of the machine that launched. Null for campaigns launched before this column was there.
 */
export class AudienceClock1764000015000 implements MigrationInterface {
  name = 'AudienceClock1764000015000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE campaigns ADD COLUMN audience_at timestamptz`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE campaigns DROP COLUMN audience_at`);
  }
}
