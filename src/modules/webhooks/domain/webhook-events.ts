import type { CampaignEvent } from '../../campaigns/index.js';

export const EMAIL_WEBHOOK_EVENTS = [
  'email.sent',
  'email.delivered',
  'email.bounced',
  'email.complained',
  'email.opened',
  'email.clicked',
  'email.unsubscribed',
  'email.replied',
  'email.failed',
  'email.skipped',
] as const;

export const CAMPAIGN_WEBHOOK_EVENTS = [
  'campaign.launched',
  'campaign.paused',
  'campaign.resumed',
  'campaign.completed',
  'campaign.cancelled',
] as const satisfies readonly `campaign.${CampaignEvent}`[];

/** What an endpoint can subscribe to. */
export const WEBHOOK_EVENTS = [...EMAIL_WEBHOOK_EVENTS, ...CAMPAIGN_WEBHOOK_EVENTS] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENTS)[number];

/** Sent on request only; every endpoint gets it. */
export const PING_EVENT = 'webhook.ping';

/** What is told of facts in `email_events`. A message that the provider accepted and then dropped has failed for whoever listens. */
export const EVENT_OF_FACT = {
  delivered: 'email.delivered',
  bounced: 'email.bounced',
  dropped: 'email.failed',
  complained: 'email.complained',
  opened: 'email.opened',
  clicked: 'email.clicked',
  unsubscribed: 'email.unsubscribed',
  replied: 'email.replied',
} as const satisfies Record<string, WebhookEventType>;
