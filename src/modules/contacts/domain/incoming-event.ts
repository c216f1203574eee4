import type { Problem } from '../../../shared/domain-error.js';
import { addressFault } from './address.js';
import { lineFault } from './text.js';

export const MAX_EVENTS = 1_000;
export const MAX_EVENT_NAME = 100;
const MAX_EXTERNAL_ID = 255;
const MAX_PROPERTIES_BYTES = 10_000;
/** Clocks differ; what is further ahead is a slip. */
const MAX_AHEAD_MS = 300_000;

const FIELDS = ['id', 'name', 'contactId', 'email', 'occurredAt', 'properties'];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** An event as a host reports it, checked. One of `contactId` and `email` is set. */
export interface IncomingEvent {
  externalId: string | null;
  name: string;
  contactId: string | null;
  email: string | null;
  occurredAt: Date;
  properties: Record<string, unknown>;
}

/**
 * One event out of a request, or what is wrong with it, with paths relative to it. `parseInstant` reads an ISO 8601 instant with offset; without
 * `occurredAt` an event happened now. A time that is a little ahead counts as now.
 */
export function readEvent(value: unknown, now: Date, parseInstant: (text: unknown) => Date | null): IncomingEvent | Problem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [fault('', 'must be an object: { name, contactId or email, … }')];
  const fields = value as Record<string, unknown>;
  const occurredAt = fields.occurredAt == null ? now : parseInstant(fields.occurredAt);
  const problems = [
    ...Object.keys(fields)
      .filter((field) => !FIELDS.includes(field))
      .map((field) => ({
        path: field.slice(0, 100),
        message: `is not a field of an event; it has ${FIELDS.join(', ')}`,
        code: 'unknown_field',
      })),
    ...textProblems(fields.name, 'name', MAX_EVENT_NAME),
    ...(fields.id == null ? [] : textProblems(fields.id, 'id', MAX_EXTERNAL_ID)),
    ...personProblems(fields),
    ...timeProblems(occurredAt, now),
    ...propertyProblems(fields.properties),
  ];
  if (problems.length > 0) return problems;
  return {
    externalId: (fields.id as string | null | undefined) ?? null,
    name: fields.name as string,
    contactId: (fields.contactId as string | null | undefined)?.toLowerCase() ?? null,
    email: (fields.email as string | null | undefined) ?? null,
    occurredAt: new Date(Math.min(occurredAt!.getTime(), now.getTime())),
    properties: (fields.properties as Record<string, unknown> | null | undefined) ?? {},
  };
}

function textProblems(value: unknown, path: string, limit: number): Problem[] {
  if (typeof value !== 'string' || value.trim() === '') return [fault(path, `is a text of 1 to ${limit} characters`)];
  const wrong = lineFault(value, limit);
  return wrong ? [fault(path, wrong)] : [];
}

function personProblems({ contactId, email }: Record<string, unknown>): Problem[] {
  if ((contactId == null) === (email == null)) return [fault('contactId', 'or email is needed, and not both: whom did it happen to?')];
  if (contactId != null) return typeof contactId === 'string' && UUID.test(contactId) ? [] : [fault('contactId', 'must be an id (a UUID)')];
  const wrong = typeof email === 'string' ? addressFault(email) : 'must be an address';
  return wrong ? [fault('email', wrong)] : [];
}

function timeProblems(occurredAt: Date | null, now: Date): Problem[] {
  if (occurredAt === null) return [fault('occurredAt', 'must be a date and time with an offset, such as 2026-03-29T09:00:00+02:00')];
  if (occurredAt.getTime() <= now.getTime() + MAX_AHEAD_MS) return [];
  return [fault('occurredAt', 'lies in the future: an event is reported when it has happened')];
}

function propertyProblems(properties: unknown): Problem[] {
  if (properties == null) return [];
  if (typeof properties !== 'object' || Array.isArray(properties)) return [fault('properties', 'must be an object')];
  if (Buffer.byteLength(JSON.stringify(properties)) <= MAX_PROPERTIES_BYTES) return [];
  return [fault('properties', `must be at most ${MAX_PROPERTIES_BYTES.toLocaleString('en')} bytes of JSON`)];
}

function fault(path: string, message: string): Problem {
  return { path, message, code: 'invalid_event' };
}
