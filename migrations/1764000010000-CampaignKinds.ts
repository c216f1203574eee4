import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Waits for dates and times of day, splits, calls to webhooks as steps, and starts on each contact's own clock. */
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

    // The ledger of calls that webhook steps make: one per (enrolment, step, entry), as emails have it.
    await q.query(`
      CREATE TABLE step_calls (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        campaign_id uuid NOT NULL,
        step_id uuid NOT NULL,
        enrollment_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        entry_number integer NOT NULL,
        status varchar(20) NOT NULL DEFAULT 'pending',
        reason varchar(50),
        attempts smallint NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        lease_token uuid,
        lease_expires_at timestamptz,
        last_attempt_at timestamptz,
        status_code smallint,
        error varchar(300),
        created_at timestamptz NOT NULL,
        settled_at timestamptz,
        CONSTRAINT pk_step_calls PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_step_calls_entry UNIQUE (tenant_id, enrollment_id, step_id, entry_number),
        CONSTRAINT ck_step_calls_status CHECK (status IN ('pending', 'delivered', 'failed', 'cancelled')),
        CONSTRAINT ck_step_calls_reason CHECK (status NOT IN ('failed', 'cancelled') OR reason IS NOT NULL),
        CONSTRAINT ck_step_calls_settled CHECK ((status = 'pending') = (settled_at IS NULL)),
        CONSTRAINT fk_step_calls_enrollment FOREIGN KEY (tenant_id, enrollment_id) REFERENCES campaign_contacts (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_step_calls_step FOREIGN KEY (tenant_id, campaign_id, step_id) REFERENCES campaign_steps (tenant_id, campaign_id, id)
      ) WITH (fillfactor = 75)`);
    await q.query(`CREATE INDEX idx_step_calls_due ON step_calls (tenant_id, campaign_id, step_id, due_at, id) WHERE status = 'pending'`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE step_calls`);
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
