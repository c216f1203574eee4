import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { AppConfig, ConfigModule } from '../config/index.js';
import { DatabaseModule } from '../database/index.js';
import { QueueModule } from '../queue/index.js';
import { HttpModule } from '../http/index.js';
import { AnalyticsModule, AnalyticsSchedulerModule, AnalyticsWorkerModule } from '../modules/analytics/index.js';
import { ApprovalsModule } from '../modules/approvals/index.js';
import { CampaignsModule } from '../modules/campaigns/index.js';
import { ContactsModule } from '../modules/contacts/index.js';
import { DeliveryModule, DeliveryWorkerModule } from '../modules/delivery/index.js';
import { EnrollmentModule } from '../modules/enrollment/index.js';
import { ExchangeModule } from '../modules/exchange/index.js';
import { ExecutionModule, ExecutionSchedulerModule, ExecutionWorkerModule } from '../modules/execution/index.js';
import { ExperimentsModule, ExperimentsWorkerModule } from '../modules/experiments/index.js';
import { IdentityModule } from '../modules/identity/index.js';
import { MailModule, MailboxModule } from '../modules/mail/index.js';
import { RehearsalModule } from '../modules/rehearsal/index.js';
import { SegmentsModule } from '../modules/segments/index.js';
import { StepsModule } from '../modules/steps/index.js';
import { TrackingModule } from '../modules/tracking/index.js';
import { TemplatesModule } from '../modules/templates/index.js';
import { TriggersModule, TriggersWorkerModule } from '../modules/triggers/index.js';
import { VersionsModule } from '../modules/versions/index.js';
import { WebhooksModule, WebhooksWorkerModule } from '../modules/webhooks/index.js';
import { SharedModule } from '../shared/shared.module.js';
import { OperationsModule } from './operations.module.js';

type Modules = NonNullable<ModuleMetadata['imports']>;

/** Controllers and services of every module, in the order of their ranks. In every process: workers use the services too. */
const FEATURES: Modules = [
  OperationsModule,
  HttpModule,
  IdentityModule,
  ContactsModule,
  TemplatesModule,
  MailModule,
  SegmentsModule,
  TrackingModule,
  CampaignsModule,
  StepsModule,
  ExchangeModule,
  ApprovalsModule,
  EnrollmentModule,
  TriggersModule,
  DeliveryModule,
  ExperimentsModule,
  ExecutionModule,
  VersionsModule,
  AnalyticsModule,
  RehearsalModule,
  WebhooksModule,
];

/** Processors and pollers, in processes with the role `worker`. */
const WORKER: Modules = [
  DeliveryWorkerModule,
  ExperimentsWorkerModule,
  ExecutionWorkerModule,
  TriggersWorkerModule,
  AnalyticsWorkerModule,
  WebhooksWorkerModule,
];

/** Crons, in processes with the role `scheduler`. */
const SCHEDULER: Modules = [ExecutionSchedulerModule, AnalyticsSchedulerModule];

/** The whole application, cut to the roles of this process. */
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
        ...(worker ? WORKER : []),
        ...(scheduler ? SCHEDULER : []),
      ],
    };
  }
}
