import type { ContactsEvents } from '../contacts/index.js';
import type { TrackingService } from '../tracking/index.js';
import type { EventQueries } from './event.queries.js';

/** Erasing a contact takes the address off the ledger and off what came back about its messages; the rows stay for the counters. */
export function followErasures(contacts: ContactsEvents, queries: EventQueries, tracking: TrackingService): void {
  contacts.onErased(async (tx, tenantId, contactId) => {
    const emails = await queries.forgetContact(tx, tenantId, contactId);
    await tracking.forget(tx, tenantId, emails);
  });
}
