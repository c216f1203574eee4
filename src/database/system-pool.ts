import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { sessionOptions, survivesLoss } from './data-source.js';

export interface PoolUse {
  total: number;
  idle: number;
  waiting: number;
}

export function poolUse({ totalCount, idleCount, waitingCount }: pg.Pool): PoolUse {
  return { total: totalCount, idle: idleCount, waiting: waitingCount };
}

/**
 * The connections of the workers' login, which sees the rows of every tenant. A pool of its own, not a setting or a role that a session of the
 * application could take on: whatever SQL might be smuggled into a request, it runs where one tenant is all there is.
 */
export class SystemPool implements OnApplicationShutdown {
  private readonly pool: pg.Pool;

  constructor(url: string, size: number) {
    const logger = new Logger('Database');
    this.pool = new pg.Pool({
      connectionString: url,
      max: size,
      application_name: 'campaign-engine system',
      options: sessionOptions(),
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      onConnect: survivesLoss,
    });
    // Without a listener, an idle connection that the server closes would end the whole process.
    this.pool.on('error', (error) => logger.warn(`An idle database connection was lost: ${error.message}`));
  }

  /** Connections that are open, idle, and asked for in vain so far. */
  use(): PoolUse {
    return poolUse(this.pool);
  }

  connect(): Promise<pg.PoolClient> {
    return this.pool.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
