import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The specification's campaigns, steps, enrolments, analytics and approvals, names kept (specification lines 18–192). Added: `tenant_id`
 * everywhere, zones on instants, CHECKs for the states, composite foreign keys, and the columns `spec-decisions` asks for.
 */
export class Campaigns1764000000003 implements MigrationInterface {
  name = 'Campaigns1764000000003';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE campaigns (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        workspace_id uuid,
        name varchar(255) NOT NULL,
        description text,
        campaign_type varchar(50) NOT NULL,
        status varchar(50) NOT NULL DEFAULT 'draft',
        category varchar(20) NOT NULL DEFAULT 'marketing',
        segment_id uuid,
        total_contacts integer NOT NULL DEFAULT 0,
        from_email varchar(255),
        from_name varchar(255),
        reply_to_email varchar(255),
        start_date timestamptz,
        end_date timestamptz,
        timezone varchar(100) NOT NULL DEFAULT 'UTC',
        send_strategy varchar(50) NOT NULL DEFAULT 'immediate',
        track_opens boolean NOT NULL DEFAULT true,
        track_clicks boolean NOT NULL DEFAULT true,
        unsubscribe_enabled boolean NOT NULL DEFAULT true,
        unknown_policy varchar(20) NOT NULL DEFAULT 'hold',
        steps_version integer NOT NULL DEFAULT 1,
        launch_state varchar(20) NOT NULL DEFAULT 'none',
        launch_error text,
        enroll_cursor uuid,
        enroll_total integer,
        created_by uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        launched_at timestamptz,
        paused_at timestamptz,
        completed_at timestamptz,
        cancelled_at timestamptz,
        CONSTRAINT pk_campaigns PRIMARY KEY (tenant_id, id),
        CONSTRAINT ck_campaigns_name CHECK (btrim(name) <> ''),
        CONSTRAINT ck_campaigns_type CHECK (campaign_type IN ('broadcast', 'drip', 'triggered', 'ab_test')),
        CONSTRAINT ck_campaigns_status CHECK (status IN ('draft', 'scheduled', 'active', 'paused', 'completed', 'cancelled')),
        CONSTRAINT ck_campaigns_category CHECK (category IN ('marketing', 'transactional')),
        CONSTRAINT ck_campaigns_send_strategy CHECK (send_strategy IN ('immediate', 'scheduled', 'optimized')),
        CONSTRAINT ck_campaigns_unknown_policy CHECK (unknown_policy IN ('hold', 'resend')),
        CONSTRAINT ck_campaigns_launch_state CHECK (launch_state IN ('none', 'enrolling', 'enrolled', 'failed')),
        CONSTRAINT ck_campaigns_dates CHECK (end_date IS NULL OR start_date IS NULL OR end_date > start_date),
        CONSTRAINT ck_campaigns_launched CHECK (status IN ('draft', 'scheduled', 'cancelled') OR launched_at IS NOT NULL),
        CONSTRAINT ck_campaigns_completed CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
        CONSTRAINT fk_campaigns_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
        CONSTRAINT fk_campaigns_workspace FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id),
        CONSTRAINT fk_campaigns_segment FOREIGN KEY (tenant_id, segment_id) REFERENCES segments (tenant_id, id),
        CONSTRAINT fk_campaigns_created_by FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id)
      )`);
    await q.query(`CREATE INDEX idx_campaigns_status ON campaigns (status, tenant_id, id)`);
    await q.query(`CREATE INDEX idx_campaigns_type ON campaigns (tenant_id, campaign_type)`);
    await q.query(`CREATE INDEX idx_campaigns_segment ON campaigns (tenant_id, segment_id)`);
    await q.query(`
      CREATE TRIGGER touch_campaigns BEFORE UPDATE OF workspace_id, name, description, campaign_type, status, category, segment_id, from_email, from_name,
        reply_to_email, start_date, end_date, timezone, send_strategy, track_opens, track_clicks, unsubscribe_enabled, unknown_policy, steps_version
      ON campaigns FOR EACH ROW EXECUTE FUNCTION touch_updated_at()`);

    await q.query(`
      CREATE TABLE campaign_steps (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        campaign_id uuid NOT NULL,
        version integer NOT NULL DEFAULT 1,
        step_order integer NOT NULL,
        step_name varchar(255),
        step_type varchar(50) NOT NULL,
        template_id uuid,
        template_version integer,
        subject_line text,
        email_content text,
        content_format varchar(10),
        wait_duration_value integer,
        wait_duration_unit varchar(20),
        condition_rules jsonb,
        true_next_step_id uuid,
        false_next_step_id uuid,
        next_step_id uuid,
        is_end boolean NOT NULL DEFAULT false,
        action_config jsonb,
        compiled_content jsonb,
        emails_sent integer NOT NULL DEFAULT 0,
        emails_delivered integer NOT NULL DEFAULT 0,
        opens integer NOT NULL DEFAULT 0,
        clicks integer NOT NULL DEFAULT 0,
        replies integer NOT NULL DEFAULT 0,
        unsubscribes integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_campaign_steps PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_campaign_steps_order UNIQUE (tenant_id, campaign_id, version, step_order) DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT uq_campaign_steps_campaign UNIQUE (tenant_id, campaign_id, id),
        CONSTRAINT uq_campaign_steps_version UNIQUE (tenant_id, campaign_id, version, id),
        CONSTRAINT ck_campaign_steps_order CHECK (step_order >= 1),
        CONSTRAINT ck_campaign_steps_type CHECK (step_type IN ('email', 'wait', 'condition', 'action')),
        CONSTRAINT ck_campaign_steps_format CHECK (content_format IN ('mjml', 'html')),
        CONSTRAINT ck_campaign_steps_wait_unit CHECK (wait_duration_unit IN ('minutes', 'hours', 'days', 'weeks')),
        CONSTRAINT ck_campaign_steps_wait_value CHECK (wait_duration_value > 0),
        CONSTRAINT fk_campaign_steps_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_campaign_steps_template FOREIGN KEY (tenant_id, template_id) REFERENCES templates (tenant_id, id),
        CONSTRAINT fk_campaign_steps_next FOREIGN KEY (tenant_id, campaign_id, version, next_step_id)
          REFERENCES campaign_steps (tenant_id, campaign_id, version, id) DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT fk_campaign_steps_true_next FOREIGN KEY (tenant_id, campaign_id, version, true_next_step_id)
          REFERENCES campaign_steps (tenant_id, campaign_id, version, id) DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT fk_campaign_steps_false_next FOREIGN KEY (tenant_id, campaign_id, version, false_next_step_id)
          REFERENCES campaign_steps (tenant_id, campaign_id, version, id) DEFERRABLE INITIALLY DEFERRED
      )`);
    await q.query(`
      CREATE TRIGGER touch_campaign_steps BEFORE UPDATE OF step_order, step_name, step_type, template_id, subject_line, email_content, content_format,
        wait_duration_value, wait_duration_unit, condition_rules, true_next_step_id, false_next_step_id, next_step_id, is_end, action_config
      ON campaign_steps FOR EACH ROW EXECUTE FUNCTION touch_updated_at()`);
    await q.query(`
      CREATE TABLE step_variants (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        step_id uuid NOT NULL,
        name varchar(100) NOT NULL,
        weight integer NOT NULL,
        subject_line text,
        email_content text,
        content_format varchar(10),
        from_name varchar(255),
        from_email varchar(255),
        compiled_content jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_step_variants PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_step_variants_name UNIQUE (tenant_id, step_id, name),
        CONSTRAINT ck_step_variants_weight CHECK (weight BETWEEN 0 AND 10000),
        CONSTRAINT ck_step_variants_format CHECK (content_format IN ('mjml', 'html')),
        CONSTRAINT fk_step_variants_step FOREIGN KEY (tenant_id, step_id) REFERENCES campaign_steps (tenant_id, id) ON DELETE CASCADE
      )`);

    await q.query(`
      CREATE TABLE campaign_contacts (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        campaign_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        status varchar(50) NOT NULL DEFAULT 'enrolled',
        current_step_id uuid,
        entry_number integer NOT NULL DEFAULT 1,
        steps_completed integer NOT NULL DEFAULT 0,
        attempts smallint NOT NULL DEFAULT 0,
        enrolled_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        completed_at timestamptz,
        exited_at timestamptz,
        step_entered_at timestamptz,
        last_email_sent_at timestamptz,
        next_email_scheduled_at timestamptz,
        exit_reason varchar(255),
        last_error text,
        CONSTRAINT pk_campaign_contacts PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_campaign_contacts_contact UNIQUE (tenant_id, campaign_id, contact_id),
        CONSTRAINT ck_campaign_contacts_status CHECK (status IN ('enrolled', 'active', 'paused', 'completed', 'exited', 'failed')),
        CONSTRAINT ck_campaign_contacts_completed CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
        CONSTRAINT ck_campaign_contacts_exited CHECK ((status = 'exited') = (exited_at IS NOT NULL AND exit_reason IS NOT NULL)),
        CONSTRAINT ck_campaign_contacts_terminal CHECK (status NOT IN ('completed', 'exited', 'failed') OR next_email_scheduled_at IS NULL),
        CONSTRAINT ck_campaign_contacts_failed CHECK (status <> 'failed' OR last_error IS NOT NULL),
        CONSTRAINT fk_campaign_contacts_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_campaign_contacts_contact FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
        CONSTRAINT fk_campaign_contacts_step FOREIGN KEY (tenant_id, campaign_id, current_step_id) REFERENCES campaign_steps (tenant_id, campaign_id, id)
      )`);
    await q.query(`CREATE INDEX idx_campaign_contacts_contact ON campaign_contacts (tenant_id, contact_id)`);
    // Serves the claim, "which campaigns have somebody due" and "when is the next due time", and holds only those who wait for a time.
    await q.query(`
      CREATE INDEX idx_campaign_contacts_next_scheduled ON campaign_contacts (tenant_id, campaign_id, next_email_scheduled_at, id)
      WHERE status IN ('enrolled', 'active') AND next_email_scheduled_at IS NOT NULL`);
    // Serves completion and the counts per state; terminal rows, the great majority of an old campaign, are not in it.
    await q.query(`
      CREATE INDEX idx_campaign_contacts_status ON campaign_contacts (tenant_id, campaign_id, status)
      WHERE status IN ('enrolled', 'active', 'paused')`);

    await q.query(`
      CREATE TABLE campaign_analytics (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        campaign_id uuid NOT NULL,
        date date NOT NULL,
        emails_sent integer NOT NULL DEFAULT 0,
        emails_delivered integer NOT NULL DEFAULT 0,
        emails_bounced integer NOT NULL DEFAULT 0,
        unique_opens integer NOT NULL DEFAULT 0,
        total_opens integer NOT NULL DEFAULT 0,
        unique_clicks integer NOT NULL DEFAULT 0,
        total_clicks integer NOT NULL DEFAULT 0,
        replies integer NOT NULL DEFAULT 0,
        spam_complaints integer NOT NULL DEFAULT 0,
        unsubscribes integer NOT NULL DEFAULT 0,
        delivery_rate numeric(5, 2),
        open_rate numeric(5, 2),
        click_rate numeric(5, 2),
        reply_rate numeric(5, 2),
        unsubscribe_rate numeric(5, 2),
        calculated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_campaign_analytics PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_campaign_analytics_date UNIQUE (tenant_id, campaign_id, date),
        CONSTRAINT fk_campaign_analytics_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE
      )`);
    await q.query(`CREATE INDEX idx_campaign_analytics_date ON campaign_analytics (tenant_id, date)`);

    await q.query(`
      CREATE TABLE campaign_approvals (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        campaign_id uuid NOT NULL,
        approver_id uuid NOT NULL,
        approval_role varchar(100) NOT NULL,
        round integer NOT NULL DEFAULT 1,
        status varchar(50) NOT NULL DEFAULT 'pending',
        content_hash bytea,
        comments text,
        reviewed_at timestamptz,
        requested_at timestamptz NOT NULL DEFAULT now(),
        requested_by uuid,
        CONSTRAINT pk_campaign_approvals PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_campaign_approvals_round UNIQUE (tenant_id, campaign_id, approver_id, approval_role, round),
        CONSTRAINT ck_campaign_approvals_status CHECK (status IN ('pending', 'approved', 'rejected', 'void')),
        CONSTRAINT ck_campaign_approvals_reviewed CHECK ((status IN ('approved', 'rejected')) = (reviewed_at IS NOT NULL)),
        CONSTRAINT fk_campaign_approvals_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_campaign_approvals_approver FOREIGN KEY (tenant_id, approver_id) REFERENCES users (tenant_id, id),
        CONSTRAINT fk_campaign_approvals_requester FOREIGN KEY (tenant_id, requested_by) REFERENCES users (tenant_id, id)
      )`);
    await q.query(`CREATE INDEX idx_campaign_approvals_status ON campaign_approvals (tenant_id, approver_id, status)`);
    await q.query(`
      CREATE TABLE approval_policies (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        name varchar(255) NOT NULL,
        campaign_types varchar(50)[] NOT NULL DEFAULT '{}',
        min_audience integer NOT NULL DEFAULT 0,
        stages jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_approval_policies PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_approval_policies_name UNIQUE (tenant_id, name),
        CONSTRAINT ck_approval_policies_stages CHECK (jsonb_typeof(stages) = 'array'),
        CONSTRAINT fk_approval_policies_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);
    await q.query(
      `CREATE TRIGGER touch_approval_policies BEFORE UPDATE ON approval_policies FOR EACH ROW EXECUTE FUNCTION touch_updated_at()`,
    );
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(
      `DROP TABLE approval_policies, campaign_approvals, campaign_analytics, campaign_contacts, step_variants, campaign_steps, campaigns`,
    );
  }
}
