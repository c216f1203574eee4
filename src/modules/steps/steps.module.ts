import { Module, type OnModuleInit } from '@nestjs/common';
import { Ids } from '../../shared/ids.js';
import { CampaignCloner, CampaignDetailParts, CampaignsModule, LaunchChecks } from '../campaigns/index.js';
import { MailModule, SenderDomainsModule } from '../mail/index.js';
import { SegmentsModule } from '../segments/index.js';
import { TemplatesModule } from '../templates/index.js';
import { TrackingModule } from '../tracking/index.js';
import { copyFlow } from './domain/copy-flow.js';
import { toStepDto } from './dto/step.dto.js';
import { FlowService } from './flow.service.js';
import { StepContentSource } from './step-content.js';
import { StepContents } from './step-contents.js';
import { StepCountersQueries } from './step-counters.queries.js';
import { StepPreviewController } from './step-preview.controller.js';
import { StepPreviewService } from './step-preview.service.js';
import { StepReview } from './step-review.js';
import { StepVersions } from './step-versions.service.js';
import { StepsController } from './steps.controller.js';
import { StepsLaunchCheck } from './steps.launch-check.js';
import { StepsQueries } from './steps.queries.js';
import { StepsService } from './steps.service.js';
import { VariantReview } from './variant-review.js';
import { VariantsController } from './variants.controller.js';
import { VariantsQueries } from './variants.queries.js';
import { VariantsService } from './variants.service.js';

@Module({
  imports: [CampaignsModule, SegmentsModule, TemplatesModule, TrackingModule, MailModule, SenderDomainsModule],
  controllers: [StepsController, StepPreviewController, VariantsController],
  providers: [
    StepsQueries,
    StepCountersQueries,
    StepsService,
    StepVersions,
    FlowService,
    StepReview,
    StepContentSource,
    StepContents,
    StepsLaunchCheck,
    StepPreviewService,
    VariantsQueries,
    VariantReview,
    VariantsService,
  ],
  exports: [StepsService, FlowService, StepVersions, StepContents, StepCountersQueries],
})
export class StepsModule implements OnModuleInit {
  constructor(
    private readonly launchChecks: LaunchChecks,
    private readonly cloner: CampaignCloner,
    private readonly details: CampaignDetailParts,
    private readonly check: StepsLaunchCheck,
    private readonly queries: StepsQueries,
    private readonly variants: VariantsQueries,
    private readonly ids: Ids,
  ) {}

  /** Steps take their part in what campaigns do: shown with them, copied with them, checked and frozen at their launch. */
  onModuleInit(): void {
    this.launchChecks.register(this.check);
    this.details.register('steps', async (tx, { tenantId, id, stepsVersion }) =>
      (await this.queries.list(tx, tenantId, id, stepsVersion)).map(toStepDto),
    );
    this.cloner.register(async (tx, source, copy) => {
      const steps = await this.queries.list(tx, source.tenantId, source.id, source.stepsVersion);
      const copies = copyFlow(steps, () => this.ids.uuid());
      await this.queries.insert(tx, copy.tenantId, copy.id, copy.stepsVersion, copies);
      const variants = copies.flatMap(({ id: stepId, variants }) => variants.map((v, index) => ({ ...v, stepId, position: index + 1 })));
      await this.variants.insert(tx, copy.tenantId, variants);
    });
  }
}
