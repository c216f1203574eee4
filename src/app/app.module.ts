import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AppConfig, ConfigModule } from '../config/index.js';
import { DatabaseModule } from '../database/index.js';
import { QueueModule } from '../queue/index.js';
import { HttpModule } from '../http/index.js';
import { IdentityModule } from '../modules/identity/index.js';
import { MailModule, MailboxModule } from '../modules/mail/index.js';
import { SegmentsModule } from '../modules/segments/index.js';
import { TemplatesModule } from '../modules/templates/index.js';
import { SharedModule } from '../shared/shared.module.js';
import { OperationsModule } from './operations.module.js';

type Modules = NonNullable<ModuleMetadata['imports']>;

/** Controllers and services of every module, in the order of their ranks. In every process: workers use the services too. */
const FEATURES: Modules = [OperationsModule, HttpModule, IdentityModule, MailModule, TemplatesModule, SegmentsModule];

/** Processors and crons (`<name>.worker.module.ts`): in processes with the role worker or scheduler. */
const BACKGROUND: Modules = [];

/**
 * The whole application, cut to the roles of this process: processors run only where the role is `worker` (`QueueModule` sees to that), crons
 * only where it is `scheduler` (without the schedule module a `@Cron` does nothing).
 */
@Module({})
export class AppModule {
  static register(config: AppConfig): DynamicModule {
    const { api, worker, scheduler } = config.roles;
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        SharedModule,
        DatabaseModule,
        QueueModule.forRoot(),
        ...FEATURES,
        ...(api && config.mail.provider === 'mailbox' ? [MailboxModule] : []),
        ...(worker || scheduler ? BACKGROUND : []),
        ...(scheduler ? [ScheduleModule.forRoot()] : []),
      ],
    };
  }
}
