import pg from 'pg';
import type { Database } from './database.js';
import { rows, type Tx } from './sql.js';

/**
 * Runs `fn` only if no other process holds the lock of this name, and tells whether it ran. For work that one process at a time should do
 * (crons, migrations): correctness must not depend on it, because the lock is lost with its connection. `lost` tells `fn` so.
 *
 * The lock is a session lock on a connection of its own: none of the pool is held meanwhile.
 */
export async function withAdvisoryLock(db: Database, name: string, fn: (lost: AbortSignal) => Promise<void>): Promise<boolean> {
  const { url } = db.dataSource.options as { url: string };
  const client = new pg.Client({
    connectionString: url,
    application_name: 'campaign-engine lock',
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
  });
  const lost = new AbortController();
  client.on('error', (error) => lost.abort(error));
  await client.connect();
  try {
    const { rows } = await client.query<{ won: boolean }>('SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS won', [lockName(name)]);
    if (!rows[0].won) return false;
    await fn(lost.signal);
    return true;
  } finally {
    // Ends the session, and with it the lock.
    await client.end().catch(() => undefined);
  }
}

/** The text that is hashed into the lock's key. */
export function lockName(name: string): string {
  return `campaign-engine:${name}`;
}

/**
 * Waits until no other transaction holds the lock of this name, and holds it until this one ends. For a rule over several rows, such as a limit: what
 * it reads must be read by a later statement, whose snapshot then has everything that was written under the lock.
 */
export async function holdLock(tx: Tx, name: string): Promise<void> {
  await rows(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [lockName(name)]);
}
