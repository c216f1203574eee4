import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { exists, localOf, zonedInstant, ZONES } from '../../test/support/zoned-instants.js';
import { bestSendTime, DEFAULT_SEND_HOUR, favouriteHour, MIN_OPENS } from './best-hour.js';
import { dateInZone, endOfWaitStep, nextTimeOfDay, parseDate, rememberingEndOfWaitStep } from './wait-until.js';
import { earliestWallClock, endOfWait, nextLocalTime, sameWallClock } from './zoned-time.js';

const HOUR = 3_600_000;
const minute = fc.integer({ min: 0, max: 1439 });
const time = minute.map(clock);
const weekdays = fc.option(fc.subarray([1, 2, 3, 4, 5, 6, 7], { minLength: 1 }), { nil: undefined });
const unit = fc.constantFrom('minutes' as const, 'hours' as const, 'days' as const, 'weeks' as const);
const duration = fc.record({ value: fc.integer({ min: 1, max: 120 }), unit });
const offset = fc.record({ value: fc.integer({ min: -120, max: 120 }), unit });

describe('waiting for a time of day', () => {
  it('ends at the next such time on the contact’s own clock, on an allowed weekday, never in the past', () => {
    fc.assert(
      fc.property(zonedInstant, time, weekdays, ({ zone, at }, from, days) => {
        const end = nextTimeOfDay(at, zone, { from, weekdays: days });
        expect(end.getTime()).toBeGreaterThanOrEqual(at.getTime());
        const day = localOf({ at: end, zone });
        expect(days ?? [1, 2, 3, 4, 5, 6, 7]).toContain(day.dayOfWeek);
        const wanted = day.toPlainDate().toPlainDateTime(Temporal.PlainTime.from(from));
        // What the clocks leave out is made up for at once; everything else is to the minute.
        if (exists(wanted, zone)) expect(day.toPlainDateTime().toString()).toBe(wanted.toString());
        else expect(end.getTime()).toBe(wanted.toZonedDateTime(zone).epochMilliseconds);
        // And there is none before it.
        for (let back = day.toPlainDate().subtract({ days: 1 }); ; back = back.subtract({ days: 1 })) {
          const earlier = back.toZonedDateTime({ timeZone: zone, plainTime: Temporal.PlainTime.from(from) }).epochMilliseconds;
          if (earlier < at.getTime()) break;
          expect(days).not.toContain(back.dayOfWeek);
        }
      }),
    );
  });

  it('is over at once inside a window, and else when the window next opens', () => {
    fc.assert(
      fc.property(zonedInstant, minute, fc.integer({ min: 1, max: 1440 }), weekdays, ({ zone, at }, start, length, days) => {
        const window = { from: clock(start), to: clock(Math.min(start + length, 1440)), weekdays: days };
        const end = nextTimeOfDay(at, zone, window);
        expect(end.getTime()).toBeGreaterThanOrEqual(at.getTime());
        expect(end.getTime() - at.getTime()).toBeLessThanOrEqual(15 * 24 * HOUR);
        expect(days ?? [1, 2, 3, 4, 5, 6, 7]).toContain(localOf({ at: end, zone }).dayOfWeek);
        // Once it is over, it is over.
        expect(nextTimeOfDay(end, zone, window)).toEqual(end);
      }),
    );
  });
});

