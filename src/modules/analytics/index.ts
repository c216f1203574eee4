export { AnalyticsModule } from './analytics.module.js';
export { AnalyticsSchedulerModule } from './analytics.scheduler.module.js';
export { AnalyticsService, type Aggregated } from './analytics.service.js';
export { AnalyticsWorkerModule } from './analytics.worker.module.js';
export { isSound, type LedgerProblem, type LedgerReport } from './domain/ledger-balance.js';
export { LedgerCheck } from './ledger-check.js';
export { Rollup } from './rollup.service.js';
