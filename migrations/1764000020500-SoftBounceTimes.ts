import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Soft bounces are kept with their times, the latest first: a delivery that is told late takes back those before it and no others, whatever order
 * they were told in. Of the bounces counted until now only the time of the last is known.
 */
export class SoftBounceTimes1764000020500 implements MigrationInterface {
  name = 'SoftBounceTimes1764000020500';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE soft_bounces ADD COLUMN bounced_at timestamptz[]`);
    await q.query(`UPDATE soft_bounces SET bounced_at = array_fill(last_bounce_at, ARRAY[least(bounces, 100)])`);
    await q.query(`
      ALTER TABLE soft_bounces DROP CONSTRAINT ck_soft_bounces_bounces, DROP COLUMN bounces, DROP COLUMN last_bounce_at,
        ALTER COLUMN bounced_at SET NOT NULL, ADD CONSTRAINT ck_soft_bounces_bounced_at CHECK (cardinality(bounced_at) > 0)`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE soft_bounces ADD COLUMN bounces integer, ADD COLUMN last_bounce_at timestamptz`);
    await q.query(`UPDATE soft_bounces SET bounces = cardinality(bounced_at), last_bounce_at = bounced_at[1]`);
    await q.query(`
      ALTER TABLE soft_bounces DROP CONSTRAINT ck_soft_bounces_bounced_at, DROP COLUMN bounced_at, ALTER COLUMN bounces SET NOT NULL,
        ALTER COLUMN last_bounce_at SET NOT NULL, ADD CONSTRAINT ck_soft_bounces_bounces CHECK (bounces > 0)`);
  }
}
