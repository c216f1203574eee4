import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Room on the ledger's pages for a second version of every row. A worker claims all rows of a page in one transaction, and only with room for all of
 * them the claims stay heap-only updates: with a quarter of the page free, three of four claims put a new entry into three indexes.
 */
export class LedgerRoom1764000017000 implements MigrationInterface {
  name = 'LedgerRoom1764000017000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE emails SET (fillfactor = 50)`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE emails SET (fillfactor = 75)`);
  }
}
