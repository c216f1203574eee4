import { Processor } from '@nestjs/bullmq';
import { QUICK_RECOVERY, TypedProcessor } from '../../queue/index.js';
import { type CampaignJobs, campaignsQueue } from '../campaigns/index.js';
import { CampaignLifecycleRunner } from './campaign-lifecycle.service.js';
import { ExecutionService } from './execution.service.js';

/** A campaign was launched, resumed, scheduled or cancelled: looks at once instead of at the next sweep. */
@Processor(campaignsQueue.name, { ...QUICK_RECOVERY, concurrency: 2 })
export class CampaignChangedProcessor extends TypedProcessor<CampaignJobs> {
  constructor(
    private readonly execution: ExecutionService,
    private readonly lifecycle: CampaignLifecycleRunner,
  ) {
    super();
  }

  protected readonly handlers = {
    'campaign-changed': async () => {
      await this.lifecycle.runOnce();
      await this.execution.sweep();
    },
  };
}
