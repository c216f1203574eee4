import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was decided about each enrolment, on its own row: written with the update that every advance makes anyway. */
export class Traces1764000019500 implements MigrationInterface {
  name = 'Traces1764000019500';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE campaign_contacts ADD COLUMN trace text NOT NULL DEFAULT ''`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE campaign_contacts DROP COLUMN trace`);
  }
}