describe('waiting for a date', () => {
  it('means the contact’s own calendar where no offset is given, and one instant for all where one is', () => {
    fc.assert(
      fc.property(zonedInstant, ({ zone, at }) => {
        const local = localOf({ at, zone }).toPlainDateTime();
        const there = dateInZone(local.toString({ smallestUnit: 'second' }), zone)!;
        expect(localOf({ at: there, zone }).toPlainDateTime().toString()).toBe(
          local.round({ smallestUnit: 'second', roundingMode: 'trunc' }).toString(),
        );
        for (const other of ZONES) expect(dateInZone(at.toISOString(), other)).toEqual(at);
        expect(dateInZone(local.toPlainDate().toString(), zone)!.getTime()).toBe(
          local.toPlainDate().toZonedDateTime(zone).epochMilliseconds,
        );
      }),
    );
  });

  it('moves by days and weeks on the calendar, by hours and minutes on the clock', () => {
    fc.assert(
      fc.property(zonedInstant, offset, ({ zone, at }, by) => {
        const day = localOf({ at, zone }).toPlainDate();
        const moved = dateInZone(day.toString(), zone, by)!;
        if (by.unit === 'days' || by.unit === 'weeks')
          expect(moved.getTime()).toBe(day.add({ [by.unit]: by.value }).toZonedDateTime(zone).epochMilliseconds);
        else expect(moved).toEqual(endOfWait(dateInZone(day.toString(), zone)!, by, zone));
        expect(dateInZone(at.toISOString(), zone, by)).toEqual(endOfWait(at, by, zone));
      }),
    );
  });

  it.each([undefined, null, '', 'soon', 7, true, {}, [], '2026-02-30', '2026-13-01', '2026-01-01T25:00', '0900-01-01', '2026-1-1'])(
    'goes on at once where the attribute holds %j',
    (value) => {
      const from = new Date('2026-03-29T00:30:00Z');
      const wait = { duration: null, until: { attribute: 'renews', offset: { value: 3, unit: 'days' as const } } };
      expect(parseDate(value)).toBeNull();
      expect(endOfWaitStep(from, wait, 'Europe/Berlin', value)).toEqual(from);
    },
  );

  it.each([
    // Three days before the renewal, on Santiago's calendar: midnight of 5 September 2027 does not exist there (the clocks change at midnight).
    ['2027-09-08', { value: -3, unit: 'days' }, 'America/Santiago', '2027-09-05T04:00:00.000Z'],
    ['2026-04-01', { value: -3, unit: 'days' }, 'Europe/Berlin', '2026-03-28T23:00:00.000Z'],
    ['2026-04-01T09:00', { value: 1, unit: 'weeks' }, 'Australia/Sydney', '2026-04-07T23:00:00.000Z'],
    ['2026-04-01T09:00:00+02:00', { value: -90, unit: 'minutes' }, 'Asia/Kathmandu', '2026-04-01T05:30:00.000Z'],
  ] as const)('%s moved by %j in %s is %s', (date, by, zone, expected) => {
    expect(dateInZone(date, zone, by)!.toISOString()).toBe(expected);
  });
});

describe('a wait of any kind', () => {
  const until = fc.oneof(
    fc.constant({}),
    zonedInstant.map(({ at }) => ({ date: at.toISOString() })),
    fc.record({ attribute: fc.constant('renews'), offset }),
  );

  it('never ends in the past, never before its parts, and is over when it is over', () => {
    fc.assert(
      fc.property(
        zonedInstant,
        fc.option(duration, { nil: null }),
        until,
        fc.option(time),
        weekdays,
        zonedInstant,
        (from, wait, base, clockTime, days, value) => {
          const timeOfDay = clockTime === null ? undefined : { from: clockTime, weekdays: days };
          const spec = { duration: wait, until: { ...(wait ? {} : base), timeOfDay } };
          const end = endOfWaitStep(from.at, spec, from.zone, value.at.toISOString());
          expect(end.getTime()).toBeGreaterThanOrEqual(from.at.getTime());
          const plain = endOfWaitStep(
            from.at,
            { ...spec, until: { ...spec.until, timeOfDay: undefined } },
            from.zone,
            value.at.toISOString(),
          );
          expect(end.getTime()).toBeGreaterThanOrEqual(plain.getTime());
          if (timeOfDay) expect(end).toEqual(nextTimeOfDay(plain, from.zone, timeOfDay));
          else expect(end).toEqual(plain);
          const remembering = rememberingEndOfWaitStep(spec);
          for (let again = 0; again < 2; again++) expect(remembering(from.at, from.zone, value.at.toISOString())).toEqual(end);
          if (!wait) expect(endOfWaitStep(end, spec, from.zone, value.at.toISOString())).toEqual(end);
        },
      ),
    );
  });

  it('is anchored on its due time: two waits in a row end where one over the sum of both ends, however late somebody looks', () => {
    fc.assert(
      fc.property(zonedInstant, fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), ({ zone, at }, a, b) => {
        const one = { duration: { value: a, unit: 'days' as const }, until: null };
        const two = { duration: { value: b, unit: 'days' as const }, until: null };
        const between = endOfWaitStep(at, one, zone);
        const local = localOf({ at, zone }).toPlainDateTime().add({ days: a });
        // Where the clock of the day between shows what it should, nothing has drifted.
        if (exists(local, zone) && local.toZonedDateTime(zone).epochMilliseconds === between.getTime())
          expect(endOfWaitStep(between, two, zone)).toEqual(endOfWait(at, { value: a + b, unit: 'days' }, zone));
      }),
    );
  });
});

