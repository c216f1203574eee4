import type pg from 'pg';
import { sqlState } from './database.errors.js';

/** What the application's login is, or is a member of: it sees the rows of one tenant at a time. */
export const APP_ROLE = 'campaign_engine_app';
/** What the workers' second login is, or is a member of: it sees the rows of every tenant, to find what is due. */
export const WORKER_ROLE = 'campaign_engine_worker';

/** The addresses whose logins are made where they are missing; their passwords are taken from there. */
export interface Logins {
  url?: string;
  workerUrl?: string;
}

const ALREADY_THERE = new Set(['42710', '23505', 'XX000']);
const NOT_PERMITTED = '42501';
/** Shows since when the sessions of other roles are in a transaction: the workers tell the world about facts once nothing older is still open. */
export const STATS_ROLE = 'pg_read_all_stats';
const ALL = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];

/** Tables that are not simply the tenant's own. What is named nowhere belongs to the workers, or to the tenant if it has a `tenant_id`. */
const EXCEPTIONS: Record<string, { app: string[]; worker: string[] }> = {
  tenants: { app: ['SELECT', 'INSERT', 'UPDATE'], worker: ALL },
  // The log is never changed, by nobody who is not the owner.
  audit_log: { app: ['SELECT', 'INSERT'], worker: ['SELECT', 'INSERT'] },
  // What comes in from outside for all tenants: put in by anybody, read by workers.
  webhook_batches: { app: ['INSERT'], worker: ALL },
  hit_batches: { app: ['INSERT'], worker: ALL },
  // Counted for all tenants, under hashes; workers throw away what is over.
  rate_limits: { app: ['SELECT', 'INSERT', 'UPDATE'], worker: ALL },
  provider_health: { app: [], worker: ALL },
  migrations: { app: ['SELECT'], worker: ['SELECT'] },
};
const FINER: Record<string, string> = {
  // The gate asks whether an account is healthy; what its provider said last may quote another tenant's message.
  [APP_ROLE]: `GRANT SELECT (account_key, state) ON provider_health TO ${APP_ROLE}`,
  [WORKER_ROLE]: `GRANT EXECUTE ON FUNCTION ensure_email_event_partitions(date, integer) TO ${WORKER_ROLE}`,
};

/**
 * Makes both roles and the logins that the addresses name, where they are missing and the connected role may. Otherwise does nothing: the check
 * before the start says what is missing. Safe to call at any time.
 */
export async function ensureRoles(client: pg.ClientBase, { url, workerUrl }: Logins): Promise<void> {
  const { rows } = await client.query<{ may: boolean; me: string }>(
    'SELECT rolsuper OR rolcreaterole AS may, rolname AS me FROM pg_roles WHERE rolname = current_user',
  );
  if (!rows[0].may) return;
  for (const [role, address] of [
    [APP_ROLE, url],
    [WORKER_ROLE, workerUrl],
  ] as const) {
    const login = address === undefined ? null : loginOf(address);
    await ensureRole(client, role, login?.name === role ? login.password : null);
    if (login === null || login.name === role || login.name === rows[0].me) continue;
    await ensureRole(client, login.name, login.password);
    await ensureMember(client, login.name, role);
  }
  await ensureMember(client, WORKER_ROLE, STATS_ROLE).catch((error: unknown) => {
    if (sqlState(error) !== NOT_PERMITTED) throw error;
  });
}

async function ensureRole(client: pg.ClientBase, name: string, password: string | null): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
  if (rowCount) return;
  const login = password === null ? 'NOLOGIN' : `LOGIN PASSWORD ${client.escapeLiteral(password)}`;
  await tolerant(client.query(`CREATE ROLE ${client.escapeIdentifier(name)} ${login} NOSUPERUSER NOCREATEDB NOCREATEROLE`));
}

async function ensureMember(client: pg.ClientBase, login: string, role: string): Promise<void> {
  const { rows } = await client.query<{ isMember: boolean }>(`SELECT pg_has_role($1, $2, 'MEMBER') AS "isMember"`, [login, role]);
  if (rows[0].isMember) return;
  await tolerant(client.query(`GRANT ${client.escapeIdentifier(role)} TO ${client.escapeIdentifier(login)}`));
}

