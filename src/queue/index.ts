export { CronJobs } from './cron-jobs.js';
export { CronModule } from './cron.module.js';
export { findQueues } from './find-queues.js';
export { assertEveryJobHasOneHandler } from './job-handlers.js';
export { defineQueue, type JobMap, type JobName, type QueueDefinition } from './queue-definition.js';
export { QueueConnection } from './queue-connection.js';
export { QueueModule } from './queue.module.js';
export { type JobHandlers, QUICK_RECOVERY, TypedProcessor } from './typed-processor.js';
export { type AddOptions, InjectTypedQueue, TypedQueue, typedQueueToken } from './typed-queue.js';
