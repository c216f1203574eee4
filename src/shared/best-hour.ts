import { seededFraction } from './seeded.js';
import { nextLocalTime } from './zoned-time.js';

/** When mail goes out to people whose own best hour is not known. */
export const DEFAULT_SEND_HOUR = 9;

/** Fewer messages opened by a person tell nothing about the hour. */
export const MIN_OPENS = 5;

const SPREAD_SECONDS = 3_600;

/**
 * The hour of the day, by the clock in `zone`, at which most of the opens (milliseconds since the epoch) fell; null for fewer than `MIN_OPENS`. The
 * day is a circle: of equally frequent hours the one with more opens in the hours beside it counts, 23 and 0 being neighbours; then the earlier.
 */
export function favouriteHour(opens: readonly number[], zone: string): number | null {
  if (opens.length < MIN_OPENS) return null;
  const counts = new Array<number>(24).fill(0);
  for (const open of opens) counts[localHour(open, zone)] += 1;
  const beside = (hour: number): number => counts[(hour + 23) % 24] + counts[(hour + 1) % 24];
  let best = 0;
  for (let hour = 1; hour < 24; hour++) {
    if (counts[hour] > counts[best] || (counts[hour] === counts[best] && beside(hour) > beside(best))) best = hour;
  }
  return best;
}

/**
 * The next instant, not before `notBefore`, at which a message is sent by the strategy `optimized`: in the contact's favourite hour, at a second of
 * it that is always the same for the same `seed` (so that a full hour is not one burst), else at 09:00; both by the clock in `zone`.
 */
export function bestSendTime(notBefore: Date, zone: string, opens: readonly number[], seed: string): Date {
  const hour = favouriteHour(opens, zone);
  if (hour === null) return nextLocalTime(notBefore, zone, DEFAULT_SEND_HOUR);
  const second = Math.floor(seededFraction(seed) * SPREAD_SECONDS);
  return nextLocalTime(notBefore, zone, hour, Math.floor(second / 60), second % 60);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Much cheaper than Temporal; only the hour is asked for. */
function localHour(at: number, zone: string): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hour: '2-digit', hourCycle: 'h23' });
    formats.set(zone, format);
  }
  return Number(format.format(at));
}
