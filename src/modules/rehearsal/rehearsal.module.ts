import { Module } from '@nestjs/common';
import { CampaignsModule } from '../campaigns/index.js';
import { DeliveryModule } from '../delivery/index.js';
import { ExperimentsModule } from '../experiments/index.js';
import { SegmentsModule } from '../segments/index.js';
import { StepsModule } from '../steps/index.js';
import { RehearsalLoader } from './rehearsal-loader.js';
import { RehearsalController } from './rehearsal.controller.js';
import { RehearsalQueries } from './rehearsal.queries.js';
import { RehearsalService } from './rehearsal.service.js';

/** What a campaign would do: its flow over simulated people, with the decisions of the real engine. */
@Module({
  imports: [CampaignsModule, StepsModule, SegmentsModule, ExperimentsModule, DeliveryModule],
  controllers: [RehearsalController],
  providers: [RehearsalQueries, RehearsalLoader, RehearsalService],
  exports: [RehearsalService],
})
export class RehearsalModule {}
