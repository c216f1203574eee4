export { EmailEvent } from './email-event.entity.js';
export { HitBatch } from './hit-batch.entity.js';
export { TrackedLink } from './tracked-link.entity.js';
export { WebhookBatch } from './webhook-batch.entity.js';
