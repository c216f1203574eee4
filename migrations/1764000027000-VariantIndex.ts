import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was tested of an A/B test, also once its winner goes to everybody: the messages of a variant until then, without those of the campaign. */
export class VariantIndex1764000027000 implements MigrationInterface {
  name = 'VariantIndex1764000027000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`CREATE INDEX idx_emails_variant ON emails (tenant_id, variant_id, created_at) WHERE variant_id IS NOT NULL`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP INDEX idx_emails_variant`);
  }
}
