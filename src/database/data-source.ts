import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import type { ClientBase } from 'pg';
import type { DataSourceOptions } from 'typeorm';
import { migrations } from '../../migrations/index.js';
import { entities } from './entities.js';

export interface DataSourceSettings {
  poolSize?: number;
  /** Longest single statement; a transaction that needs more says so (`TxOptions.statementTimeoutMs`). */
  statementTimeoutMs?: number;
  /** Longest wait for a free connection, after which `DatabaseUnavailableError` is thrown instead of queueing without end. */
  connectTimeoutMs?: number;
  /** For the owner of the tables: sees the rows of every tenant, as migrations must. Nothing to anybody else. */
  isSystem?: boolean;
}

/**
 * How this product talks to PostgreSQL. A transaction left idle is ended by the server, so that a lost worker holds no locks for long;
 * sessions think in UTC, so that no result depends on where the server stands. Index look-ups are priced for solid-state disks or memory: with the
 * default price a batch of 500 look-ups would become a scan of the whole table.
 */
export function buildDataSourceOptions(url: string, settings: DataSourceSettings = {}): DataSourceOptions {
  const { poolSize = 10, connectTimeoutMs = 5_000 } = settings;
  const logger = new Logger('Database');
  return {
    type: 'postgres',
    url,
    entities,
    migrations,
    migrationsTransactionMode: 'each',
    synchronize: false,
    installExtensions: false,
    applicationName: 'campaign-engine',
    poolSize,
    connectTimeoutMS: connectTimeoutMs,
    // Without a listener, an idle connection that the server closes would end the whole process.
    poolErrorHandler: (error: Error) => logger.warn(`An idle database connection was lost: ${error.message}`),
    extra: {
      options: sessionOptions(settings),
      keepAlive: true,
      onConnect: survivesLoss,
    },
  };
}

/**
 * For `onConnect` of every pool. A server that goes away may say so in the same packet that ends the login: before whoever asked for the connection can
 * listen, and an error that nobody listens to ends the process. That the connection is lost shows in its next statement.
 */
export function survivesLoss(client: ClientBase): void {
  client.on('error', () => undefined);
}

/** What every session of ours starts with. */
export function sessionOptions({ statementTimeoutMs = 30_000, isSystem = false }: DataSourceSettings = {}): string {
  const system = isSystem ? ' -c app.system=on' : '';
  return `-c statement_timeout=${statementTimeoutMs} -c idle_in_transaction_session_timeout=15000 -c random_page_cost=1.1 -c TimeZone=UTC${system}`;
}
