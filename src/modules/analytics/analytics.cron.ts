import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { CronJobs } from '../../queue/index.js';
import { AnalyticsService } from './analytics.service.js';

/** The specification's daily job (lines 580–600). */
@Injectable()
export class AnalyticsCron implements OnModuleInit {
  constructor(
    private readonly config: AppConfig,
    private readonly cron: CronJobs,
    private readonly analytics: AnalyticsService,
  ) {}

  onModuleInit(): void {
    this.cron.register('campaign-analytics', this.config.schedules.analytics, () => this.analytics.runDaily());
  }
}
