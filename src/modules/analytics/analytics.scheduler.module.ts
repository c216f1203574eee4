import { Module } from '@nestjs/common';
import { CronModule } from '../../queue/index.js';
import { AnalyticsCron } from './analytics.cron.js';
import { AnalyticsModule } from './analytics.module.js';

/** In processes with the role `scheduler`. */
@Module({ imports: [AnalyticsModule, CronModule], providers: [AnalyticsCron] })
export class AnalyticsSchedulerModule {}
