import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an approval is asked for, with the hash of the content it is bound to; the approvers' says stay in `campaign_approvals`, by round. */
export class Approvals1764000021000 implements MigrationInterface {
  name = 'Approvals1764000021000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE campaigns ADD COLUMN last_edited_by uuid,
        ADD CONSTRAINT fk_campaigns_last_edited_by FOREIGN KEY (tenant_id, last_edited_by) REFERENCES users (tenant_id, id)`);
    await q.query(`
      CREATE TABLE approval_requests (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        campaign_id uuid NOT NULL,
        round integer NOT NULL,
        steps_version integer NOT NULL,
        status varchar(20) NOT NULL DEFAULT 'pending',
        stages jsonb NOT NULL,
        content_hash bytea NOT NULL,
        parts jsonb NOT NULL,
        audience jsonb,
        preflight jsonb NOT NULL,
        message text,
        requested_by uuid NOT NULL,
        requested_at timestamptz NOT NULL,
        decided_at timestamptz,
        used_at timestamptz,
        CONSTRAINT pk_approval_requests PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_approval_requests_round UNIQUE (tenant_id, campaign_id, round),
        CONSTRAINT ck_approval_requests_status CHECK (status IN ('pending', 'approved', 'rejected', 'withdrawn', 'void')),
        CONSTRAINT ck_approval_requests_decided CHECK ((status = 'pending') = (decided_at IS NULL)),
        CONSTRAINT fk_approval_requests_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_approval_requests_requester FOREIGN KEY (tenant_id, requested_by) REFERENCES users (tenant_id, id)
      )`);
    await q.query(`CREATE INDEX idx_approval_requests_pending ON approval_requests (tenant_id, id) WHERE status = 'pending'`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE approval_requests`);
    await q.query(`ALTER TABLE campaigns DROP COLUMN last_edited_by`);
  }
}
