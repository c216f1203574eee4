import { Module } from '@nestjs/common';
import { QueueModule } from '../../queue/index.js';
import { webhooksQueue } from './webhooks.jobs.js';
import { WebhooksModule } from './webhooks.module.js';
import { WebhooksPoller } from './webhooks.poller.js';
import { WebhooksProcessor } from './webhooks.processor.js';

/** In processes with the role `worker`. */
@Module({ imports: [WebhooksModule, QueueModule.register(webhooksQueue)], providers: [WebhooksProcessor, WebhooksPoller] })
export class WebhooksWorkerModule {}
