import { Module } from '@nestjs/common';
import { CronModule, QueueModule } from '../../queue/index.js';
import { campaignsQueue } from '../campaigns/index.js';
import { DeliveryModule } from '../delivery/index.js';
import { CampaignChangedProcessor } from './campaign-changed.processor.js';
import { ExecutionCron } from './execution.cron.js';
import { executionQueue } from './execution.jobs.js';
import { ExecutionModule } from './execution.module.js';
import { ExecutionPoller } from './execution.poller.js';
import { ExecutionProcessor } from './execution.processor.js';
import { StepCallsPoller } from './step-calls.poller.js';

/** In processes with the role `worker`. */
@Module({
  imports: [ExecutionModule, QueueModule.register(executionQueue), QueueModule.register(campaignsQueue)],
  providers: [ExecutionProcessor, CampaignChangedProcessor, ExecutionPoller, StepCallsPoller],
})
export class ExecutionWorkerModule {}

/** In processes with the role `scheduler`. */
@Module({ imports: [ExecutionModule, DeliveryModule, CronModule], providers: [ExecutionCron] })
export class ExecutionSchedulerModule {}
