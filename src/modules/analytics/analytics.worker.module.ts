import { Module } from '@nestjs/common';
import { QueueModule } from '../../queue/index.js';
import { analyticsQueue } from './analytics.jobs.js';
import { AnalyticsModule } from './analytics.module.js';
import { AnalyticsProcessor } from './analytics.processor.js';
import { RollupPoller } from './rollup.poller.js';

/** In processes with the role `worker`. */
@Module({
  imports: [AnalyticsModule, QueueModule.register(analyticsQueue)],
  providers: [AnalyticsProcessor, RollupPoller],
})
export class AnalyticsWorkerModule {}
