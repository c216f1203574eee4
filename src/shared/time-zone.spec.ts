import { isTimeZone } from './time-zone.js';

describe('the name of a time zone', () => {
  it.each([
    'UTC',
    'Europe/Berlin',
    'Asia/Kolkata',
    'Asia/Calcutta',
    'Europe/Kyiv',
    'America/Argentina/Buenos_Aires',
    'Etc/GMT+5',
    'GMT',
    'EST5EDT',
    'America/Port-au-Prince',
  ])('may be %s', (name) => {
    expect(isTimeZone(name)).toBe(true);
  });

  it.each([
    '',
    'Mars/Olympus',
    '+01:00',
    'FOO7BAR',
    'utc',
    'europe/berlin',
    'EUROPE/BERLIN',
    'Utc',
    'asia/kolkata',
    'Europe/Berlin ',
    'Europe/../Berlin',
    'x'.repeat(200),
    null,
    5,
  ])('may not be %j', (name) => {
    expect(isTimeZone(name)).toBe(false);
  });
});
