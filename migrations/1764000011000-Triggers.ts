import type { MigrationInterface, QueryRunner } from 'typeorm';

const SETTINGS = 'entry_trigger, reentry, goal, exit_on_segment_leave, keep_enrolling';

/**
 * What lets people into a running campaign, out of it, and on inside it: triggers, re-entry, goals, watched segments, steps that wait for an
 * event, and the action that enrols elsewhere.
 */
export class Triggers1764000011000 implements MigrationInterface {
  name = 'Triggers1764000011000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      ALTER TABLE campaigns
        ADD COLUMN entry_trigger jsonb,
        ADD COLUMN reentry jsonb,
        ADD COLUMN goal jsonb,
        ADD COLUMN exit_on_segment_leave boolean NOT NULL DEFAULT false,
        ADD COLUMN keep_enrolling boolean NOT NULL DEFAULT false,
        ADD COLUMN enrollment_closed_at timestamptz`);
    await q.query(
      `CREATE TRIGGER touch_campaigns_entry BEFORE UPDATE OF ${SETTINGS} ON campaigns FOR EACH ROW EXECUTE FUNCTION touch_updated_at()`,
    );
    await q.query(`ALTER TABLE campaign_contacts ADD COLUMN entry_depth smallint NOT NULL DEFAULT 0`);

    // Events recorded before this release start nothing.
    await q.query(`ALTER TABLE contact_events ADD COLUMN applied_at timestamptz`);
    await q.query(`UPDATE contact_events SET applied_at = now()`);
    await q.query(`CREATE INDEX idx_contact_events_unapplied ON contact_events (tenant_id, id) WHERE applied_at IS NULL`);

    // What a launched campaign listens to; gone when it ends, so that old campaigns cost an event nothing.
    await q.query(`
      CREATE TABLE campaign_triggers (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        campaign_id uuid NOT NULL,
        purpose varchar(10) NOT NULL,
        step_id uuid,
        event_name varchar(100) NOT NULL,
        filter jsonb,
        CONSTRAINT pk_campaign_triggers PRIMARY KEY (tenant_id, id),
        CONSTRAINT ck_campaign_triggers_purpose CHECK (purpose IN ('entry', 'goal', 'wait')),
        CONSTRAINT ck_campaign_triggers_step CHECK ((purpose = 'wait') = (step_id IS NOT NULL)),
        CONSTRAINT fk_campaign_triggers_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_campaign_triggers_step FOREIGN KEY (tenant_id, campaign_id, step_id)
          REFERENCES campaign_steps (tenant_id, campaign_id, id) ON DELETE CASCADE
      )`);
    await q.query(`CREATE INDEX idx_campaign_triggers_event ON campaign_triggers (tenant_id, event_name)`);
    await q.query(`CREATE INDEX idx_campaign_triggers_campaign ON campaign_triggers (tenant_id, campaign_id)`);

    // Rounds through an audience, in pieces: where each has come to, and when it begins anew.
    await q.query(`
      CREATE TABLE campaign_watches (
        tenant_id uuid NOT NULL,
        campaign_id uuid NOT NULL,
        kind varchar(10) NOT NULL,
        cursor uuid,
        rounds integer NOT NULL DEFAULT 0,
        worked_ms integer NOT NULL DEFAULT 0,
        next_at timestamptz NOT NULL,
        CONSTRAINT pk_campaign_watches PRIMARY KEY (tenant_id, campaign_id, kind),
        CONSTRAINT ck_campaign_watches_kind CHECK (kind IN ('entry', 'inside')),
        CONSTRAINT fk_campaign_watches_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE
      )`);
    await q.query(`CREATE INDEX idx_campaign_watches_next ON campaign_watches (next_at, tenant_id, campaign_id)`);
    await q.query(`
      CREATE TABLE campaign_watch_members (
        tenant_id uuid NOT NULL,
        campaign_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        CONSTRAINT pk_campaign_watch_members PRIMARY KEY (tenant_id, campaign_id, contact_id),
        CONSTRAINT fk_campaign_watch_members_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE
      )`);

    // What came of an action "enroll", once per contact, step and entry.
    await q.query(`
      CREATE TABLE campaign_handovers (
        tenant_id uuid NOT NULL,
        enrollment_id uuid NOT NULL,
        step_id uuid NOT NULL,
        entry_number integer NOT NULL,
        target_campaign_id uuid NOT NULL,
        outcome varchar(30) NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT pk_campaign_handovers PRIMARY KEY (tenant_id, enrollment_id, step_id, entry_number),
        CONSTRAINT ck_campaign_handovers_outcome CHECK (outcome IN ('enrolled', 'already_inside', 'may_not_enter', 'not_mailable', 'not_open', 'too_many_hops')),
        CONSTRAINT fk_campaign_handovers_enrollment FOREIGN KEY (tenant_id, enrollment_id)
          REFERENCES campaign_contacts (tenant_id, id) ON DELETE CASCADE
      )`);

    await q.query(`ALTER TABLE campaign_steps ADD COLUMN wait_event jsonb`);
    await q.query(
      `CREATE TRIGGER touch_campaign_steps_event BEFORE UPDATE OF wait_event ON campaign_steps FOR EACH ROW EXECUTE FUNCTION touch_updated_at()`,
    );
    await this.stepTypes(q, `'email', 'wait', 'condition', 'action', 'wait_for'`);
  }

  async down(q: QueryRunner): Promise<void> {
    await this.stepTypes(q, `'email', 'wait', 'condition', 'action'`);
    await q.query(`DROP TRIGGER touch_campaign_steps_event ON campaign_steps`);
    await q.query(`ALTER TABLE campaign_steps DROP COLUMN wait_event`);
    await q.query(`DROP TABLE campaign_handovers, campaign_watch_members, campaign_watches, campaign_triggers`);
    await q.query(`ALTER TABLE contact_events DROP COLUMN applied_at`);
    await q.query(`ALTER TABLE campaign_contacts DROP COLUMN entry_depth`);
    await q.query(`DROP TRIGGER touch_campaigns_entry ON campaigns`);
    await q.query(`
      ALTER TABLE campaigns DROP COLUMN entry_trigger, DROP COLUMN reentry, DROP COLUMN goal, DROP COLUMN exit_on_segment_leave,
        DROP COLUMN keep_enrolling, DROP COLUMN enrollment_closed_at`);
  }

  private async stepTypes(q: QueryRunner, types: string): Promise<void> {
    await q.query(`ALTER TABLE campaign_steps DROP CONSTRAINT ck_campaign_steps_type`);
    await q.query(`ALTER TABLE campaign_steps ADD CONSTRAINT ck_campaign_steps_type CHECK (step_type IN (${types}))`);
  }
}
