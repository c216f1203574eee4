import { Processor } from '@nestjs/bullmq';
import { type JobHandlers, QUICK_RECOVERY, TypedProcessor } from '../../queue/index.js';
import { deliveryQueue, type DeliveryJobs } from './delivery.jobs.js';
import { DeliveryService } from './delivery.service.js';

/** Then the next campaign has its turn, if one waits: nobody's million delays another's ten (I12). */
const SLICE_MS = 2_000;

/** Several campaigns at a time; the provider's connections are shared out between them. */
@Processor(deliveryQueue.name, { ...QUICK_RECOVERY, concurrency: 6 })
export class DeliveryProcessor extends TypedProcessor<DeliveryJobs> {
  constructor(private readonly delivery: DeliveryService) {
    super();
  }

  protected readonly handlers: JobHandlers<DeliveryJobs> = {
    'deliver-campaign': async ({ tenantId, campaignId, shard }) => {
      const { more } = await this.delivery.deliverCampaign(tenantId, campaignId, {
        maxMs: SLICE_MS,
        mayGoOn: () => this.delivery.isQuiet(),
      });
      if (more) await this.delivery.hint(tenantId, campaignId, shard);
    },
  };
}
