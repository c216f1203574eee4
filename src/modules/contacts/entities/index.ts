export { Contact } from './contact.entity.js';
export { ContactEvent } from './contact-event.entity.js';
export { ContactTag } from './contact-tag.entity.js';
export { Suppression } from './suppression.entity.js';
export { SoftBounce } from './soft-bounce.entity.js';
export { SuppressionEvent } from './suppression-event.entity.js';
