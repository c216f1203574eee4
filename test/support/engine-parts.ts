import { ContactEffects, ContactsEvents } from '../../src/modules/contacts/index.js';
import { ContactEffectsQueries } from '../../src/modules/contacts/contact-effects.queries.js';
import { SuppressionsQueries } from '../../src/modules/contacts/suppressions.queries.js';
import { followContacts } from '../../src/modules/enrollment/contact-listeners.js';
import { EnrollmentService } from '../../src/modules/enrollment/index.js';
import { EnrollmentEngineQueries } from '../../src/modules/enrollment/enrollment-engine.queries.js';
import { FakeClock } from './fake-clock.js';

/** The neighbours of delivery, by hand, for tests below the level of a Nest application. */
export const enrollmentService = (): EnrollmentService => new EnrollmentService(new EnrollmentEngineQueries());
export const contactEffects = (): ContactEffects => {
  const clock = new FakeClock('2030-01-07T08:00:00Z');
  const events = new ContactsEvents();
  followContacts(events, enrollmentService(), clock);
  return new ContactEffects(new ContactEffectsQueries(), new SuppressionsQueries(), events, clock);
};