describe('a start on everybody’s own clock', () => {
  it('is the same wall clock in every zone, and nowhere earlier than in the first', () => {
    fc.assert(
      fc.property(zonedInstant, fc.constantFrom(...ZONES), ({ zone, at }, other) => {
        const wanted = localOf({ at, zone }).toPlainDateTime();
        const there = sameWallClock(at, zone, other);
        if (exists(wanted, other)) expect(localOf({ at: there, zone: other }).toPlainDateTime().toString()).toBe(wanted.toString());
        else expect(Temporal.PlainDateTime.compare(localOf({ at: there, zone: other }).toPlainDateTime(), wanted)).toBe(1);
        const earliest = earliestWallClock(at, zone).getTime();
        expect(earliest).toBeLessThanOrEqual(there.getTime());
        expect(earliest).toBeGreaterThanOrEqual(at.getTime() - 26 * HOUR);
      }),
    );
  });
});

describe('the hour at which a contact opens', () => {
  const opens = fc.array(
    zonedInstant.map(({ at }) => at.getTime()),
    { minLength: MIN_OPENS, maxLength: 40 },
  );

  it('is the most frequent one on the contact’s clock', () => {
    fc.assert(
      fc.property(opens, fc.constantFrom(...ZONES), (times, zone) => {
        const hours = times.map((ms) => localOf({ at: new Date(ms), zone }).hour);
        const count = (hour: number) => hours.filter((h) => h === hour).length;
        const favourite = favouriteHour(times, zone)!;
        for (let hour = 0; hour < 24; hour++) expect(count(favourite)).toBeGreaterThanOrEqual(count(hour));
      }),
    );
  });

  it('turns with the day: shifting all opens by an hour shifts the favourite by one, over midnight too', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 23 }), { minLength: MIN_OPENS, maxLength: 20 }),
        fc.integer({ min: 1, max: 23 }),
        (hours, by) => {
          const at = (hour: number) => Date.UTC(2026, 0, 1 + Math.floor(hour / 24), hour % 24, 30);
          const before = favouriteHour(hours.map(at), 'UTC')!;
          const counts = hours.reduce((all, hour) => all.set(hour, (all.get(hour) ?? 0) + 1), new Map<number, number>());
          const most = Math.max(...counts.values());
          // Where one hour leads alone; ties go to the earlier hour, which is not the same after a turn.
          if ([...counts.values()].filter((n) => n === most).length > 1) return;
          expect(
            favouriteHour(
              hours.map((hour) => at(hour + by)),
              'UTC',
            ),
          ).toBe((before + by) % 24);
        },
      ),
    );
  });

  it('prefers, of two equally frequent hours, the one with company on the circle', () => {
    const at = (hour: number, day = 1) => Date.UTC(2026, 0, day, hour);
    expect(favouriteHour([at(7), at(7, 2), at(23), at(23, 2), at(0)], 'UTC')).toBe(23);
    expect(favouriteHour([at(7), at(7, 2), at(0), at(0, 2), at(23)], 'UTC')).toBe(0);
    expect(favouriteHour([at(7), at(7, 2), at(7, 3), at(7, 4)], 'UTC')).toBeNull();
  });

  it('decides when mail goes out: the next time it is that hour, at the contact’s own second, never in the past', () => {
    fc.assert(
      fc.property(zonedInstant, opens, fc.uuid(), ({ zone, at }, times, seed) => {
        const sent = bestSendTime(at, zone, times, seed);
        expect(sent.getTime()).toBeGreaterThanOrEqual(at.getTime());
        expect(sent.getTime() - at.getTime()).toBeLessThanOrEqual(25 * HOUR);
        const { hour, minute: m, second: s } = localOf({ at: sent, zone });
        const expected = localOf({ at: sent, zone })
          .toPlainDate()
          .toPlainDateTime(new Temporal.PlainTime(favouriteHour(times, zone)!, m, s));
        if (exists(expected, zone)) expect(hour).toBe(favouriteHour(times, zone));
        expect(bestSendTime(at, zone, times, seed)).toEqual(sent);
        expect(bestSendTime(at, zone, times.slice(0, MIN_OPENS - 1), seed)).toEqual(nextLocalTime(at, zone, DEFAULT_SEND_HOUR));
      }),
    );
  });
});

function clock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
