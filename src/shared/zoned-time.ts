import { Temporal } from 'temporal-polyfill';

/** Units a wait can have. Minutes and hours are absolute; days and weeks are calendar units in the contact's zone. */
export type WaitUnit = 'minutes' | 'hours' | 'days' | 'weeks';

export interface WaitDuration {
  value: number;
  unit: WaitUnit;
}

const ABSOLUTE_MS = { minutes: 60_000, hours: 3_600_000 } as const;
const CALENDAR_DAYS = { days: 1, weeks: 7 } as const;

/**
 * When a wait that began at `from` ends; a negative value leads back. A local time that does not exist (spring) moves to the next valid instant, one that exists twice
 * (autumn) is the first: Temporal's `compatible` rule. `zone` is an IANA name; an unknown one throws RangeError, so check it at the door.
 */
export function endOfWait(from: Date, { value, unit }: WaitDuration, zone: string): Date {
  if (unit === 'minutes' || unit === 'hours') return new Date(from.getTime() + value * ABSOLUTE_MS[unit]);
  return new Date(localTime(from, zone).add({ days: value * CALENDAR_DAYS[unit] }).epochMilliseconds);
}

/** No weekday is further away than this, even where the change of clocks swallows the time on one of them. */
const DAYS_AHEAD = 15;

/**
 * The next instant, not before `now`, at which the wall clock in `zone` shows `hour`:`minute`:`second`, on one of the `weekdays` (1 Monday to
 * 7; any day if not given). Never in the past. A time that does not exist that day is the next valid instant, one that exists twice the first.
 */
export function nextLocalTime(now: Date, zone: string, hour: number, minute = 0, second = 0, weekdays?: readonly number[]): Date {
  const today = localTime(now, zone).toPlainDate();
  const plainTime = new Temporal.PlainTime(hour, minute, second);
  for (let days = 0; days <= DAYS_AHEAD; days++) {
    const day = today.add({ days });
    if (weekdays && !weekdays.includes(day.dayOfWeek)) continue;
    const at = day.toZonedDateTime({ timeZone: zone, plainTime });
    if (at.epochMilliseconds >= now.getTime()) return new Date(at.epochMilliseconds);
  }
  throw new RangeError('No weekday is allowed.');
}

/** The instant at which the wall clock in `toZone` shows what the one in `fromZone` shows at `at`. */
export function sameWallClock(at: Date, fromZone: string, toZone: string): Date {
  return new Date(localTime(at, fromZone).toPlainDateTime().toZonedDateTime(toZone).epochMilliseconds);
}

/** Where a day begins first: UTC+14. */
const FIRST_ZONE = 'Etc/GMT-14';

/** The earliest instant at which any wall clock on earth shows what the one in `zone` shows at `at`; at most 26 hours before it. */
export function earliestWallClock(at: Date, zone: string): Date {
  return sameWallClock(at, zone, FIRST_ZONE);
}

export function localTime(at: Date, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone);
}
