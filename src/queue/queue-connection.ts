import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { type ConnectionOptions, createPostgresBackend, setDefaultBackendFactory } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { AppConfig } from '../config/index.js';
import { survivesLoss } from '../database/index.js';

/**
 * The one connection pool (PostgreSQL) or client (Redis) that all queues and workers of this process share: left to themselves, each of them
 * would open its own. Lives in a global module, so it is closed last, after every worker has finished.
 */
@Injectable()
export class QueueConnection implements OnApplicationShutdown {
  private readonly logger = new Logger('Queue');
  private readonly shared: pg.Pool | Redis;

  constructor(config: AppConfig) {
    this.shared = config.redisUrl ? this.openRedis(config.redisUrl) : this.openPool(config);
  }

  /** BullMQ's types know Redis options only; the backend chosen above takes the pool. */
  get connection(): ConnectionOptions {
    return this.shared as unknown as ConnectionOptions;
  }

  /** Keeps the keys of all queues in one slot of a Redis Cluster; the PostgreSQL backend has its schema instead. */
  get prefix(): string | undefined {
    return this.shared instanceof Redis ? '{campaign-engine}' : undefined;
  }

  /** How many workers may share the pool: each keeps one connection to listen on. Unlimited on Redis. */
  get workerLimit(): number {
    return this.shared instanceof Redis ? Infinity : (this.shared.options.max ?? 10) - 2;
  }

  /** Resolves when the queue's server answers. */
  async ping(): Promise<void> {
    if (this.shared instanceof Redis) await this.shared.ping();
    else await this.shared.query('SELECT 1');
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.shared instanceof Redis) this.shared.disconnect();
    else await this.shared.end();
  }

  private openPool({ database }: AppConfig): pg.Pool {
    setDefaultBackendFactory(createPostgresBackend);
    const pool = new pg.Pool({
      connectionString: database.url,
      max: database.poolQueue,
      application_name: 'campaign-engine queue',
      // With a pool handed to it, BullMQ uses unqualified names and expects them in this schema.
      options: '-c search_path=bullmq -c TimeZone=UTC',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      onConnect: survivesLoss,
    });
    // Every queue and worker adds a listener of its own.
    pool.setMaxListeners(0);
    pool.on('error', (error) => this.logger.warn(`An idle queue connection was lost: ${error.message}`));
    return pool;
  }

  private openRedis(url: string): Redis {
    setDefaultBackendFactory();
    // Commands wait for Redis to come back instead of failing; hints have their own time limit.
    const redis = new Redis(url, { maxRetriesPerRequest: null, connectionName: 'campaign-engine' });
    redis.setMaxListeners(0);
    // One line for an outage, not one for each of its many attempts to connect.
    let away = false;
    redis.on('error', (error: Error) => {
      if (!away) this.logger.warn(`Redis is away: ${error.message}; what is due waits for it, nothing is lost`);
      away = true;
    });
    redis.on('ready', () => {
      if (away) this.logger.log('Redis is back');
      away = false;
    });
    return redis;
  }
}
