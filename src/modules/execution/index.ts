export { bestMessageTime, branchByLot, passCondition, passWait, passWaitFor, waitingSince, type Passing } from './domain/passing.js';
export { Walk, type Traveller } from './domain/walk.js';
export { CampaignLifecycleRunner } from './campaign-lifecycle.service.js';
export { ExecutionModule } from './execution.module.js';
export { ExecutionService } from './execution.service.js';
export { ExecutionSchedulerModule, ExecutionWorkerModule } from './execution.worker.module.js';
export { StepEngine } from './step-engine.service.js';
export { StepCallDispatcher } from './step-call-dispatcher.js';
