import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Waits for dates and times of day, splits, and starts on each contact's own clock. */
export class CampaignKinds1764000010000 implements MigrationInterface {
  name = 'CampaignKinds1764000010000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`ALTER TABLE campaigns ADD COLUMN start_in_contact_zone boolean NOT NULL DEFAULT false`);
    await this.touch(q, 'campaigns', 'start_in_contact_zone');
    await q.query(`
      ALTER TABLE campaign_steps
        ADD COLUMN wait_until jsonb,
        ADD COLUMN split_config jsonb`);
    await this.touch(q, 'campaign_steps', 'wait_until, split_config');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TRIGGER touch_campaign_steps_kinds ON campaign_steps`);
    await q.query(`ALTER TABLE campaign_steps DROP COLUMN wait_until, DROP COLUMN split_config`);
    await q.query(`DROP TRIGGER touch_campaigns_kinds ON campaigns`);
    await q.query(`ALTER TABLE campaigns DROP COLUMN start_in_contact_zone`);
  }

  /** Beside the trigger that the table has: several migrations may add columns without knowing of each other's. */
  private async touch(q: QueryRunner, table: string, columns: string): Promise<void> {
    await q.query(
      `CREATE TRIGGER touch_${table}_kinds BEFORE UPDATE OF ${columns} ON ${table} FOR EACH ROW EXECUTE FUNCTION touch_updated_at()`,
    );
  }
}
