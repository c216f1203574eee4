import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Hits on pixels and links as they come, a commit's worth in one row; they become events when they are applied. */
export class HitBatches1764000013000 implements MigrationInterface {
  name = 'HitBatches1764000013000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE hit_batches (
        id uuid NOT NULL DEFAULT uuidv7(),
        hit_count integer NOT NULL,
        hits text NOT NULL,
        CONSTRAINT pk_hit_batches PRIMARY KEY (id)
      )`);
    // Read once, a moment later: compressing it would cost more than it saves.
    await q.query(`ALTER TABLE hit_batches ALTER COLUMN hits SET STORAGE EXTERNAL`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE hit_batches`);
  }
}
