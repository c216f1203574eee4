import { daysOf, resolveRange, startsOf, weeksOf } from './report-range.js';

const NOW = new Date('2030-03-31T22:30:00Z');
const launched = (at: string) => ({ launchedAt: new Date(at) });
const refused = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('was not refused');
};

describe('the days of a report', () => {
  it('run from the day of the launch to today, as the zone has them', () => {
    const berlin = resolveRange({ timezone: 'Europe/Berlin' }, launched('2030-03-29T23:30:00Z'), NOW);
    expect(berlin).toMatchObject({ startDate: '2030-03-30', endDate: '2030-04-01' });
    const utc = resolveRange({ timezone: 'UTC' }, launched('2030-03-29T23:30:00Z'), NOW);
    expect(utc).toMatchObject({ startDate: '2030-03-29', endDate: '2030-03-31' });
    expect(daysOf(utc)).toEqual(['2030-03-29', '2030-03-30', '2030-03-31']);
  });

  it('begin and end with the day of the zone, also when clocks change', () => {
    const spring = resolveRange(
      { startDate: '2030-03-31', endDate: '2030-03-31', timezone: 'Europe/Berlin' },
      launched('2030-01-01T00:00:00Z'),
      NOW,
    );
    expect([spring.from.toISOString(), spring.to.toISOString()]).toEqual(['2030-03-30T23:00:00.000Z', '2030-03-31T22:00:00.000Z']);
    // Midnight does not exist on this day in Beirut: clocks go from 00:00 to 01:00.
    const beirut = resolveRange(
      { startDate: '2030-03-31', endDate: '2030-03-31', timezone: 'Asia/Beirut' },
      launched('2030-01-01T00:00:00Z'),
      NOW,
    );
    expect([beirut.from.toISOString(), beirut.to.toISOString()]).toEqual(['2030-03-30T22:00:00.000Z', '2030-03-31T21:00:00.000Z']);
  });

  it('are the last 366 of a campaign that is older, and today for one not launched', () => {
    const old = resolveRange({ timezone: 'UTC' }, launched('2020-01-01T00:00:00Z'), NOW);
    expect(daysOf(old)).toHaveLength(366);
    expect(old.endDate).toBe('2030-03-31');
    expect(resolveRange({ timezone: 'UTC' }, { launchedAt: null }, NOW)).toMatchObject({ startDate: '2030-03-31', endDate: '2030-03-31' });
  });

  it('are never reversed by a default', () => {
    const campaign = launched('2030-03-01T00:00:00Z');
    expect(resolveRange({ startDate: '2031-01-01', timezone: 'UTC' }, campaign, NOW)).toMatchObject({ endDate: '2031-01-01' });
    expect(resolveRange({ endDate: '2030-02-01', timezone: 'UTC' }, campaign, NOW)).toMatchObject({ startDate: '2030-02-01' });
  });

  it('are refused with the path of the fault when reversed or too many', () => {
    const ask = (startDate: string, endDate: string) =>
      refused(() => resolveRange({ startDate, endDate, timezone: 'UTC' }, launched('2030-01-01T00:00:00Z'), NOW));
    expect(ask('2030-03-02', '2030-03-01')).toMatchObject({
      category: 'malformed',
      problems: [{ path: 'query.endDate', code: 'range_reversed' }],
    });
    expect(ask('2030-01-01', '2031-01-02')).toMatchObject({
      category: 'malformed',
      problems: [{ path: 'query.endDate', code: 'range_too_long' }],
    });
  });

  it('may be 366 in all', () => {
    expect(
      daysOf(resolveRange({ startDate: '2030-01-01', endDate: '2031-01-01', timezone: 'UTC' }, launched('2030-01-01T00:00:00Z'), NOW)),
    ).toHaveLength(366);
  });

  it('each begin where the zone has them begin, over every change of its clocks and over missing midnights', () => {
    for (const timezone of ['America/Havana', 'Australia/Lord_Howe', 'Africa/Casablanca']) {
      const days = daysOf({ startDate: '2025-02-01', endDate: '2026-01-31' });
      const each = days.map((day) => resolveRange({ startDate: day, endDate: day, timezone }, { launchedAt: null }, NOW).from);
      expect(startsOf(days, timezone)).toEqual(each);
      const weeks = weeksOf({ startDate: days[0], endDate: days.at(-1)! });
      expect(startsOf(weeks.slice(1), timezone)).toEqual(weeks.slice(1).map((monday) => each[days.indexOf(monday)]));
    }
  });

  it('make weeks from Monday, the one that has begun before included', () => {
    expect(weeksOf({ startDate: '2030-01-06', endDate: '2030-01-14' })).toEqual(['2029-12-31', '2030-01-07', '2030-01-14']);
  });
});
