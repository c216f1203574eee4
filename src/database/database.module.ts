import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AppConfig } from '../config/index.js';
import { buildDataSourceOptions } from './data-source.js';
import { Database } from './database.js';
import { SystemPool } from './system-pool.js';

/** The pool of this process: room for its API, its workers, or both. BullMQ has a pool of its own. */
function poolSize({ roles, database }: AppConfig): number {
  const size = (roles.api ? database.poolApi : 0) + (roles.worker ? database.poolWorker : 0);
  return Math.max(size, 4);
}

/** Short transactions that find and claim work: half as many connections as the work itself may take. */
function systemPoolSize({ roles, database }: AppConfig): number {
  return roles.worker ? Math.max(4, Math.ceil(database.poolWorker / 2)) : 2;
}

@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [AppConfig],
      useFactory: (config: AppConfig) => {
        if (!config.database.url) throw new Error('The embedded database must be started before the application (see main.ts)');
        return { ...buildDataSourceOptions(config.database.url, { poolSize: poolSize(config) }), retryAttempts: 0 };
      },
    }),
  ],
  providers: [
    Database,
    {
      provide: SystemPool,
      inject: [AppConfig],
      useFactory: (config: AppConfig) => {
        const { workerUrl } = config.database;
        return workerUrl === undefined ? undefined : new SystemPool(workerUrl, systemPoolSize(config));
      },
    },
  ],
  exports: [Database],
})
export class DatabaseModule {}
