import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The report of links reads the clicks of a campaign: from here, without its other events and without touching the events themselves. */
export class ClickIndex1764000024000 implements MigrationInterface {
  name = 'ClickIndex1764000024000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(
      `CREATE INDEX idx_email_events_clicked ON email_events (tenant_id, campaign_id, link_id, email_id, is_machine) WHERE type = 'clicked'`,
    );
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP INDEX idx_email_events_clicked`);
  }
}
