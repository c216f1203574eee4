import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A/B tests: variants with a place and templates of their own, the test's terms on the step, and what was decided. */
export class Experiments1764000012000 implements MigrationInterface {
  name = 'Experiments1764000012000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE step_variants
        ADD COLUMN position smallint NOT NULL DEFAULT 1,
        ADD COLUMN template_id uuid,
        ADD COLUMN template_version integer,
        ADD CONSTRAINT fk_step_variants_template FOREIGN KEY (tenant_id, template_id) REFERENCES templates (tenant_id, id)`);
    await q.query(`ALTER TABLE campaign_steps ADD COLUMN ab_test jsonb`);
    // Beside the trigger that is there, so that a migration that renews that one does not have to know of this column.
    await q.query(`
      CREATE TRIGGER touch_campaign_steps_ab_test BEFORE UPDATE OF ab_test ON campaign_steps FOR EACH ROW EXECUTE FUNCTION touch_updated_at()`);
    // One row per step, and so per version: the steps of another version have ids of their own. No foreign key to the campaign: the engine
    // writes this row while it holds enrolments, and must not wait for whoever holds the campaign's row.
    await q.query(`
      CREATE TABLE ab_decisions (
        tenant_id uuid NOT NULL,
        step_id uuid NOT NULL,
        campaign_id uuid NOT NULL,
        version integer NOT NULL,
        status varchar(20) NOT NULL DEFAULT 'testing',
        started_at timestamptz NOT NULL,
        next_look_at timestamptz,
        deadline timestamptz,
        alpha_spent double precision NOT NULL DEFAULT 0,
        looks smallint NOT NULL DEFAULT 0,
        outcome varchar(20),
        winner_variant_id uuid,
        reason text,
        figures jsonb,
        decided_at timestamptz,
        decided_by varchar(100),
        released_at timestamptz,
        CONSTRAINT pk_ab_decisions PRIMARY KEY (tenant_id, step_id),
        CONSTRAINT ck_ab_decisions_status CHECK (status IN ('testing', 'decided')),
        CONSTRAINT ck_ab_decisions_outcome CHECK (outcome IN ('significant', 'inconclusive', 'manual')),
        CONSTRAINT ck_ab_decisions_decided CHECK ((status = 'decided') = (outcome IS NOT NULL AND decided_at IS NOT NULL)),
        CONSTRAINT fk_ab_decisions_step FOREIGN KEY (tenant_id, step_id) REFERENCES campaign_steps (tenant_id, id) ON DELETE CASCADE
      )`);
    await q.query(`CREATE INDEX idx_ab_decisions_look ON ab_decisions (next_look_at) WHERE status = 'testing'`);
    await q.query(`CREATE INDEX idx_ab_decisions_release ON ab_decisions (decided_at) WHERE released_at IS NULL AND status = 'decided'`);
    await q.query(`CREATE INDEX idx_ab_decisions_campaign ON ab_decisions (tenant_id, campaign_id)`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE ab_decisions`);
    await q.query(`DROP TRIGGER touch_campaign_steps_ab_test ON campaign_steps`);
    await q.query(`ALTER TABLE campaign_steps DROP COLUMN ab_test`);
    await q.query(`ALTER TABLE step_variants DROP COLUMN position, DROP COLUMN template_id, DROP COLUMN template_version`);
  }
}
