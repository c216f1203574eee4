import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AppConfig } from '../config/index.js';
import { buildDataSourceOptions } from './data-source.js';
import { Database } from './database.js';

/** The pool of this process: room for its API, its workers, or both. BullMQ has a pool of its own. */
function poolSize({ roles, database }: AppConfig): number {
  const size = (roles.api ? database.poolApi : 0) + (roles.worker ? database.poolWorker : 0);
  return Math.max(size, 4);
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
  providers: [Database],
  exports: [Database],
})
export class DatabaseModule {}
