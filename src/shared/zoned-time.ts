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
 * When a wait that began at `from` ends. A local time that does not exist (spring) moves to the next valid instant, one that exists twice
 * (autumn) is the first: Temporal's `compatible` rule. `zone` is an IANA name; an unknown one throws RangeError, so check it at the door.
 */
export function endOfWait(from: Date, { value, unit }: WaitDuration, zone: string): Date {
  if (unit === 'minutes' || unit === 'hours') return new Date(from.getTime() + value * ABSOLUTE_MS[unit]);
  const local = Temporal.Instant.fromEpochMilliseconds(from.getTime()).toZonedDateTimeISO(zone);
  return new Date(local.add({ days: value * CALENDAR_DAYS[unit] }).epochMilliseconds);
}

/** The next instant, not before `now`, at which the wall clock in `zone` shows `hour`:`minute`. Never in the past. */
export function nextLocalTime(now: Date, zone: string, hour: number, minute = 0): Date {
  const local = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(zone);
  for (let days = 0; ; days++) {
    const at = local
      .toPlainDate()
      .add({ days })
      .toZonedDateTime({ timeZone: zone, plainTime: new Temporal.PlainTime(hour, minute) });
    if (at.epochMilliseconds >= now.getTime()) return new Date(at.epochMilliseconds);
  }
}

/**
 * The same function with its calendar answers remembered: a batch of contacts shares a few (instant, zone) pairs, and Temporal costs some
 * ten microseconds a call. Bounded; made anew for each batch.
 */
export function rememberingEndOfWait(): typeof endOfWait {
  const known = new Map<string, Date>();
  return (from, wait, zone) => {
    if (wait.unit === 'minutes' || wait.unit === 'hours') return endOfWait(from, wait, zone);
    const key = `${from.getTime()}|${wait.value}${wait.unit}|${zone}`;
    let end = known.get(key);
    if (end === undefined) {
      end = endOfWait(from, wait, zone);
      if (known.size < 10_000) known.set(key, end);
    }
    return end;
  };
}
