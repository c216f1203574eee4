import { Module } from '@nestjs/common';
import { ContactsModule } from '../contacts/index.js';
import { HitBuffer } from './hit-buffer.js';
import { HitInboxQueries } from './hit-inbox.queries.js';
import { HitInbox } from './hit-inbox.service.js';
import { HitsService } from './hits.service.js';
import { InboundController } from './inbound.controller.js';
import { LinkDirectory } from './link-directory.js';
import { RepliesService } from './replies.service.js';
import { SendGridWebhookController } from './sendgrid-webhook.controller.js';
import { TrackingController } from './tracking.controller.js';
import { TrackingMetrics } from './tracking.metrics.js';
import { TrackingQueries } from './tracking.queries.js';
import { TrackingService } from './tracking.service.js';
import { TrackingTokens } from './tracking-tokens.js';
import { UnsubscribeController } from './unsubscribe.controller.js';
import { UnsubscribeService } from './unsubscribe.service.js';
import { WebhookAccounts } from './webhook-accounts.js';
import { WebhookInbox } from './webhook-inbox.service.js';
import { WebhookInboxQueries } from './webhook-inbox.queries.js';

@Module({
  imports: [ContactsModule],
  controllers: [TrackingController, UnsubscribeController, SendGridWebhookController, InboundController],
  providers: [
    TrackingMetrics,
    TrackingQueries,
    TrackingService,
    TrackingTokens,
    LinkDirectory,
    HitBuffer,
    HitInbox,
    HitInboxQueries,
    HitsService,
    UnsubscribeService,
    WebhookAccounts,
    WebhookInbox,
    WebhookInboxQueries,
    RepliesService,
  ],
  exports: [TrackingService, TrackingTokens, WebhookAccounts, WebhookInbox, HitInbox],
})
export class TrackingModule {}
