import { Temporal } from 'temporal-polyfill';
import { minutesOfDay, nextSendTime } from './send-window.js';
import { endOfWait, nextLocalTime, type WaitDuration } from './zoned-time.js';

/**
 * Until when a wait lasts. `duration`, `date` and `attribute` exclude each other; `timeOfDay` may follow each of them, or stand alone.
 *
 * - `date`: an instant with its offset, the same for everybody; or without one (`2030-04-01T09:00`, `2030-04-01`) by each contact's own clock.
 * - `attribute`: the contact's attribute of this name, read as such a date, moved by `offset` (which may lead back).
 * - `timeOfDay`: then until the next `from` on one of the weekdays; with `to`, on at once inside the window.
 */
export interface WaitUntil {
  date?: string;
  attribute?: string;
  offset?: WaitDuration;
  timeOfDay?: TimeOfDay;
}

/** Wall-clock times `HH:MM` by the contact's clock, `to` not included; weekdays 1 (Monday) to 7, every day if not given. */
export interface TimeOfDay {
  from: string;
  to?: string;
  weekdays?: number[];
}

const MOST_REMEMBERED = 10_000;

export interface WaitSpec {
  duration: WaitDuration | null;
  until: WaitUntil | null;
}

/**
 * When a wait ends that is due to begin at `from`, for a contact in `zone` whose attribute has `value`. Never before `from`: a date that has
 * passed, is missing or cannot be read is no reason to wait. Days and weeks are calendar units of the zone; a local time that does not exist
 * moves to the next valid instant, one that exists twice is the first. `zone` must be an IANA name.
 */
export function endOfWaitStep(from: Date, { duration, until }: WaitSpec, zone: string, value?: unknown): Date {
  const base = duration ? endOfWait(from, duration, zone) : dateOf(until, zone, value);
  const earliest = base !== null && base > from ? base : from;
  return until?.timeOfDay ? nextTimeOfDay(earliest, zone, until.timeOfDay) : earliest;
}

/** What a date means in `zone`, moved by `offset`; null if it is none. Moved on the calendar first, then looked up on the clock. */
export function dateInZone(value: unknown, zone: string, offset?: WaitDuration): Date | null {
  const date = parseDate(value);
  if (date === null) return null;
  if (date instanceof Date) return offset ? endOfWait(date, offset, zone) : date;
  const isCalendar = offset?.unit === 'days' || offset?.unit === 'weeks';
  const local = isCalendar ? date.add({ [offset.unit]: offset.value }) : date;
  const at = new Date(local.toZonedDateTime(zone).epochMilliseconds);
  return offset && !isCalendar ? endOfWait(at, offset, zone) : at;
}

const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** An instant if the text says its offset, else what a wall clock shows; null if it is no date of the years 1000 to 9999. */
export function parseDate(value: unknown): Date | Temporal.PlainDateTime | null {
  if (value instanceof Date) return value;
  const match = typeof value === 'string' && value[0] !== '0' ? DATE.exec(value) : null;
  if (!match) return null;
  try {
    return match[1] ? new Date(Temporal.Instant.from(match[0]).epochMilliseconds) : Temporal.PlainDateTime.from(match[0]);
  } catch {
    return null;
  }
}

/** The next instant, not before `at`, inside the window or, without an end, at its time; on one of its weekdays. */
export function nextTimeOfDay(at: Date, zone: string, { from, to, weekdays }: TimeOfDay): Date {
  if (to !== undefined) {
    const next = nextSendTime(at, zone, { from, to, weekdays }, null);
    if (next === null) throw new RangeError(`The window from ${from} to ${to} never opens.`);
    return next;
  }
  const minutes = minutesOfDay(from);
  return nextLocalTime(at, zone, Math.floor(minutes / 60), minutes % 60, 0, weekdays);
}

function dateOf(until: WaitUntil | null, zone: string, value: unknown): Date | null {
  if (until?.date !== undefined) return dateInZone(until.date, zone);
  return until?.attribute === undefined ? null : dateInZone(value, zone, until.offset);
}

/**
 * The same function for one wait, with its answers remembered: a batch of contacts shares a few (instant, zone, date), and Temporal costs some ten
 * microseconds a call. Bounded; made anew for each batch.
 */
export function rememberingEndOfWaitStep(wait: WaitSpec): (from: Date, zone: string, value?: unknown) => Date {
  const { duration, until } = wait;
  if (duration && !until && (duration.unit === 'minutes' || duration.unit === 'hours'))
    return (from, zone) => endOfWaitStep(from, wait, zone);
  const known = new Map<string, Date>();
  return (from, zone, value) => {
    const key = `${from.getTime()}|${zone}|${typeof value === 'string' || value instanceof Date ? value.valueOf() : ''}`;
    let end = known.get(key);
    if (end === undefined) {
      end = endOfWaitStep(from, wait, zone, value);
      if (known.size < MOST_REMEMBERED) known.set(key, end);
    }
    return end;
  };
}
