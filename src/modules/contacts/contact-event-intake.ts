import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { InvalidRequestError, parseInstant } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import type { Problem } from '../../shared/domain-error.js';
import type { TenantContext } from '../identity/index.js';
import { ContactEventsQueries } from './contact-events.queries.js';
import { ContactEventsService } from './contact-events.service.js';
import { UnknownEventContactError } from './contacts.errors.js';
import { MAX_EVENTS, readEvent, type IncomingEvent } from './domain/incoming-event.js';

export interface EventReport {
  accepted: number;
  duplicates: number;
  rejected: number;
  errors: { index: number; path: string; message: string; code: string }[];
}

interface Read {
  index: number;
  event: IncomingEvent;
}

/** Takes in what hosts report. Whatever is recorded is also acted on, once: campaigns find it as a row that is not applied yet. */
@Injectable()
export class ContactEventIntake {
  constructor(
    private readonly db: Database,
    private readonly queries: ContactEventsQueries,
    private readonly events: ContactEventsService,
    private readonly clock: Clock,
  ) {}

  /** A single bad event throws (400, 422); in a list it is reported and the others are recorded. Three statements for any number of events. */
  async report({ tenantId }: TenantContext, body: unknown): Promise<EventReport> {
    const { list, at } = listOf(body);
    const now = this.clock.now();
    const errors: EventReport['errors'] = [];
    const read: Read[] = [];
    for (const [index, value] of list.entries()) {
      const event = readEvent(value, now, (text) => parseInstant(text));
      if (Array.isArray(event)) errors.push(...event.map((problem) => ({ index, ...located(problem, at(index)) })));
      else read.push({ index, event });
    }
    if (!isList(body) && errors.length > 0) throw new InvalidRequestError(errors.map(withoutIndex));
    const outcome = await this.db.inTenant(tenantId, (tx) => this.record(tx, tenantId, read));
    for (const { index, event } of outcome.unknown) {
      const field = event.contactId === null ? 'email' : 'contactId';
      const message = `is not the ${field === 'email' ? 'address' : 'id'} of a contact of yours`;
      errors.push({ index, ...located({ path: field, message, code: 'unknown_contact' }, at(index)) });
    }
    if (!isList(body) && errors.length > 0) throw new UnknownEventContactError(errors.map(withoutIndex));
    const rejected = new Set(errors.map(({ index }) => index)).size;
    errors.sort((a, b) => a.index - b.index);
    return { accepted: outcome.accepted, duplicates: list.length - rejected - outcome.accepted, rejected, errors };
  }

  private async record(tx: Tx, tenantId: string, read: Read[]): Promise<{ accepted: number; unknown: Read[] }> {
    if (read.length === 0) return { accepted: 0, unknown: [] };
    const people = await this.queries.findContacts(
      tx,
      tenantId,
      read.map(({ index, event: { contactId, email } }) => ({ index, contactId, email })),
    );
    const known = read.flatMap(({ index, event }) => {
      const contactId = people.get(index);
      return contactId === undefined ? [] : [{ ...event, contactId }];
    });
    const recorded = await this.events.record(tx, tenantId, known);
    return { accepted: recorded.length, unknown: read.filter(({ index }) => !people.has(index)) };
  }
}

/** A refusal of a single event has no places to tell apart. */
function withoutIndex({ path, message, code }: EventReport['errors'][number]): Problem {
  return { path, message, code };
}

function isList(body: unknown): boolean {
  return Array.isArray(body) || Array.isArray((body as { events?: unknown } | null)?.events);
}

/** The events of a body and how each is called in a path. */
function listOf(body: unknown): { list: unknown[]; at: (index: number) => string } {
  if (!isList(body)) return { list: [body], at: () => '' };
  const isBare = Array.isArray(body);
  if (!isBare) {
    const others = Object.keys(body as object).filter((key) => key !== 'events');
    if (others.length > 0)
      throw new InvalidRequestError(
        others.map((path) => ({ path, message: 'is not a field here; there is events', code: 'unknown_field' })),
      );
  }
  const list = isBare ? (body as unknown[]) : (body as { events: unknown[] }).events;
  const name = isBare ? '' : 'events';
  if (list.length === 0) throw new InvalidRequestError([{ path: name, message: 'must hold at least one event', code: 'invalid_event' }]);
  if (list.length > MAX_EVENTS) {
    const message = `must hold at most ${MAX_EVENTS.toLocaleString('en')} events, and holds ${list.length.toLocaleString('en')}`;
    throw new InvalidRequestError([{ path: name, message, code: 'too_many_events' }]);
  }
  return { list, at: (index) => `${name}[${index}]` };
}

function located({ path, message, code }: Problem, at: string): { path: string; message: string; code: string } {
  return { path: [at, path].filter((part) => part !== '').join('.'), message, code: code ?? 'invalid_event' };
}
