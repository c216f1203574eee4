import pg from 'pg';
import { DatabaseSetupError } from './database.errors.js';
import { APP_ROLE, STATS_ROLE, WORKER_ROLE } from './roles.js';

/** What a login is to the tables. */
export interface LoginFacts {
  role: string;
  isSuperuser: boolean;
  bypassesSecurity: boolean;
  /** Is, or may become, the owner of a table. */
  ownsTables: boolean;
  seesEveryTenant: boolean;
  /** Sees how long the transactions of other roles have been open. */
  seesActivity: boolean;
  /** May read and write the tables at all. */
  hasGrants: boolean;
  /** Tables with a `tenant_id` that row-level security does not hold for. */
  openTables: string[];
}

export interface Verdict {
  /** With this the process would not work. */
  fatal: string[];
  /** With this it would work, and tenants would be kept apart by the queries alone. */
  unsafe: string[];
}

/** Judges the logins of a process; `needsWorker`: it has the role `worker` or `scheduler`. */
export function judgeLogins(app: LoginFacts, worker: LoginFacts | null, needsWorker: boolean): Verdict {
  const fatal: string[] = [];
  const unsafe = [...above('DATABASE_URL', app), ...(worker ? above('WORKER_DATABASE_URL', worker) : [])];
  const isAbove = app.isSuperuser || app.bypassesSecurity || app.ownsTables;
  if (!isAbove && app.seesEveryTenant) {
    unsafe.push(
      `DATABASE_URL: the role "${app.role}" is a member of ${WORKER_ROLE}, which sees every tenant; that one is for WORKER_DATABASE_URL`,
    );
  }
  if (app.openTables.length > 0) unsafe.push(`Row-level security does not hold for ${app.openTables.join(', ')}: run db:migrate`);
  if (!app.hasGrants) fatal.push(without('DATABASE_URL', app.role, APP_ROLE));
  if (worker && !(worker.hasGrants && (worker.seesEveryTenant || worker.isSuperuser || worker.bypassesSecurity || worker.ownsTables))) {
    fatal.push(without('WORKER_DATABASE_URL', worker.role, WORKER_ROLE));
  }
  if (worker && !worker.seesActivity) {
    fatal.push(
      `WORKER_DATABASE_URL: the role "${worker.role}" cannot see which transactions are open, without which webhooks would miss facts: GRANT ${STATS_ROLE} TO "${worker.role}"`,
    );
  }
  if (!worker && needsWorker && !isAbove && !app.seesEveryTenant) {
    fatal.push(
      `WORKER_DATABASE_URL is required with ROLES=worker or scheduler: the role "${app.role}" of DATABASE_URL sees one tenant at a time and finds no due work`,
    );
  }
  return { fatal, unsafe };
}

function above(name: string, { role, isSuperuser, bypassesSecurity, ownsTables }: LoginFacts): string[] {
  const what = isSuperuser ? 'is a superuser' : bypassesSecurity ? 'has BYPASSRLS' : ownsTables ? 'owns the tables' : null;
  if (what === null) return [];
  return [`${name}: the role "${role}" ${what}, so that row-level security does not keep tenants apart; use a role of its own (README.md)`];
}

const without = (name: string, login: string, role: string): string =>
  `${name}: the role "${login}" may not use the tables: GRANT ${role} TO "${login}", then run db:migrate with MIGRATION_DATABASE_URL`;

/**
 * Looks at the logins of this process before it starts. Returns what people should know; throws `DatabaseSetupError` for what would not work, and,
 * if `isStrict`, for what would not be safe.
 */
export async function checkLogins(
  { url, workerUrl }: { url: string; workerUrl?: string },
  { needsWorker, isStrict }: { needsWorker: boolean; isStrict: boolean },
): Promise<string[]> {
  const [app, worker] = await Promise.all([factsOf('DATABASE_URL', url), workerUrl ? factsOf('WORKER_DATABASE_URL', workerUrl) : null]);
  const { fatal, unsafe } = judgeLogins(app, worker, needsWorker);
  const refused = isStrict ? [...fatal, ...unsafe] : fatal;
  if (refused.length > 0) throw new DatabaseSetupError(refused.join('\n'));
  return unsafe;
}

export async function factsOf(name: string, connectionString: string): Promise<LoginFacts> {
  const client = new pg.Client({ connectionString, application_name: 'campaign-engine check', connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<LoginFacts>(FACTS, [WORKER_ROLE, STATS_ROLE]);
    return rows[0];
  } catch (error) {
    const { host, pathname } = new URL(connectionString);
    throw new DatabaseSetupError(`${name}: cannot connect to ${host}${pathname}: ${(error as Error).message}`, { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}

const FACTS = `
  WITH t AS (
    SELECT c.relname, c.relowner, c.relrowsecurity AND c.relforcerowsecurity AS is_forced,
           c.relname = 'tenants' OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS is_of_tenants
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p'))
  SELECT r.rolname AS role, r.rolsuper AS "isSuperuser", r.rolbypassrls AS "bypassesSecurity",
         EXISTS (SELECT FROM (SELECT DISTINCT relowner FROM t) o WHERE pg_has_role(o.relowner, 'MEMBER')) AS "ownsTables",
         coalesce(pg_has_role(to_regrole($1::text)::oid, 'USAGE'), false) AS "seesEveryTenant",
         pg_has_role($2::name, 'USAGE') AS "seesActivity",
         coalesce(has_table_privilege(to_regclass('public.campaigns')::oid, 'SELECT'), false)
           AND coalesce(has_table_privilege(to_regclass('public.campaigns')::oid, 'UPDATE'), false) AS "hasGrants",
         coalesce((SELECT array_agg(relname::text ORDER BY relname) FROM t WHERE is_of_tenants AND NOT is_forced), '{}') AS "openTables"
    FROM pg_roles r WHERE r.rolname = current_user`;
