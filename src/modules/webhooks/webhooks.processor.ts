import { Processor } from '@nestjs/bullmq';
import { TypedProcessor } from '../../queue/index.js';
import { WebhookDispatcher } from './dispatcher.js';
import { type WebhookJobs, webhooksQueue } from './webhooks.jobs.js';

@Processor(webhooksQueue.name, { concurrency: 1 })
export class WebhooksProcessor extends TypedProcessor<WebhookJobs> {
  constructor(private readonly dispatcher: WebhookDispatcher) {
    super();
  }

  protected readonly handlers = { 'send-due': () => this.dispatcher.sendDue() };
}
