import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AppConfig, ConfigModule } from '../config/index.js';
import { DatabaseModule } from '../database/index.js';
import { QueueModule } from '../queue/index.js';
import { SharedModule } from '../shared/shared.module.js';

type Modules = NonNullable<ModuleMetadata['imports']>;

/** Controllers and services of every module, in the order of their ranks. In every process: workers use the services too. */
const FEATURES: Modules = [];

/** Processors and crons (`<name>.worker.module.ts`): in processes with the role worker or scheduler. */
const BACKGROUND: Modules = [];

/**
 * The whole application, cut to the roles of this process: processors run only where the role is `worker` (`QueueModule` sees to that), crons
 * only where it is `scheduler` (without the schedule module a `@Cron` does nothing).
 */
@Module({})
export class AppModule {
  static register(config: AppConfig): DynamicModule {
    const { worker, scheduler } = config.roles;
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        SharedModule,
        DatabaseModule,
        QueueModule.forRoot(),
        ...FEATURES,
        ...(worker || scheduler ? BACKGROUND : []),
        ...(scheduler ? [ScheduleModule.forRoot()] : []),
      ],
    };
  }
}
