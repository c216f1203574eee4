import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Optional } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { ClientBase, Pool } from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import { Random } from '../shared/random.js';
import { DatabaseUnavailableError, sqlState } from './database.errors.js';
import type { Structured, Tx } from './sql.js';
import { type PoolUse, SystemPool, poolUse } from './system-pool.js';

export interface TxOptions {
  /** Longest single statement of this transaction, where the default (30 s) is too short. */
  statementTimeoutMs?: number;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const SERIALIZATION_FAILURE = '40001';
const DEADLOCK_DETECTED = '40P01';
const ATTEMPTS = 4;

/**
 * The only two doorways to the database. Every transaction is opened for somebody, so that row-level security holds below the services:
 *
 *     await this.db.inTenant(tenantId, async (tx) => { await this.queries.pause(tx, tenantId, id); });
 *
 * Wrong: `dataSource.query(…)`, an injected `Repository`, or a second `inTenant` inside the first (it would take a second connection while
 * holding one, which deadlocks a full pool; it throws). Pass `tx` on instead.
 *
 * A deadlock or serialization failure rolls back and runs `fn` again (at most four times in all), so `fn` must do nothing but SQL.
 */
@Injectable()
export class Database {
  private readonly open = new AsyncLocalStorage<{ active: boolean }>();

  constructor(
    @InjectDataSource() readonly dataSource: DataSource,
    private readonly random: Random,
    /** Where `asSystem` goes; without it, to the application's connections, which sees every tenant only if its role owns the tables. */
    @Optional() private readonly system?: SystemPool,
  ) {}

  /** The use of this process's connections: the application's, and those of the workers' login where it has one. */
  pools(): Record<string, PoolUse> {
    const { master } = this.dataSource.driver as unknown as { master: Pool };
    return { app: poolUse(master), ...(this.system ? { system: this.system.use() } : {}) };
  }

  /** Runs `fn` in one transaction that sees and writes rows of this tenant only. Commits when `fn` returns, rolls back when it throws. */
  async inTenant<T>(tenantId: string, fn: (tx: Tx) => Promise<T>, options: TxOptions = {}): Promise<T> {
    if (!UUID.test(tenantId)) throw new Error('inTenant needs the id of a tenant (a UUID)');
    // The id is a checked UUID, so it may stand in the text; that saves a round trip in every transaction.
    return this.retried({ statement: `BEGIN; SET LOCAL app.tenant_id = '${tenantId}'` }, fn, options);
  }

  /**
   * Runs `fn` in one transaction of the workers' login, which sees the rows of every tenant. For the few tasks that work across tenants (claiming
   * due work, taking in what providers call in): never for a request once its tenant is known. In a process without that login (an API alone) it sees
   * no rows of tenants.
   */
  async asSystem<T>(fn: (tx: Tx) => Promise<T>, options: TxOptions = {}): Promise<T> {
    return this.retried({ statement: "BEGIN; SET LOCAL app.system = 'on'", pool: this.system }, fn, options);
  }

  /**
   * Runs one statement that needs no tenant, prepared under `name`, in a transaction of its own; resolves when it is committed. A third of the round
   * trips of a transaction, for what somebody waits for.
   */
  async statement<Row = Record<string, unknown>>(name: string, sql: string, params: unknown[]): Promise<Structured<Row>> {
    if (this.open.getStore()?.active) throw new Error('A transaction is already open here: pass its tx on instead');
    const runner = this.dataSource.createQueryRunner();
    let broken: unknown;
    try {
      const client = (await runner.connect().catch((cause: unknown) => {
        throw new DatabaseUnavailableError({ cause });
      })) as ClientBase;
      const { rows, rowCount } = await client.query({ name, text: sql, values: params });
      return { records: rows as Row[], affected: rowCount ?? 0 };
    } catch (error) {
      broken = error;
      throw error;
    } finally {
      await release(runner, broken);
    }
  }

  private async retried<T>(opening: Opening, fn: (tx: Tx) => Promise<T>, options: TxOptions): Promise<T> {
    if (this.open.getStore()?.active) throw new Error('A transaction is already open here: pass its tx on instead of opening a second one');
    const limit =
      options.statementTimeoutMs === undefined ? '' : `; SET LOCAL statement_timeout = ${Math.round(options.statementTimeoutMs)}`;
    const limited = { ...opening, statement: `${opening.statement}${limit}` };
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(limited, fn);
      } catch (error) {
        const state = sqlState(error);
        if ((state !== SERIALIZATION_FAILURE && state !== DEADLOCK_DETECTED) || attempt === ATTEMPTS) throw error;
        await delay(10 * 2 ** attempt * (0.5 + this.random.next()));
      }
    }
  }

  private async once<T>(opening: Opening, fn: (tx: Tx) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    const client = await begin(runner, opening);
    const scope = { active: true };
    let broken: unknown;
    try {
      const result = await this.open.run(scope, () => fn(runner.manager));
      const { command } = await client.query('COMMIT');
      // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK: without this check a swallowed error would look like success.
      if (command === 'ROLLBACK') throw new Error('The transaction was rolled back: a statement in it failed and its error was swallowed');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: unknown) => (broken = failure));
      throw error;
    } finally {
      scope.active = false;
      Object.assign(runner, { isTransactionActive: false, transactionDepth: 0 });
      await release(runner, broken);
    }
  }
}

/** The first statement of a transaction, and whose connection it takes. */
interface Opening {
  statement: string;
  pool?: SystemPool;
}

async function begin(runner: QueryRunner, { statement, pool }: Opening): Promise<ClientBase> {
  try {
    const client = pool ? await lend(runner, pool) : ((await runner.connect()) as ClientBase);
    await client.query(statement);
    // Tells TypeORM that a transaction is open, so that save() and the like join it instead of starting their own.
    Object.assign(runner, { isTransactionActive: true, transactionDepth: 1 });
    return client;
  } catch (error) {
    await release(runner, error);
    throw new DatabaseUnavailableError({ cause: error });
  }
}

/** Makes a connection of another pool the runner's own, to be given back to that pool when the runner is released. */
async function lend(runner: QueryRunner, pool: SystemPool): Promise<ClientBase> {
  const client = await pool.connect();
  Object.assign(runner, { databaseConnection: client, releaseCallback: (error?: Error) => client.release(error) });
  return client;
}

/** A connection in an unknown state is closed, not handed to the next user. */
async function release(runner: QueryRunner, broken: unknown): Promise<void> {
  const internals = runner as QueryRunner & { releasePostgresConnection(error?: unknown): Promise<void> };
  await internals.releasePostgresConnection(broken);
}
