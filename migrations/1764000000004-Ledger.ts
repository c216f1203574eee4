import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The ledger of intended emails, the links they carry, and the append-only facts that came back. */
export class Ledger1764000000004 implements MigrationInterface {
  name = 'Ledger1764000000004';

  async up(q: QueryRunner): Promise<void> {
    // One row per (enrolment, step, entry): invariant I1 is this table's unique key. Campaign and contact are implied by the enrolment, so
    // they carry no foreign key of their own: two index look-ups less for every message.
    // fillfactor: a claim changes only unindexed columns, and with room on the page stays a heap-only update.
    await q.query(`
      CREATE TABLE emails (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        campaign_id uuid NOT NULL,
        step_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        enrollment_id uuid NOT NULL,
        variant_id uuid,
        entry_number integer NOT NULL DEFAULT 1,
        attempts smallint NOT NULL DEFAULT 0,
        status varchar(20) NOT NULL DEFAULT 'queued',
        reason varchar(100),
        detail text,
        due_at timestamptz NOT NULL,
        lease_token uuid,
        lease_expires_at timestamptz,
        to_email varchar(320),
        provider varchar(20),
        provider_message_id varchar(255),
        created_at timestamptz NOT NULL DEFAULT now(),
        sending_at timestamptz,
        sent_at timestamptz,
        settled_at timestamptz,
        delivered_at timestamptz,
        bounced_at timestamptz,
        complained_at timestamptz,
        unsubscribed_at timestamptz,
        first_opened_at timestamptz,
        first_human_opened_at timestamptz,
        first_clicked_at timestamptz,
        first_human_clicked_at timestamptz,
        replied_at timestamptz,
        CONSTRAINT pk_emails PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_emails_entry UNIQUE (tenant_id, enrollment_id, step_id, entry_number),
        CONSTRAINT ck_emails_status CHECK (status IN ('queued', 'sending', 'sent', 'delivered', 'bounced', 'dropped', 'failed', 'unknown', 'skipped', 'cancelled')),
        CONSTRAINT ck_emails_reason CHECK (status NOT IN ('bounced', 'dropped', 'failed', 'unknown', 'skipped', 'cancelled') OR reason IS NOT NULL),
        CONSTRAINT ck_emails_sent CHECK (status NOT IN ('sent', 'delivered') OR sent_at IS NOT NULL),
        CONSTRAINT ck_emails_sending CHECK (status <> 'sending' OR (lease_token IS NOT NULL AND lease_expires_at IS NOT NULL)),
        CONSTRAINT fk_emails_enrollment FOREIGN KEY (tenant_id, enrollment_id) REFERENCES campaign_contacts (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_emails_step FOREIGN KEY (tenant_id, campaign_id, step_id) REFERENCES campaign_steps (tenant_id, campaign_id, id)
      ) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02)`);
    await q.query(`CREATE INDEX idx_emails_queued ON emails (tenant_id, campaign_id, due_at, id) WHERE status = 'queued'`);
    // Few rows at a time. Not on lease_expires_at: an index on that column would cost every claim its heap-only update.
    await q.query(`CREATE INDEX idx_emails_sending ON emails (tenant_id, campaign_id) WHERE status = 'sending'`);
    await q.query(`CREATE INDEX idx_emails_unknown ON emails (tenant_id, campaign_id) WHERE status = 'unknown' AND settled_at IS NULL`);
    await q.query(`CREATE INDEX idx_emails_sent ON emails (tenant_id, campaign_id, sent_at) WHERE sent_at IS NOT NULL`);

    // A link's id is a random capability: it stands in every message beside the message's own signature, so one HMAC serves all links.
    await q.query(`
      CREATE TABLE tracked_links (
        tenant_id uuid NOT NULL,
        id varchar(22) NOT NULL,
        url text NOT NULL,
        url_hash bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_tracked_links PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_tracked_links_url UNIQUE (tenant_id, url_hash),
        CONSTRAINT fk_tracked_links_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
      )`);

    await q.query(`
      CREATE TABLE email_events (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT uuidv7(),
        occurred_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now(),
        email_id uuid NOT NULL,
        campaign_id uuid,
        type varchar(30) NOT NULL,
        source varchar(20) NOT NULL,
        dedupe_key varchar(255) NOT NULL,
        is_machine boolean NOT NULL DEFAULT false,
        machine_reason varchar(50),
        bounce_class varchar(10),
        link_id varchar(22),
        url text,
        user_agent text,
        detail text,
        provider_event_id varchar(255),
        applied_at timestamptz,
        CONSTRAINT pk_email_events PRIMARY KEY (tenant_id, id, occurred_at),
        CONSTRAINT uq_email_events_dedupe UNIQUE (tenant_id, dedupe_key, occurred_at),
        CONSTRAINT ck_email_events_type CHECK (type IN ('processed', 'deferred', 'delivered', 'bounced', 'dropped', 'opened', 'clicked', 'complained',
          'unsubscribed', 'resubscribed', 'replied')),
        CONSTRAINT ck_email_events_bounce_class CHECK (bounce_class IN ('hard', 'soft', 'block'))
      ) PARTITION BY RANGE (occurred_at)`);
    await q.query(`CREATE INDEX idx_email_events_unapplied ON email_events (received_at, tenant_id, id) WHERE applied_at IS NULL`);
    await q.query(`CREATE INDEX idx_email_events_email ON email_events (tenant_id, email_id)`);
    await q.query(`CREATE INDEX idx_email_events_campaign ON email_events (tenant_id, campaign_id, occurred_at)`);
    // Months are added ahead of time by ensure_email_event_partitions(); the default partition takes what no month does, so no event is ever refused.
    await q.query(`CREATE TABLE email_events_default PARTITION OF email_events DEFAULT`);
    await q.query(`
      CREATE FUNCTION ensure_email_event_partitions(from_month date, months integer) RETURNS integer LANGUAGE plpgsql AS $$
      DECLARE
        first date := date_trunc('month', from_month)::date;
        month date; name text; made integer := 0;
      BEGIN
        FOR i IN 0..months - 1 LOOP
          month := (first + make_interval(months => i))::date;
          name := 'email_events_' || to_char(month, 'YYYY_MM');
          CONTINUE WHEN to_regclass(name) IS NOT NULL;
          -- Rows already in the default partition would make ATTACH fail: such a month stays in the default.
          CONTINUE WHEN EXISTS (SELECT FROM email_events_default
            WHERE occurred_at >= month::timestamp AT TIME ZONE 'UTC' AND occurred_at < (month + interval '1 month') AT TIME ZONE 'UTC');
          EXECUTE format('CREATE TABLE %I PARTITION OF email_events FOR VALUES FROM (%L) TO (%L)', name,
            (month::timestamp AT TIME ZONE 'UTC'), ((month + interval '1 month') AT TIME ZONE 'UTC'));
          made := made + 1;
        END LOOP;
        RETURN made;
      END $$`);
    await q.query(`SELECT ensure_email_event_partitions(now()::date, 3)`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE email_events, tracked_links, emails`);
    await q.query(`DROP FUNCTION ensure_email_event_partitions(date, integer)`);
  }
}
