import { Module, type OnModuleInit } from '@nestjs/common';
import { QueueModule } from '../../queue/index.js';
import { SenderDomainsModule } from '../mail/index.js';
import { SegmentsModule } from '../segments/index.js';
import { CampaignActionsController } from './campaign-actions.controller.js';
import { CampaignAudience } from './campaign-audience.js';
import { CampaignCloneService } from './campaign-clone.service.js';
import { CampaignControlService } from './campaign-control.service.js';
import { CampaignLaunchService } from './campaign-launch.service.js';
import { CampaignLaunchStore } from './campaign-launch.store.js';
import { CampaignLifecycle } from './campaign-lifecycle.js';
import { CampaignSteps } from './campaign-steps.service.js';
import { CampaignCloner, CampaignDetailParts } from './campaign-parts.js';
import { CampaignsController } from './campaigns.controller.js';
import { campaignsQueue } from './campaigns.jobs.js';
import { CampaignsQueries } from './campaigns.queries.js';
import { CampaignsService } from './campaigns.service.js';
import { LaunchChecks } from './launch-checks.js';
import { LinkChecker } from './link-checker.js';
import { SenderLaunchCheck } from './sender.launch-check.js';

@Module({
  imports: [SegmentsModule, SenderDomainsModule, QueueModule.register(campaignsQueue)],
  controllers: [CampaignsController, CampaignActionsController],
  providers: [
    CampaignsQueries,
    CampaignsService,
    CampaignAudience,
    CampaignLaunchService,
    CampaignControlService,
    CampaignCloneService,
    CampaignLaunchStore,
    CampaignSteps,
    LaunchChecks,
    SenderLaunchCheck,
    LinkChecker,
    CampaignLifecycle,
    CampaignDetailParts,
    CampaignCloner,
  ],
  exports: [
    CampaignsService,
    CampaignAudience,
    CampaignControlService,
    CampaignLaunchService,
    CampaignLaunchStore,
    CampaignSteps,
    LaunchChecks,
    CampaignLifecycle,
    CampaignDetailParts,
    CampaignCloner,
  ],
})
export class CampaignsModule implements OnModuleInit {
  constructor(
    private readonly checks: LaunchChecks,
    private readonly sender: SenderLaunchCheck,
  ) {}

  onModuleInit(): void {
    this.checks.register(this.sender);
  }
}
