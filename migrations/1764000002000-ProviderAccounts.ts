import type { MigrationInterface, QueryRunner } from 'typeorm';

const TOUCHING = `workspace_id, name, description, campaign_type, status, category, segment_id, from_email, from_name, reply_to_email, start_date,
  end_date, timezone, send_strategy, track_opens, track_clicks, unsubscribe_enabled, unknown_policy, steps_version`;

/** Accounts of tenants with mail providers, and which of them a campaign sends through. */
export class ProviderAccounts1764000002000 implements MigrationInterface {
  name = 'ProviderAccounts1764000002000';

  async up(q: QueryRunner): Promise<void> {
    // Until now there was the table but no way to fill it.
    await q.query(`ALTER TABLE provider_accounts RENAME COLUMN disabled_at TO archived_at`);
    await q.query(`
      ALTER TABLE provider_accounts
        DROP CONSTRAINT uq_provider_accounts_name,
        ADD COLUMN is_default boolean NOT NULL DEFAULT false,
        ADD CONSTRAINT ck_provider_accounts_settings CHECK (jsonb_typeof(settings) = 'object'),
        ADD CONSTRAINT ck_provider_accounts_archived CHECK (archived_at IS NULL OR (encrypted_secrets IS NULL AND NOT is_default))`);
    await q.query(`CREATE UNIQUE INDEX uq_provider_accounts_name ON provider_accounts (tenant_id, name) WHERE archived_at IS NULL`);
    await q.query(`CREATE UNIQUE INDEX uq_provider_accounts_default ON provider_accounts (tenant_id) WHERE is_default`);

    await q.query(`
      ALTER TABLE campaigns ADD COLUMN provider_account_id uuid,
        ADD CONSTRAINT fk_campaigns_provider_account FOREIGN KEY (tenant_id, provider_account_id) REFERENCES provider_accounts (tenant_id, id)`);
    await q.query(
      `CREATE INDEX idx_campaigns_provider_account ON campaigns (tenant_id, provider_account_id) WHERE provider_account_id IS NOT NULL`,
    );
    await this.touch(q, `${TOUCHING}, exit_on_reply, provider_account_id`);
  }

  async down(q: QueryRunner): Promise<void> {
    await this.touch(q, TOUCHING);
    await q.query(`ALTER TABLE campaigns DROP COLUMN provider_account_id`);
    await q.query(`DROP INDEX uq_provider_accounts_name`);
    await q.query(`
      ALTER TABLE provider_accounts
        DROP CONSTRAINT ck_provider_accounts_archived,
        DROP CONSTRAINT ck_provider_accounts_settings,
        DROP COLUMN is_default`);
    await q.query(`ALTER TABLE provider_accounts RENAME COLUMN archived_at TO disabled_at`);
    // Deleted accounts may share their name with a living one.
    await q.query(`UPDATE provider_accounts SET name = left(name, 218) || ' ' || id WHERE disabled_at IS NOT NULL`);
    await q.query(`ALTER TABLE provider_accounts ADD CONSTRAINT uq_provider_accounts_name UNIQUE (tenant_id, name)`);
  }

  /** Every setting changes `updated_at`: a launch compares it to know that what it checked is what it launches. */
  private async touch(q: QueryRunner, columns: string): Promise<void> {
    await q.query(`DROP TRIGGER touch_campaigns ON campaigns`);
    await q.query(
      `CREATE TRIGGER touch_campaigns BEFORE UPDATE OF ${columns} ON campaigns FOR EACH ROW EXECUTE FUNCTION touch_updated_at()`,
    );
  }
}
