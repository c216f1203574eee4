import { createHash } from 'node:crypto';
import type { BatchError } from '../entities/webhook-batch.entity.js';
import type { BounceClass, EmailEventType } from '../entities/email-event.entity.js';
import type { NewEmailEvent } from '../tracking.types.js';
import { machineReason } from './machine.js';

export type TenantEvent = NewEmailEvent & { tenantId: string };

/** What a batch comes to. Every entry of it is in exactly one of the four. */
export interface ReadBatch {
  events: TenantEvent[];
  /** About mail that is not ours, or of a kind that says nothing about one message. */
  ignored: number;
  /** Name another tenant than the account's. */
  foreign: number;
  errors: BatchError[];
}

/** SendGrid's names for what happened. Unsubscribing from a group is unsubscribing: we have no groups, and a no is a no. */
const TYPES: Record<string, EmailEventType> = {
  processed: 'processed',
  deferred: 'deferred',
  delivered: 'delivered',
  bounce: 'bounced',
  dropped: 'dropped',
  open: 'opened',
  click: 'clicked',
  spamreport: 'complained',
  unsubscribe: 'unsubscribed',
  group_unsubscribe: 'unsubscribed',
  group_resubscribe: 'resubscribed',
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const EARLIEST_SECONDS = Date.UTC(2009, 0, 1) / 1000;
/** Clocks differ; but what claims to come from next week is wrong. */
const FUTURE_SECONDS = 3600;
const DETAIL_LENGTH = 500;
const URL_LENGTH = 4_000;
const SHOWN_LENGTH = 1_000;

type Raw = Record<string, unknown>;

class Unreadable extends Error {}

/**
 * Reads the entries of one call. `accountTenantId` is whose account it was; null trusts the tenant that stands on the message, which is right for
 * an account that only this installation uses. Fields we do not know are passed over; an entry that cannot be read spoils no other. Pure.
 */
export function readSendGridEvents(batch: readonly unknown[], accountTenantId: string | null, now: Date): ReadBatch {
  const read: ReadBatch = { events: [], ignored: 0, foreign: 0, errors: [] };
  batch.forEach((entry, index) => {
    try {
      const event = readEvent(entry, accountTenantId, now);
      if (event === 'ignored' || event === 'foreign') read[event] += 1;
      else read.events.push(event);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      read.errors.push({ index, message: error.message, event: shown(entry) });
    }
  });
  return { ...read, events: distinct(read.events) };
}

function readEvent(entry: unknown, accountTenantId: string | null, now: Date): TenantEvent | 'ignored' | 'foreign' {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw new Unreadable('is not an object');
  const raw = entry as Raw;
  if (typeof raw.event !== 'string') throw new Unreadable('event is missing');
  // Other mail goes through the same account, and accounts report about themselves.
  if (raw.email_id === undefined || !Object.hasOwn(TYPES, raw.event)) return 'ignored';
  if (typeof raw.email_id !== 'string' || !UUID.test(raw.email_id)) throw new Unreadable('email_id is not a UUID');
  const tenantId = tenantOf(raw, accountTenantId);
  if (tenantId === 'foreign') return 'foreign';
  const type = TYPES[raw.event];
  const occurredAt = instantOf(raw.timestamp, now);
  const emailId = raw.email_id.toLowerCase();
  const url = type === 'clicked' ? text(raw.url, URL_LENGTH) : null;
  return {
    tenantId,
    emailId,
    type,
    source: 'sendgrid',
    occurredAt,
    dedupeKey: dedupeKey(type, emailId, occurredAt, url),
    ...machineOf(raw, type),
    bounceClass: type === 'bounced' ? bounceClass(raw) : null,
    url,
    userAgent: text(raw.useragent, DETAIL_LENGTH),
    detail: text(raw.reason, DETAIL_LENGTH) ?? (type === 'deferred' ? text(raw.response, DETAIL_LENGTH) : null),
    providerEventId: text(raw.sg_event_id, 255),
  };
}

function tenantOf(raw: Raw, accountTenantId: string | null): string {
  if (raw.tenant_id === undefined && accountTenantId !== null) return accountTenantId;
  if (typeof raw.tenant_id !== 'string' || !UUID.test(raw.tenant_id)) throw new Unreadable('tenant_id is not a UUID');
  const tenantId = raw.tenant_id.toLowerCase();
  return accountTenantId === null || accountTenantId === tenantId ? tenantId : 'foreign';
}

function instantOf(timestamp: unknown, now: Date): Date {
  const seconds = typeof timestamp === 'string' && /^\d{1,11}$/.test(timestamp) ? Number(timestamp) : timestamp;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) throw new Unreadable('timestamp is not a number of seconds');
  if (seconds < EARLIEST_SECONDS || seconds > now.getTime() / 1000 + FUTURE_SECONDS) throw new Unreadable('timestamp is out of range');
  return new Date(Math.floor(seconds) * 1000);
}

