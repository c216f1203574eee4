import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who followed which link, counted for campaigns with so many clicks that nobody would wait for it. How often people differ cannot be added up, so these
 * are counts and no rollup: `analytics_link_counts` says as of when, and whether clicks came since (`version`). No address is kept here: a link is named by
 * its registration or by one of its clicks, from which an erasure takes it.
 */
export class LinkCounts1764000026000 implements MigrationInterface {
  name = 'LinkCounts1764000026000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE analytics_link_counts (
        tenant_id uuid NOT NULL,
        campaign_id uuid NOT NULL,
        version integer NOT NULL DEFAULT 1,
        counted_version integer NOT NULL DEFAULT 0,
        counted_at timestamptz,
        next_count_at timestamptz,
        CONSTRAINT pk_analytics_link_counts PRIMARY KEY (tenant_id, campaign_id),
        CONSTRAINT fk_analytics_link_counts_campaign FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id) ON DELETE CASCADE
      ) WITH (fillfactor = 80)`);
    await q.query(`CREATE INDEX idx_analytics_link_counts_stale ON analytics_link_counts (next_count_at) WHERE version <> counted_version`);
    await q.query(`
      CREATE TABLE analytics_links (
        tenant_id uuid NOT NULL,
        campaign_id uuid NOT NULL,
        key varchar(32) NOT NULL,
        step_id uuid NOT NULL,
        link_id varchar(22),
        event_id uuid,
        human_clicks integer NOT NULL,
        machine_clicks integer NOT NULL,
        unique_clicks integer NOT NULL,
        people integer NOT NULL,
        CONSTRAINT pk_analytics_links PRIMARY KEY (tenant_id, campaign_id, key),
        CONSTRAINT fk_analytics_links_counts FOREIGN KEY (tenant_id, campaign_id) REFERENCES analytics_link_counts (tenant_id, campaign_id) ON DELETE CASCADE
      )`);
    for (const table of ['analytics_link_counts', 'analytics_links']) await q.query(`SELECT enable_tenant_isolation('${table}')`);
    await q.query(`INSERT INTO analytics_link_counts (tenant_id, campaign_id)
      SELECT tenant_id, campaign_id FROM analytics_steps WHERE total_clicks + machine_clicks > 0 GROUP BY 1, 2`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP TABLE analytics_links, analytics_link_counts`);
  }
}
