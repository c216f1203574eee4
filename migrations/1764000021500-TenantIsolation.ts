import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Row-level security under the application's own `WHERE tenant_id = …`: what a query forgets, the database still refuses.
 *
 *   who                        what they see
 *   any role                   the rows of `app.tenant_id`, set for one transaction; none while it is unset
 *   campaign_engine_worker     every row; a role, not a setting: SQL smuggled into a request cannot become it
 *   the owner of the tables    every row while `app.system` is on, as it is during migrations
 *
 * The planner merges `tenant_id = $1` of a query with the policy's comparison into one test before the first row is read, so that plans and costs
 * stay as they were. Roles and grants are made after the migrations, by `secureTables` (src/database/roles.ts), because they may come later.
 */
export class TenantIsolation1764000021500 implements MigrationInterface {
  name = 'TenantIsolation1764000021500';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE FUNCTION enable_tenant_isolation(target regclass, tenant_column name DEFAULT 'tenant_id') RETURNS void LANGUAGE plpgsql AS $$
      DECLARE
        mine text := format('%I = nullif(current_setting(''app.tenant_id'', true), '''')::uuid', tenant_column);
        owner name := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = target);
        policy name;
      BEGIN
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
        FOREACH policy IN ARRAY ARRAY['tenant_isolation', 'owner_access', 'worker_access'] LOOP
          IF EXISTS (SELECT FROM pg_policy WHERE polrelid = target AND polname = policy) THEN
            EXECUTE format('DROP POLICY %I ON %s', policy, target);
          END IF;
        END LOOP;
        EXECUTE format('CREATE POLICY tenant_isolation ON %s USING (%s) WITH CHECK (%s)', target, mine, mine);
        EXECUTE format('CREATE POLICY owner_access ON %s TO %I USING (current_setting(''app.system'', true) = ''on'')
          WITH CHECK (current_setting(''app.system'', true) = ''on'')', target, owner);
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'campaign_engine_worker') THEN
          EXECUTE format('CREATE POLICY worker_access ON %s TO campaign_engine_worker USING (true) WITH CHECK (true)', target);
        END IF;
      END $$`);
    await q.query(`
      SELECT enable_tenant_isolation(c.oid) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'tenant_id' AND NOT a.attisdropped`);
    await q.query(`SELECT enable_tenant_isolation('tenants', 'id')`);
    // The provider account of the installation serves every tenant: its calls are stored by a process that sees no tenant, and read by workers.
    await q.query(`CREATE POLICY intake ON webhook_batches FOR INSERT WITH CHECK (tenant_id IS NULL)`);

    // Only an owner may add a partition or analyse a table: these two do it for the roles that are none, with nothing to choose but a month.
    await q.query(`
      CREATE OR REPLACE FUNCTION ensure_email_event_partitions(from_month date, months integer) RETURNS integer LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
      DECLARE
        first date := date_trunc('month', from_month)::date;
        month date; name text; made integer := 0;
        before text := coalesce(current_setting('app.system', true), '');
      BEGIN
        -- The owner must see what the default partition holds.
        PERFORM set_config('app.system', 'on', true);
        FOR i IN 0..months - 1 LOOP
          month := (first + make_interval(months => i))::date;
          name := 'email_events_' || to_char(month, 'YYYY_MM');
          CONTINUE WHEN to_regclass('public.' || name) IS NOT NULL;
          -- Rows already in the default partition would make ATTACH fail: such a month stays in the default.
          CONTINUE WHEN EXISTS (SELECT FROM public.email_events_default
            WHERE occurred_at >= month::timestamp AT TIME ZONE 'UTC' AND occurred_at < (month + interval '1 month') AT TIME ZONE 'UTC');
          EXECUTE format('CREATE TABLE public.%I PARTITION OF public.email_events FOR VALUES FROM (%L) TO (%L)', name,
            (month::timestamp AT TIME ZONE 'UTC'), ((month + interval '1 month') AT TIME ZONE 'UTC'));
          PERFORM public.enable_tenant_isolation(format('public.%I', name)::regclass);
          made := made + 1;
        END LOOP;
        PERFORM set_config('app.system', before, true);
        RETURN made;
      END $$`);
    await q.query(`REVOKE ALL ON FUNCTION ensure_email_event_partitions(date, integer) FROM PUBLIC`);
    await q.query(`
      CREATE FUNCTION analyze_contacts() RETURNS void LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
      BEGIN
        ANALYZE public.contacts, public.contact_tags;
      END $$`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP FUNCTION analyze_contacts()`);
    await q.query(`
      CREATE OR REPLACE FUNCTION ensure_email_event_partitions(from_month date, months integer) RETURNS integer LANGUAGE plpgsql AS $$
      DECLARE
        first date := date_trunc('month', from_month)::date;
        month date; name text; made integer := 0;
      BEGIN
        FOR i IN 0..months - 1 LOOP
          month := (first + make_interval(months => i))::date;
          name := 'email_events_' || to_char(month, 'YYYY_MM');
          CONTINUE WHEN to_regclass(name) IS NOT NULL;
          CONTINUE WHEN EXISTS (SELECT FROM email_events_default
            WHERE occurred_at >= month::timestamp AT TIME ZONE 'UTC' AND occurred_at < (month + interval '1 month') AT TIME ZONE 'UTC');
          EXECUTE format('CREATE TABLE %I PARTITION OF email_events FOR VALUES FROM (%L) TO (%L)', name,
            (month::timestamp AT TIME ZONE 'UTC'), ((month + interval '1 month') AT TIME ZONE 'UTC'));
          made := made + 1;
        END LOOP;
        RETURN made;
      END $$`);
    await q.query(`
      DO $$
      DECLARE p record;
      BEGIN
        FOR p IN SELECT polname, polrelid::regclass AS target FROM pg_policy LOOP
          EXECUTE format('DROP POLICY %I ON %s', p.polname, p.target);
          EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', p.target);
          EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', p.target);
        END LOOP;
      END $$`);
    await q.query(`DROP FUNCTION enable_tenant_isolation(regclass, name)`);
  }
}
