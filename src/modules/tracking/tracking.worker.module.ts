import { Module } from '@nestjs/common';
import { TrackingModule } from './tracking.module.js';
import { WebhookPoller } from './webhook.poller.js';

/** In processes with the role `worker`. */
@Module({ imports: [TrackingModule], providers: [WebhookPoller] })
export class TrackingWorkerModule {}
