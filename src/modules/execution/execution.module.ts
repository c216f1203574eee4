import { Module } from '@nestjs/common';
import { QueueModule } from '../../queue/index.js';
import { CampaignsModule } from '../campaigns/index.js';
import { ContactsModule } from '../contacts/index.js';
import { DeliveryModule } from '../delivery/index.js';
import { EnrollmentModule } from '../enrollment/index.js';
import { ExperimentsModule } from '../experiments/index.js';
import { SegmentsModule } from '../segments/index.js';
import { StepsModule } from '../steps/index.js';
import { TriggersModule } from '../triggers/index.js';
import { CampaignLifecycleRunner } from './campaign-lifecycle.service.js';
import { executionQueue } from './execution.jobs.js';
import { ExecutionMetrics } from './execution.metrics.js';
import { ExecutionQueries } from './execution.queries.js';
import { ExecutionService } from './execution.service.js';
import { StepEngine } from './step-engine.service.js';
import { StepCallDispatcher } from './step-call-dispatcher.js';
import { StepCallSender } from './step-call-sender.js';
import { StepCallsController } from './step-calls.controller.js';
import { StepCallsQueries } from './step-calls.queries.js';
import { StepCalls } from './step-calls.service.js';
import { StepConditions } from './step-conditions.js';
import { StepFactsQueries } from './step-facts.queries.js';
import { StepHandlers } from './step-handlers.js';
import { WaitForHandler } from './wait-for.handler.js';

@Module({
  imports: [
    CampaignsModule,
    ContactsModule,
    DeliveryModule,
    EnrollmentModule,
    ExperimentsModule,
    SegmentsModule,
    StepsModule,
    TriggersModule,
    QueueModule.register(executionQueue),
  ],
  controllers: [StepCallsController],
  providers: [
    ExecutionMetrics,
    ExecutionQueries,
    StepCallsQueries,
    StepCalls,
    StepCallSender,
    StepCallDispatcher,
    StepFactsQueries,
    StepConditions,
    WaitForHandler,
    StepHandlers,
    StepEngine,
    CampaignLifecycleRunner,
    ExecutionService,
  ],
  exports: [StepEngine, CampaignLifecycleRunner, ExecutionService, StepCallDispatcher],
})
export class ExecutionModule {}