/** What happened to which message in which second (and, for a click, where it led): the same whatever id a repetition comes under. */
function dedupeKey(type: EmailEventType, emailId: string, at: Date, url: string | null): string {
  const key = `${type}:${emailId}:${at.getTime() / 1000}`;
  return url === null ? key : `${key}:${createHash('sha256').update(url).digest('base64url').slice(0, 22)}`;
}

function machineOf(raw: Raw, type: EmailEventType): { isMachine: boolean; machineReason: string | null } {
  if (type !== 'opened' && type !== 'clicked') return { isMachine: false, machineReason: null };
  if (raw.sg_machine_open === true) return { isMachine: true, machineReason: 'sg_machine_open' };
  // The provider may leave the agent out; that says nothing about who it was.
  const userAgent = text(raw.useragent, DETAIL_LENGTH);
  const reason = userAgent === null ? null : machineReason({ userAgent });
  return { isMachine: reason !== null, machineReason: reason };
}

/** The receiver's fault with us or with what we send, not with the address. */
const BLOCKS = /content|reputation|frequency|volume/i;

/**
 * Whether the address is dead (`hard`), full or out of order (`soft`), or the receiver does not want this (`block`). SendGrid's own
 * classification comes first, then the enhanced status code (RFC 3463), then its `type`.
 */
function bounceClass(raw: Raw): BounceClass {
  const classification = text(raw.bounce_classification, 100) ?? '';
  if (BLOCKS.test(classification)) return 'block';
  const [, kind, subject, detail] = /^([245])\.(\d{1,3})\.(\d{1,3})/.exec(text(raw.status, 20) ?? '') ?? [];
  if (raw.type === 'blocked') return kind === '4' && /unavailable|technical/i.test(classification) ? 'soft' : 'block';
  if (/invalid address/i.test(classification)) return 'hard';
  if (/unavailable|technical/i.test(classification) || kind === '4') return 'soft';
  if (subject === '7') return 'block';
  // 5.2.2: the mailbox is full, 5.2.3: the message is too long for it.
  return subject === '2' && (detail === '2' || detail === '3') ? 'soft' : 'hard';
}

/** A text without control characters, which neither the database nor people want, cut to `max`; null for anything else. */
function text(value: unknown, max: number): string | null {
  if (typeof value !== 'string') return null;
  const clean = value.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  return clean === '' ? null : cut(clean, max);
}

/** At most `max` long and without half characters, neither its own nor one at the cut: `jsonb` takes none, and would lose the event over it. */
export function cut(value: string, max: number): string {
  return value
    .slice(0, max)
    .replace(/[\ud800-\udbff]$/, '')
    .replace(/\p{Surrogate}/gu, '\ufffd');
}

function shown(entry: unknown): string {
  try {
    return text(JSON.stringify(entry), SHOWN_LENGTH) ?? '';
  } catch {
    // Nested too deeply to be written: parsing takes what writing does not.
    return '';
  }
}

/**
 * Of those that are the same by the provider's id or by what happened, one. Which ones are kept does not depend on the order they came in, also where
 * two that differ are each the same as a third.
 */
function distinct(events: TenantEvent[]): TenantEvent[] {
  // One order for everybody: two workers that insert the same events wait for each other instead of deadlocking.
  const sorted = [...events].sort(
    (a, b) =>
      compare(a.tenantId, b.tenantId) || compare(a.dedupeKey, b.dedupeKey) || compare(a.providerEventId ?? '', b.providerEventId ?? ''),
  );
  const seen = new Set<string>();
  return sorted.filter(({ tenantId, dedupeKey: key, providerEventId }) => {
    const names = [`k/${tenantId}/${key}`, ...(providerEventId === null ? [] : [`p/${tenantId}/${providerEventId}`])];
    if (names.some((name) => seen.has(name))) return false;
    for (const name of names) seen.add(name);
    return true;
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
