import { Module, type OnModuleInit } from '@nestjs/common';
import { QueueModule } from '../../queue/index.js';
import { CampaignsModule } from '../campaigns/index.js';
import { ContactsEvents, ContactsModule } from '../contacts/index.js';
import { DeliveriesQueries } from './deliveries.queries.js';
import { WebhookDispatcher } from './dispatcher.js';
import { EndpointsQueries } from './endpoints.queries.js';
import { FactsQueries } from './facts.queries.js';
import { WebhookFacts } from './facts.service.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { WebhookSender } from './webhook-sender.js';
import { WebhooksController } from './webhooks.controller.js';
import { webhooksQueue } from './webhooks.jobs.js';
import { WebhooksService } from './webhooks.service.js';

/** Tells the programs of tenants what happened to their mail. */
@Module({
  imports: [CampaignsModule, ContactsModule, QueueModule.register(webhooksQueue)],
  controllers: [WebhooksController],
  providers: [
    DeliveriesQueries,
    EndpointsQueries,
    FactsQueries,
    WebhookDispatcher,
    WebhookFacts,
    WebhookSecrets,
    WebhookSender,
    WebhooksService,
  ],
  exports: [DeliveriesQueries, WebhookDispatcher, WebhookFacts],
})
export class WebhooksModule implements OnModuleInit {
  constructor(
    private readonly contacts: ContactsEvents,
    private readonly deliveries: DeliveriesQueries,
  ) {}

  onModuleInit(): void {
    this.contacts.onErased(async (tx, tenantId, contactId) => {
      await this.deliveries.forgetContact(tx, tenantId, contactId);
    });
  }
}
