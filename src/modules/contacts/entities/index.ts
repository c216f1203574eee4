export { Contact } from './contact.entity.js';
export { ContactEvent } from './contact-event.entity.js';
export { ContactTag } from './contact-tag.entity.js';
export { SUPPRESSION_REASONS, Suppression, type SuppressionReason } from './suppression.entity.js';
