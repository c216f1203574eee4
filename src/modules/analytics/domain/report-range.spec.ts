import { daysOf, resolveRange } from './report-range.js';

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
});
