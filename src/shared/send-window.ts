import { Temporal } from 'temporal-polyfill';

/** Wall-clock times `HH:MM` on one day, `to` not included (`24:00`: the end of the day). Weekdays 1 (Monday) to 7; every day if not given. */
export interface SendWindow {
  from: string;
  to: string;
  weekdays?: number[];
}

/** Wall-clock times `HH:MM`, `to` not included; `to` at or before `from` means on the next day. */
export interface QuietHours {
  from: string;
  to: string;
}

/** No sequence of windows and quiet hours that ever opens needs more steps: each step passes at least half a day. */
const MAX_STEPS = 40;
/** Two weeks: the change of clocks may swallow the window on the one weekday it opens. */
const DAYS_AHEAD = 15;

export function minutesOfDay(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

/**
 * The first instant, not before `now`, at which a message may go out in `zone`: inside the window and outside the quiet hours. `now` itself if it
 * may go out now. Never in the past. A local time that does not exist moves to the next valid instant, one that exists twice is the first. Null when
 * the two leave no time at all (a window wholly inside quiet hours). `zone` must be an IANA name.
 */
export function nextSendTime(now: Date, zone: string, window: SendWindow | null, quiet: QuietHours | null): Date | null {
  let at = now.getTime();
  for (let step = 0; step < MAX_STEPS; step++) {
    const opened = window ? nextOpening(at, zone, window) : at;
    if (opened === null) return null;
    const loud = quiet ? endOfQuiet(opened, zone, quiet) : opened;
    if (loud === opened) return new Date(opened);
    at = loud;
  }
  return null;
}

/** The same with its answers remembered by zone: a batch of contacts shares a few. For one `now`, window and quiet hours. */
export function rememberingSendTime(now: Date, window: SendWindow | null, quiet: QuietHours | null): (zone: string) => Date | null {
  const known = new Map<string, Date | null>();
  return (zone) => {
    let time = known.get(zone);
    if (time === undefined) {
      time = nextSendTime(now, zone, window, quiet);
      known.set(zone, time);
    }
    return time;
  };
}

/** The beginning of the calendar day after `now` in `zone`. */
export function startOfNextDay(now: Date, zone: string): Date {
  return new Date(localDay(now.getTime(), zone).add({ days: 1 }).toZonedDateTime({ timeZone: zone }).epochMilliseconds);
}

/** Which day of something that began at `start` it is in `zone` (1: the day it began), and its date. */
export function dayNumber(start: Date, now: Date, zone: string): { day: number; date: string } {
  const today = localDay(now.getTime(), zone);
  return { day: localDay(start.getTime(), zone).until(today, { largestUnit: 'days' }).days + 1, date: today.toString() };
}

function nextOpening(at: number, zone: string, { from, to, weekdays }: SendWindow): number | null {
  const today = localDay(at, zone);
  for (let days = 0; days <= DAYS_AHEAD; days++) {
    const day = today.add({ days });
    if (weekdays && !weekdays.includes(day.dayOfWeek)) continue;
    const [opens, closes] = [instantOf(day, zone, from), instantOf(day, zone, to)];
    if (opens < closes && at < closes) return Math.max(at, opens);
  }
  return null;
}

function endOfQuiet(at: number, zone: string, { from, to }: QuietHours): number {
  const today = localDay(at, zone);
  const length = minutesOfDay(to) > minutesOfDay(from) ? 0 : 1;
  for (const begin of [today.subtract({ days: 1 }), today]) {
    const [starts, ends] = [instantOf(begin, zone, from), instantOf(begin.add({ days: length }), zone, to)];
    if (starts <= at && at < ends) return ends;
  }
  return at;
}

function localDay(at: number, zone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate();
}

function instantOf(day: Temporal.PlainDate, zone: string, time: string): number {
  const minutes = minutesOfDay(time);
  const date = minutes === 1440 ? day.add({ days: 1 }) : day;
  const plainTime = new Temporal.PlainTime(Math.floor(minutes / 60) % 24, minutes % 60);
  return date.toZonedDateTime({ timeZone: zone, plainTime }).epochMilliseconds;
}
