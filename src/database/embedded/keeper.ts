import { createHmac } from 'node:crypto';
import pg from 'pg';
import { sqlState } from '../database.errors.js';
import type { DatabaseAddresses } from '../prepare.js';
import { APP_ROLE, ensureRoles, WORKER_ROLE } from '../roles.js';

export const DATABASE = 'campaign_engine';
/** Owns the database and migrates it. The application connects as two roles that own nothing. */
const OWNER = 'campaign_engine';

const USERS_LOCK = 'campaign-engine:embedded-users';
const SETUP_LOCK = 'campaign-engine:embedded-setup';
/** Errors that say "not now": the server is starting, stopping, or went away while we were talking to it. */
const NOT_NOW = new Set(['57P01', '57P02', '57P03', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

/** This process's claim on the embedded server: one connection that holds the users' lock in shared mode for as long as the process lives. */
export class Keeper {
  private closing = false;

  private constructor(
    private readonly client: pg.Client,
    private readonly port: number,
    private readonly password: string,
  ) {}

  /** The addresses of the application's database. */
  get addresses(): Required<DatabaseAddresses> {
    const address = (role: string, password: string) => `postgresql://${role}:${password}@127.0.0.1:${this.port}/${DATABASE}`;
    return {
      url: address(APP_ROLE, this.passwordOf(APP_ROLE)),
      workerUrl: address(WORKER_ROLE, this.passwordOf(WORKER_ROLE)),
      migrationUrl: address(OWNER, this.password),
    };
  }

  /** Null when the server is just going away. `onLost` is called once if the connection ends before `close()`. */
  static async open(port: number, password: string, onLost: () => void): Promise<Keeper | null> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      password,
      database: 'postgres',
      application_name: 'campaign-engine keeper',
      keepAlive: true,
    });
    const keeper = new Keeper(client, port, password);
    client.on('error', () => undefined);
    try {
      await client.connect();
      // Waits while another process shuts the server down, and then fails with the connection: so nobody joins a server that is leaving.
      await client.query('SELECT pg_advisory_lock_shared(hashtextextended($1, 0))', [USERS_LOCK]);
      await keeper.ensureDatabase();
      client.on('end', () => {
        if (!keeper.closing) onLost();
      });
      return keeper;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (NOT_NOW.has(sqlState(error) ?? '') || /terminated|ended/i.test((error as Error).message)) return null;
      throw error;
    }
  }

  /** Whether nobody else uses the server. If so, nobody can join it any more until it is gone. */
  async isLast(): Promise<boolean> {
    this.closing = true;
    try {
      await this.client.query('SELECT pg_advisory_unlock_shared(hashtextextended($1, 0))', [USERS_LOCK]);
      const { rows } = await this.client.query<{ won: boolean }>('SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS won', [
        USERS_LOCK,
      ]);
      return rows[0].won;
    } catch {
      // The connection is lost: whether others use the server is unknown, so it is left running for the next start to find.
      return false;
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.client.end().catch(() => undefined);
  }

  private async ensureDatabase(): Promise<void> {
    const { client } = this;
    await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [SETUP_LOCK]);
    try {
      const { rows } = await client.query<{ role: boolean; database: boolean }>(
        'SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS role, EXISTS (SELECT FROM pg_database WHERE datname = $2) AS database',
        [OWNER, DATABASE],
      );
      if (!rows[0].role) await client.query(`CREATE ROLE ${OWNER} LOGIN PASSWORD ${client.escapeLiteral(this.password)}`);
      if (!rows[0].database) await client.query(`CREATE DATABASE ${DATABASE} OWNER ${OWNER}`);
      await ensureRoles(client, this.addresses);
    } finally {
      await client.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [SETUP_LOCK]).catch(() => undefined);
    }
  }

  /** Of its own for each role: whoever learns the application's cannot become the owner with it. */
  private passwordOf(role: string): string {
    return createHmac('sha256', this.password).update(role).digest('hex');
  }
}
