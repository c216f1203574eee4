import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { atLeast } from '../../test/support/property-size.js';
import { endOfWait, nextLocalTime } from './zoned-time.js';

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Sydney', 'America/Santiago', 'Asia/Kathmandu'];
const zone = fc.constantFrom(...ZONES);
const instant = fc.date({ min: new Date('2025-01-01T00:00:00Z'), max: new Date('2028-01-01T00:00:00Z'), noInvalidDate: true });
const localOf = (at: Date, timeZone: string) => Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(timeZone);

describe('endOfWait', () => {
  it('counts minutes and hours absolutely, whatever the clocks do', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 1, max: 10_000 }), zone, (from, value, tz) => {
        expect(endOfWait(from, { value, unit: 'minutes' }, tz).getTime() - from.getTime()).toBe(value * 60_000);
        expect(endOfWait(from, { value, unit: 'hours' }, tz).getTime() - from.getTime()).toBe(value * 3_600_000);
      }),
    );
  });

  it('keeps the local time of day over days and weeks, but where that time does not exist', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 1, max: 400 }), zone, (from, value, tz) => {
        const before = localOf(from, tz);
        const after = localOf(endOfWait(from, { value, unit: 'days' }, tz), tz);
        const wanted = before.toPlainDateTime().add({ days: value });
        const exists = wanted.toZonedDateTime(tz).toPlainDateTime().equals(wanted);
        if (exists) expect(after.toPlainDateTime().toString()).toBe(wanted.toString());
        else expect(Temporal.PlainDateTime.compare(after.toPlainDateTime(), wanted)).toBe(1);
        expect(endOfWait(from, { value, unit: 'weeks' }, tz)).toEqual(endOfWait(from, { value: value * 7, unit: 'days' }, tz));
      }),
      { numRuns: atLeast(500) },
    );
  });

  it.each([
    // 02:30 does not exist on 29 March 2026 in Berlin: the next valid instant is 03:30 summer time.
    ['2026-03-28T01:30:00Z', { value: 1, unit: 'days' }, 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    // 02:30 exists twice on 25 October 2026 in Berlin: the first is in summer time.
    ['2026-10-24T00:30:00Z', { value: 1, unit: 'days' }, 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    // A calendar day over the change is 23 or 25 hours long; 24 hours are 24 hours.
    ['2026-03-28T12:00:00Z', { value: 1, unit: 'days' }, 'Europe/Berlin', '2026-03-29T11:00:00.000Z'],
    ['2026-03-28T12:00:00Z', { value: 24, unit: 'hours' }, 'Europe/Berlin', '2026-03-29T12:00:00.000Z'],
    ['2026-04-04T00:00:00Z', { value: 1, unit: 'weeks' }, 'Australia/Sydney', '2026-04-11T01:00:00.000Z'],
  ] as const)('from %s %j in %s ends at %s', (from, wait, tz, expected) => {
    expect(endOfWait(new Date(from), wait, tz).toISOString()).toBe(expected);
  });
});

describe('nextLocalTime', () => {
  it('is the next such time on the wall clock and never in the past', () => {
    fc.assert(
      fc.property(instant, zone, fc.integer({ min: 0, max: 23 }), (now, tz, hour) => {
        const next = nextLocalTime(now, tz, hour);
        expect(next.getTime()).toBeGreaterThanOrEqual(now.getTime());
        expect(next.getTime() - now.getTime()).toBeLessThanOrEqual(25 * 3_600_000);
        const local = localOf(next, tz);
        const wanted = local.toPlainDate().toPlainDateTime(new Temporal.PlainTime(hour));
        // In a spring gap the wall clock skips the hour; then the first instant after it is right.
        if (wanted.toZonedDateTime(tz).toPlainDateTime().equals(wanted)) expect([local.hour, local.minute]).toEqual([hour, 0]);
      }),
      { numRuns: atLeast(500) },
    );
  });
});
