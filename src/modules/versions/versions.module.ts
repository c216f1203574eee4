import { Module, type OnModuleInit } from '@nestjs/common';
import { QueueModule } from '../../queue/index.js';
import { CampaignLifecycle, CampaignsModule, campaignsQueue } from '../campaigns/index.js';
import { DeliveryModule } from '../delivery/index.js';
import { EnrollmentModule } from '../enrollment/index.js';
import { ExperimentsModule } from '../experiments/index.js';
import { StepsModule } from '../steps/index.js';
import { Migration } from './migration.service.js';
import { PublishService } from './publish.service.js';
import { VersionsController } from './versions.controller.js';
import { VersionsQueries } from './versions.queries.js';
import { VersionsService } from './versions.service.js';

/** Versions of the steps of campaigns under way: drafts, what they would change, publishing them and going back. */
@Module({
  imports: [CampaignsModule, StepsModule, EnrollmentModule, DeliveryModule, ExperimentsModule, QueueModule.register(campaignsQueue)],
  controllers: [VersionsController],
  providers: [VersionsQueries, VersionsService, PublishService, Migration],
})
export class VersionsModule implements OnModuleInit {
  constructor(
    private readonly lifecycle: CampaignLifecycle,
    private readonly queries: VersionsQueries,
  ) {}

  /** Versions begin with the launch. */
  onModuleInit(): void {
    this.lifecycle.on('launched', (tx, campaign, { at }) => this.queries.recordLaunch(tx, campaign, at));
  }
}
