import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How often something was asked for. Unlogged: what a crash takes away is a minute of counting, and a count costs no write to the log. */
export class RateLimits1764000025000 implements MigrationInterface {
  name = 'RateLimits1764000025000';

  async up(q: QueryRunner): Promise<void> {
    // Half empty pages: every count replaces its row, which then finds room beside the old one and touches no index.
    await q.query(`
      CREATE UNLOGGED TABLE rate_limits (
        key bytea NOT NULL,
        used integer NOT NULL,
        resets_at timestamptz NOT NULL,
        CONSTRAINT pk_rate_limits PRIMARY KEY (key)
      ) WITH (fillfactor = 50)`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE rate_limits`);
  }
}
