import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { ContactEventsQueries, type NewContactEvent, type RecordedEvent, type UnappliedContactEvent } from './contact-events.queries.js';

/** What contacts did outside this product. */
@Injectable()
export class ContactEventsService {
  constructor(private readonly queries: ContactEventsQueries) {}

  /**
   * Records events in the caller's transaction and answers those that are new: an event whose `externalId` was recorded before, or whose
   * contact is erased or unknown, is left out. Idempotent for events with an `externalId`. The caller has checked names and sizes.
   */
  async record(tx: Tx, tenantId: string, events: NewContactEvent[]): Promise<RecordedEvent[]> {
    return events.length === 0 ? [] : this.queries.append(tx, tenantId, events);
  }

  /** Tenants with events that nobody has acted on yet, of all tenants (system scope). One index probe each. */
  tenantsWithUnapplied(tx: Tx): Promise<string[]> {
    return this.queries.tenantsWithEvents(tx);
  }

  /** Events to act on, in the order in which they were reported. Mark them in the same transaction; nothing locks them. */
  unapplied(tx: Tx, tenantId: string, limit: number): Promise<UnappliedContactEvent[]> {
    return this.queries.unapplied(tx, tenantId, limit);
  }

  markApplied(tx: Tx, tenantId: string, ids: string[], now: Date): Promise<number> {
    return this.queries.markApplied(tx, tenantId, ids, now);
  }
}
