import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Calls of actions "webhook": recorded in the transaction in which contacts pass the step, made afterwards. */
export class StepCalls1764000019000 implements MigrationInterface {
  name = 'StepCalls1764000019000';

  async up(q: QueryRunner): Promise<void> {
    // One row per (enrolment, step, entry), as in the ledger of emails. A claim changes only unindexed columns: with room it stays a heap-only update.
    await q.query(`
      CREATE TABLE step_calls (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        campaign_id uuid NOT NULL,
        step_id uuid NOT NULL,
        enrollment_id uuid NOT NULL,
        entry_number integer NOT NULL,
        occurred_at timestamptz NOT NULL,
        status varchar(20) NOT NULL DEFAULT 'pending',
        attempts smallint NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        lease_token uuid,
        lease_expires_at timestamptz,
        last_attempt_at timestamptz,
        status_code smallint,
        duration_ms integer,
        error varchar(300),
        CONSTRAINT pk_step_calls PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_step_calls_entry UNIQUE (tenant_id, enrollment_id, step_id, entry_number),
        CONSTRAINT ck_step_calls_status CHECK (status IN ('pending', 'delivered', 'failed', 'cancelled')),
        CONSTRAINT ck_step_calls_error CHECK (status NOT IN ('failed', 'cancelled') OR error IS NOT NULL OR status_code IS NOT NULL),
        CONSTRAINT fk_step_calls_enrollment FOREIGN KEY (tenant_id, enrollment_id) REFERENCES campaign_contacts (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_step_calls_step FOREIGN KEY (tenant_id, campaign_id, step_id) REFERENCES campaign_steps (tenant_id, campaign_id, id)
      ) WITH (fillfactor = 70)`);
    await q.query(`CREATE INDEX idx_step_calls_due ON step_calls (tenant_id, campaign_id, step_id, due_at, id) WHERE status = 'pending'`);
    await q.query(`CREATE INDEX idx_step_calls_log ON step_calls (tenant_id, campaign_id, step_id, id)`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE step_calls`);
  }
}
