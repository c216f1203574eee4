import type { MigrationInterface, QueryRunner } from 'typeorm';

const TOUCHED = `workspace_id, name, description, campaign_type, status, category, segment_id, from_email, from_name, reply_to_email, start_date, end_date,
  timezone, send_strategy, track_opens, track_clicks, unsubscribe_enabled, unknown_policy, steps_version`;
const SETTINGS = 'send_rate_per_minute, ramp_plan, frequency_cap, send_window, pause_thresholds';

/** How fast and when mail may go out, and what stops it: budgets, windows, caps, breakers and automatic pauses, all of it kept as rows. */
export class Pacing1764000003000 implements MigrationInterface {
  name = 'Pacing1764000003000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE campaigns
        ADD COLUMN send_rate_per_minute integer,
        ADD COLUMN ramp_plan jsonb,
        ADD COLUMN frequency_cap jsonb,
        ADD COLUMN send_window jsonb,
        ADD COLUMN pause_thresholds jsonb,
        ADD COLUMN pause_reason varchar(40),
        ADD COLUMN pause_detail text,
        ADD COLUMN rates_counted_from timestamptz,
        ADD CONSTRAINT ck_campaigns_send_rate CHECK (send_rate_per_minute > 0)`);
    await this.touch(q, `${TOUCHED}, exit_on_reply, ${SETTINGS}`);

    await q.query(`ALTER TABLE emails ADD COLUMN first_fired_at timestamptz`);
    await q.query(`UPDATE emails SET first_fired_at = sending_at WHERE status = 'queued' AND sending_at IS NOT NULL`);
    // Few rows; counts the refusals that pause a campaign.
    await q.query(`CREATE INDEX idx_emails_failed ON emails (tenant_id, campaign_id) WHERE status = 'failed'`);

    // What a tenant sets for all its campaigns.
    await q.query(`
      CREATE TABLE pacing_settings (
        tenant_id uuid NOT NULL,
        settings jsonb NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT pk_pacing_settings PRIMARY KEY (tenant_id),
        CONSTRAINT fk_pacing_settings_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    // Token buckets. Changed with every group that is fired under a rate: room on the page keeps that a heap-only update.
    await q.query(`
      CREATE TABLE send_budgets (
        tenant_id uuid NOT NULL,
        scope varchar(20) NOT NULL,
        key varchar(320) NOT NULL,
        tokens double precision NOT NULL,
        refilled_at timestamptz NOT NULL,
        spread_until timestamptz,
        CONSTRAINT pk_send_budgets PRIMARY KEY (tenant_id, scope, key),
        CONSTRAINT ck_send_budgets_scope CHECK (scope IN ('campaign', 'ramp', 'account', 'domain')),
        CONSTRAINT fk_send_budgets_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      ) WITH (fillfactor = 50)`);
    // By account, not by tenant: an account may serve many tenants, and is down for all of them or for none.
    await q.query(`
      CREATE TABLE provider_health (
        account_key varchar(120) NOT NULL,
        state varchar(10) NOT NULL DEFAULT 'closed',
        window_started_at timestamptz NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        failures integer NOT NULL DEFAULT 0,
        openings integer NOT NULL DEFAULT 0,
        opened_at timestamptz,
        retry_at timestamptz,
        reason varchar(100),
        detail text,
        CONSTRAINT pk_provider_health PRIMARY KEY (account_key),
        CONSTRAINT ck_provider_health_state CHECK (state IN ('closed', 'open', 'half_open')),
        CONSTRAINT ck_provider_health_open CHECK ((state = 'closed') = (retry_at IS NULL))
      )`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP INDEX idx_emails_failed`);
    await q.query(`ALTER TABLE emails DROP COLUMN first_fired_at`);
    await q.query(`DROP TABLE provider_health, send_budgets, pacing_settings`);
    await this.touch(q, TOUCHED);
    await q.query(`
      ALTER TABLE campaigns DROP CONSTRAINT ck_campaigns_send_rate, DROP COLUMN send_rate_per_minute, DROP COLUMN ramp_plan,
        DROP COLUMN frequency_cap, DROP COLUMN send_window, DROP COLUMN pause_thresholds, DROP COLUMN pause_reason, DROP COLUMN pause_detail,
        DROP COLUMN rates_counted_from`);
  }

  private async touch(q: QueryRunner, columns: string): Promise<void> {
    await q.query(`DROP TRIGGER touch_campaigns ON campaigns`);
    await q.query(
      `CREATE TRIGGER touch_campaigns BEFORE UPDATE OF ${columns} ON campaigns FOR EACH ROW EXECUTE FUNCTION touch_updated_at()`,
    );
  }
}
