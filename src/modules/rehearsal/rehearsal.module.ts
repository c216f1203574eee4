import { Module, type OnModuleInit } from '@nestjs/common';
import { ApprovalsModule, Rehearsals } from '../approvals/index.js';
import { CampaignsModule } from '../campaigns/index.js';
import { DeliveryModule } from '../delivery/index.js';
import { ExperimentsModule } from '../experiments/index.js';
import { SegmentsModule } from '../segments/index.js';
import { StepsModule } from '../steps/index.js';
import { REHEARSAL_LIMITS } from './dto/rehearsal-input.dto.js';
import { RehearsalLoader } from './rehearsal-loader.js';
import { RehearsalController } from './rehearsal.controller.js';
import { RehearsalQueries } from './rehearsal.queries.js';
import { RehearsalService } from './rehearsal.service.js';

/** What a campaign would do: its flow over simulated people, with the decisions of the real engine. */
@Module({
  imports: [ApprovalsModule, CampaignsModule, StepsModule, SegmentsModule, ExperimentsModule, DeliveryModule],
  controllers: [RehearsalController],
  providers: [RehearsalQueries, RehearsalLoader, RehearsalService],
  exports: [RehearsalService],
})
export class RehearsalModule implements OnModuleInit {
  constructor(
    private readonly approvals: Rehearsals,
    private readonly rehearsals: RehearsalService,
  ) {}

  /** What approvers see is kept with the request: no single people in it. */
  onModuleInit(): void {
    const usual = {
      seed: 'approval',
      sample: REHEARSAL_LIMITS.usualSample,
      assumptions: { steps: [], events: [] },
      includeEnrolled: false,
    };
    this.approvals.register((ctx, campaignId, version) =>
      this.rehearsals.rehearse(ctx, campaignId, { ...usual, version, contacts: { limit: 0 } }),
    );
  }
}
