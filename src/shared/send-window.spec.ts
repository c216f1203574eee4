import fc from 'fast-check';
import { atLeast } from '../../test/support/property-size.js';
import { dayNumber, nextSendTime, startOfNextDay, type QuietHours, type SendWindow } from './send-window.js';

const at = (text: string) => new Date(text);
const WORKDAY: SendWindow = { from: '09:00', to: '18:00', weekdays: [1, 2, 3, 4, 5] };
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Kiritimati'];

/** The wall clock as Intl shows it: another way to the answer than the one under test. */
function wallClock(time: Date, zone: string): { minutes: number; weekday: number } {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
  const of = Object.fromEntries(parts.formatToParts(time).map(({ type, value }) => [type, value]));
  return {
    minutes: Number(of.hour) * 60 + Number(of.minute),
    weekday: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(of.weekday) + 1,
  };
}
const clock = (minutes: number) => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
const toMinutes = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

describe('when a message may go out', () => {
  it.each([
    ['inside the window: now', '2030-01-07T10:00:00Z', 'UTC', '2030-01-07T10:00:00Z'],
    ['at its first moment: now', '2030-01-07T09:00:00Z', 'UTC', '2030-01-07T09:00:00Z'],
    ['at its end: the next day', '2030-01-07T18:00:00Z', 'UTC', '2030-01-08T09:00:00Z'],
    ['before it: the same day', '2030-01-07T03:00:00Z', 'UTC', '2030-01-07T09:00:00Z'],
    ['on Friday evening: Monday', '2030-01-11T19:00:00Z', 'UTC', '2030-01-14T09:00:00Z'],
    ['by the clock of the contact', '2030-01-07T10:00:00Z', 'America/New_York', '2030-01-07T14:00:00Z'],
    ['across the change to summer time', '2030-03-29T20:00:00Z', 'Europe/Berlin', '2030-04-01T07:00:00Z'],
    ['across the change to winter time', '2030-10-25T20:00:00Z', 'Europe/Berlin', '2030-10-28T08:00:00Z'],
  ])('%s', (_, now, zone, expected) => {
    expect(nextSendTime(at(now), zone, WORKDAY, null)).toEqual(at(expected));
  });

  it('moves an opening that does not exist in spring to the next valid moment', () => {
    const night: SendWindow = { from: '02:30', to: '05:00' };
    expect(nextSendTime(at('2030-03-31T00:00:00Z'), 'Europe/Berlin', night, null)).toEqual(at('2030-03-31T01:30:00Z'));
  });

  it('waits for the end of the night, over midnight too', () => {
    const quiet: QuietHours = { from: '21:00', to: '08:00' };
    expect(nextSendTime(at('2030-01-07T23:00:00Z'), 'UTC', null, quiet)).toEqual(at('2030-01-08T08:00:00Z'));
    expect(nextSendTime(at('2030-01-08T07:59:00Z'), 'UTC', null, quiet)).toEqual(at('2030-01-08T08:00:00Z'));
    expect(nextSendTime(at('2030-01-08T08:00:00Z'), 'UTC', null, quiet)).toEqual(at('2030-01-08T08:00:00Z'));
  });

  it('obeys both, and says so when they leave no time at all', () => {
    expect(nextSendTime(at('2030-01-07T06:00:00Z'), 'UTC', WORKDAY, { from: '20:00', to: '10:00' })).toEqual(at('2030-01-07T10:00:00Z'));
    expect(nextSendTime(at('2030-01-07T06:00:00Z'), 'UTC', WORKDAY, { from: '08:00', to: '19:00' })).toBeNull();
  });

  it('is never in the past, is open when it comes, and does not change when asked again (over DST, in six zones)', () => {
    const minutes = fc.integer({ min: 0, max: 1439 });
    const property = fc.property(
      fc.date({ min: at('2029-01-01T00:00:00Z'), max: at('2031-12-31T00:00:00Z'), noInvalidDate: true }),
      fc.constantFrom(...ZONES),
      fc.tuple(minutes, minutes).filter(([a, b]) => b - a >= 120),
      fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      fc.option(fc.tuple(minutes, minutes).filter(([a, b]) => a !== b)),
      (now, zone, [from, to], weekdays, quiet) => {
        const window = { from: clock(from), to: clock(to), weekdays };
        const hours = quiet && { from: clock(quiet[0]), to: clock(quiet[1]) };
        const time = nextSendTime(now, zone, window, hours);
        if (time === null) return;
        expect(time.getTime()).toBeGreaterThanOrEqual(now.getTime());
        expect(nextSendTime(time, zone, window, hours)).toEqual(time);
        const wall = wallClock(time, zone);
        expect(weekdays).toContain(wall.weekday);
        expect(wall.minutes).toBeGreaterThanOrEqual(toMinutes(window.from));
        // A window that ends at a time skipped in spring ends at the moment that replaces it.
        expect(wall.minutes).toBeLessThan(toMinutes(window.to) + 60);
      },
    );
    fc.assert(property, { numRuns: atLeast(400) });
  });

  it('knows the days of a launch in its zone', () => {
    const launch = at('2030-03-30T22:30:00Z');
    expect(dayNumber(launch, launch, 'Europe/Berlin')).toEqual({ day: 1, date: '2030-03-30' });
    expect(dayNumber(launch, at('2030-03-30T23:00:00Z'), 'Europe/Berlin')).toEqual({ day: 2, date: '2030-03-31' });
    expect(startOfNextDay(at('2030-03-31T10:00:00Z'), 'Europe/Berlin')).toEqual(at('2030-03-31T22:00:00Z'));
  });
});
