export { burstReasons, type MessageHit } from './domain/machine.js';
export { EmailEvent, type BounceClass, type EmailEventType } from './entities/email-event.entity.js';
export { TrackedLink } from './entities/tracked-link.entity.js';
export { LinkNotAllowed, TrackingLinkNotFound } from './tracking.errors.js';
export { TrackingModule } from './tracking.module.js';
export { TrackingService } from './tracking.service.js';
export { TrackingTokens, type MessageAddresses } from './tracking-tokens.js';
export { WebhookAccounts, type WebhookAccount, type WebhookAccountSource } from './webhook-accounts.js';
export { type TenantEvent } from './domain/sendgrid-events.js';
export { HitInbox } from './hit-inbox.service.js';
export { type EventStore } from './event-store.js';
export { WebhookInbox } from './webhook-inbox.service.js';
export {
  type AppliedEvent,
  type AppliedHit,
  type HitRef,
  type JudgedEvent,
  type NewEmailEvent,
  type UnappliedEvent,
} from './tracking.types.js';
