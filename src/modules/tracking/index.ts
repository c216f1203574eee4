export { FASTEST_HUMAN_CLICK_MS } from './domain/machine.js';
export { EmailEvent, type BounceClass, type EmailEventType } from './entities/email-event.entity.js';
export { TrackedLink } from './entities/tracked-link.entity.js';
export { LinkNotAllowed, TrackingLinkNotFound } from './tracking.errors.js';
export { TrackingModule } from './tracking.module.js';
export { TrackingService } from './tracking.service.js';
export { TrackingTokens, type MessageAddresses } from './tracking-tokens.js';
export { type AppliedEvent, type NewEmailEvent, type UnappliedEvent } from './tracking.types.js';