/** Roles belong to the whole server, so another database's start may have been faster. */
async function tolerant(statement: Promise<unknown>): Promise<void> {
  await statement.catch((error: unknown) => {
    if (!ALREADY_THERE.has(sqlState(error) ?? '')) throw error;
  });
}

function loginOf(address: string): { name: string; password: string } {
  const { username, password } = new URL(address);
  return { name: decodeURIComponent(username), password: decodeURIComponent(password) };
}

interface TableState {
  name: string;
  /** Asks with the rights of whoever asks it (`security_invoker`; a test sees to that): protected by the tables below it. */
  isView: boolean;
  isTenants: boolean;
  isPartition: boolean;
  hasTenant: boolean;
  isIsolated: boolean;
}

/**
 * Gives every table what it must have after a migration: row-level security if it has a `tenant_id`, whoever made it, and what the two roles may
 * do. Needs the owner of the tables; repeats nothing that is done already.
 */
export async function secureTables(client: pg.ClientBase): Promise<void> {
  const { rows: tables } = await client.query<TableState>(
    `SELECT c.relname AS name, c.relkind = 'v' AS "isView", c.relname = 'tenants' AS "isTenants", c.relispartition AS "isPartition", a.attname IS NOT NULL AS "hasTenant",
            c.relrowsecurity AND c.relforcerowsecurity AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname IN
              ('tenant_isolation', 'owner_access', 'worker_access')) = 2 + (to_regrole($1) IS NOT NULL)::int AS "isIsolated"
       FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') ORDER BY c.relname`,
    [WORKER_ROLE],
  );
  for (const { name, isView, isTenants, hasTenant, isIsolated } of tables) {
    if (isView || isIsolated || !(hasTenant || isTenants)) continue;
    await client.query('SELECT enable_tenant_isolation($1::regclass, $2)', [client.escapeIdentifier(name), hasTenant ? 'tenant_id' : 'id']);
  }
  // Partitions are reached through their table only.
  const reached = tables.filter(({ isPartition }) => !isPartition);
  await grant(client, reached);
}

async function grant(client: pg.ClientBase, tables: TableState[]): Promise<void> {
  const wanted = tables.flatMap(({ name, isView, hasTenant }) => {
    const rights = isView ? ['SELECT'] : ALL;
    const { app, worker } = EXCEPTIONS[name] ?? { app: hasTenant ? rights : [], worker: rights };
    return [
      ...app.map((privilege) => ({ table: name, role: APP_ROLE, privilege })),
      ...worker.map((privilege) => ({ table: name, role: WORKER_ROLE, privilege })),
    ];
  });
  const { rows: missing } = await client.query<(typeof wanted)[number]>(
    `SELECT w."table", w.role, string_agg(w.privilege, ', ') AS privilege
       FROM json_to_recordset($1::json) AS w("table" text, role text, privilege text)
      WHERE to_regrole(w.role) IS NOT NULL AND NOT has_table_privilege(w.role, format('public.%I', w."table"), w.privilege) GROUP BY 1, 2`,
    [JSON.stringify(wanted)],
  );
  for (const { table, role, privilege } of missing) {
    await client.query(`GRANT ${privilege} ON ${client.escapeIdentifier(table)} TO ${role}`);
  }
  if (missing.length === 0) return;
  for (const role of new Set(missing.map((m) => m.role))) {
    for (const statement of [...everywhere(role), FINER[role]]) await client.query(statement);
  }
}

/** The queue's own tables hold ids of work, no tenant's data: both roles add and take jobs there. The first job of a queue makes a sequence. */
function everywhere(role: string): string[] {
  return [
    `GRANT USAGE ON SCHEMA public TO ${role}`,
    `GRANT USAGE, CREATE ON SCHEMA bullmq TO ${role}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA bullmq TO ${role}`,
    `GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA bullmq TO ${role}`,
    `ALTER DEFAULT PRIVILEGES IN SCHEMA bullmq GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${role}`,
    `ALTER DEFAULT PRIVILEGES IN SCHEMA bullmq GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO ${role}`,
  ];
}
