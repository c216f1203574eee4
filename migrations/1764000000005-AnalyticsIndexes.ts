import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Tells which campaigns something happened to lately, without looking at campaigns to which nothing did. Events are applied about in the order
 * of time, so the index grows at its right edge only.
 */
export class AnalyticsIndexes1764000000005 implements MigrationInterface {
  name = 'AnalyticsIndexes1764000000005';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`CREATE INDEX idx_email_events_applied ON email_events (applied_at) WHERE applied_at IS NOT NULL`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP INDEX idx_email_events_applied`);
  }
}
