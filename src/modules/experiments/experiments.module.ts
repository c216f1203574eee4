import { Module, type OnModuleInit } from '@nestjs/common';
import { CampaignLifecycle, CampaignsModule } from '../campaigns/index.js';
import { EnrollmentModule } from '../enrollment/index.js';
import { StepsModule } from '../steps/index.js';
import { ExperimentsController } from './experiments.controller.js';
import { ExperimentsQueries } from './experiments.queries.js';
import { ExperimentsService } from './experiments.service.js';
import { WinnerService } from './winner.service.js';

/** A/B tests of email steps: who gets which variant, which of them wins, and the others' wait for it. */
@Module({
  imports: [CampaignsModule, StepsModule, EnrollmentModule],
  controllers: [ExperimentsController],
  providers: [ExperimentsQueries, ExperimentsService, WinnerService],
  exports: [ExperimentsService],
})
export class ExperimentsModule implements OnModuleInit {
  constructor(
    private readonly lifecycle: CampaignLifecycle,
    private readonly queries: ExperimentsQueries,
  ) {}

  /** A test rests with its campaign: a resume that moves due times moves its end too, and a cancelled campaign decides nothing. */
  onModuleInit(): void {
    this.lifecycle.on('resumed', async (tx, { tenantId, id }, { policy, at, pausedAt }) => {
      if (policy === 'shift') await this.queries.shift(tx, tenantId, id, at.getTime() - pausedAt.getTime());
    });
    this.lifecycle.on('cancelled', (tx, { tenantId, id }) => this.queries.stopLooking(tx, tenantId, id));
  }
}
