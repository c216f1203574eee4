import { Processor } from '@nestjs/bullmq';
import { QUICK_RECOVERY, TypedProcessor } from '../../queue/index.js';
import { type AnalyticsJobs, analyticsQueue } from './analytics.jobs.js';
import { AnalyticsService } from './analytics.service.js';

/** One at a time: aggregating is the least urgent work of a worker and reads the most. */
@Processor(analyticsQueue.name, { ...QUICK_RECOVERY, concurrency: 1 })
export class AnalyticsProcessor extends TypedProcessor<AnalyticsJobs> {
  constructor(private readonly analytics: AnalyticsService) {
    super();
  }

  protected readonly handlers = {
    'aggregate-days': () => this.analytics.refreshDays(),
  };
}
