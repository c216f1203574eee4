import type { Clock } from '../../shared/clock.js';
import type { ContactsEvents, SuppressionReason } from '../contacts/index.js';
import type { EnrollmentService } from './enrollment.service.js';
import type { ExitReason } from './enrollment.types.js';

/** How an enrolment ends whose contact must not be mailed any more. */
const EXIT_OF: Record<SuppressionReason, ExitReason> = {
  hard_bounce: 'bounced',
  soft_bounces: 'bounced',
  complaint: 'complained',
  unsubscribed: 'unsubscribed',
  manual: 'suppressed',
  erased: 'contact_deleted',
};

/** More than a contact is enrolled in; a batch of contacts goes in pieces. */
const CHUNK = 10_000;

/** Contacts stand below and cannot call enrolments: they tell, in their own transaction, and enrolments follow. */
export function followContacts(contacts: ContactsEvents, enrollments: EnrollmentService, clock: Clock): void {
  contacts.onErased(async (tx, tenantId, contactId) => {
    await enrollments.exit(tx, tenantId, { contactIds: [contactId] }, 'contact_deleted', clock.now());
    await enrollments.forgetTraces(tx, tenantId, contactId);
  });
  contacts.onSuppressed(async (tx, tenantId, contactIds, reason) => {
    // An unsubscription does not end what people need to be told.
    const selection = { contactIds, marketingOnly: reason === 'unsubscribed' };
    while ((await enrollments.exit(tx, tenantId, selection, EXIT_OF[reason], clock.now(), CHUNK)) === CHUNK);
  });
}
