import { Module } from '@nestjs/common';
import { ContactEffects } from './contact-effects.js';
import { ContactEffectsQueries } from './contact-effects.queries.js';
import { ContactEventIntake } from './contact-event-intake.js';
import { ContactEventsController } from './contact-events.controller.js';
import { ContactEventsQueries } from './contact-events.queries.js';
import { ContactEventsService } from './contact-events.service.js';
import { ContactImportController } from './contact-import.controller.js';
import { ContactImportQueries } from './contact-import.queries.js';
import { ContactImportService } from './contact-import.service.js';
import { ContactsController } from './contacts.controller.js';
import { ContactsEvents } from './contacts-events.js';
import { ContactsQueries } from './contacts.queries.js';
import { ContactsService } from './contacts.service.js';
import { SuppressionsController } from './suppressions.controller.js';
import { SuppressionsQueries } from './suppressions.queries.js';
import { SuppressionsService } from './suppressions.service.js';

/** The audience: contacts, their tags and events, and the addresses that get no mail. */
@Module({
  controllers: [ContactImportController, ContactsController, SuppressionsController, ContactEventsController],
  providers: [
    ContactEffects,
    ContactEffectsQueries,
    ContactEventIntake,
    ContactEventsQueries,
    ContactEventsService,
    ContactImportQueries,
    ContactImportService,
    ContactsEvents,
    ContactsQueries,
    ContactsService,
    SuppressionsQueries,
    SuppressionsService,
  ],
  exports: [ContactEffects, ContactEventsService, ContactsEvents, ContactsService],
})
export class ContactsModule {}
