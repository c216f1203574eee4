import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Versions of the steps of a campaign that is under way, and which step of one version goes on with which of another. */
export class CampaignVersions1764000018000 implements MigrationInterface {
  name = 'CampaignVersions1764000018000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE campaign_versions (
        tenant_id uuid NOT NULL,
        campaign_id uuid NOT NULL,
        version integer NOT NULL,
        status varchar(20) NOT NULL,
        based_on integer,
        policy varchar(20),
        created_by uuid,
        created_at timestamptz NOT NULL,
        published_by uuid,
        published_at timestamptz,
        CONSTRAINT pk_campaign_versions PRIMARY KEY (tenant_id, campaign_id, version),
        CONSTRAINT ck_campaign_versions_status CHECK (status IN ('draft', 'live', 'superseded', 'discarded')),
        CONSTRAINT ck_campaign_versions_policy CHECK (policy IN ('new_contacts_only', 'move_everyone')),
        CONSTRAINT ck_campaign_versions_published CHECK ((status IN ('live', 'superseded')) = (published_at IS NOT NULL)),
        CONSTRAINT fk_campaign_versions_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE
      )`);
    await q.query(`CREATE UNIQUE INDEX uq_campaign_versions_draft ON campaign_versions (tenant_id, campaign_id) WHERE status = 'draft'`);
    await q.query(`CREATE UNIQUE INDEX uq_campaign_versions_live ON campaign_versions (tenant_id, campaign_id) WHERE status = 'live'`);
    await q.query(`
      INSERT INTO campaign_versions (tenant_id, campaign_id, version, status, created_by, created_at, published_at)
      SELECT tenant_id, id, steps_version, 'live', created_by, created_at, launched_at FROM campaigns WHERE launched_at IS NOT NULL`);
    await q.query(`ALTER TABLE campaigns ADD COLUMN steps_revision integer NOT NULL DEFAULT 0`);

    // The first step of a line names itself. A default cannot look at another column, so a trigger fills it in.
    for (const table of ['campaign_steps', 'step_variants']) {
      await q.query(`ALTER TABLE ${table} ADD COLUMN lineage_id uuid`);
      await q.query(`UPDATE ${table} SET lineage_id = id`);
      await q.query(`ALTER TABLE ${table} ALTER COLUMN lineage_id SET NOT NULL`);
    }
    await q.query(`
      CREATE FUNCTION begin_lineage() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.lineage_id := NEW.id;
        RETURN NEW;
      END $$`);
    for (const table of ['campaign_steps', 'step_variants']) {
      await q.query(`
        CREATE TRIGGER begin_lineage_${table} BEFORE INSERT ON ${table} FOR EACH ROW WHEN (NEW.lineage_id IS NULL) EXECUTE FUNCTION begin_lineage()`);
    }
    await q.query(`CREATE INDEX idx_campaign_steps_lineage ON campaign_steps (tenant_id, lineage_id)`);
  }

  async down(q: QueryRunner): Promise<void> {
    for (const table of ['campaign_steps', 'step_variants']) {
      await q.query(`DROP TRIGGER begin_lineage_${table} ON ${table}`);
      await q.query(`ALTER TABLE ${table} DROP COLUMN lineage_id`);
    }
    await q.query(`DROP FUNCTION begin_lineage()`);
    await q.query(`ALTER TABLE campaigns DROP COLUMN steps_revision`);
    await q.query(`DROP TABLE campaign_versions`);
  }
}
