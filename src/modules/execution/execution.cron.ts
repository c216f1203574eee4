import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { CronJobs } from '../../queue/index.js';
import { DeliveryService } from '../delivery/index.js';
import { CampaignLifecycleRunner } from './campaign-lifecycle.service.js';
import { ExecutionService } from './execution.service.js';

/** The specification's step job (lines 562–576, every five minutes) and completion job (lines 602–624, hourly), as backstops of the poller. */
@Injectable()
export class ExecutionCron implements OnModuleInit {
  constructor(
    private readonly config: AppConfig,
    private readonly cron: CronJobs,
    private readonly execution: ExecutionService,
    private readonly lifecycle: CampaignLifecycleRunner,
    private readonly delivery: DeliveryService,
  ) {}

  onModuleInit(): void {
    this.cron.register('campaign-steps', this.config.schedules.steps, async () => {
      await this.lifecycle.startDue();
      await this.execution.sweep();
      await this.delivery.sweep();
    });
    this.cron.register('campaign-completion', this.config.schedules.completion, async () => {
      await this.lifecycle.endDue();
      await this.lifecycle.completeFinished();
    });
  }
}
