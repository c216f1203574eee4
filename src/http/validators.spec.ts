import { isDay, isEmailAddress, isHeaderText, isTimeZone, parseInstant } from './validators.js';

describe('isEmailAddress', () => {
  it.each([
    'a@example.com',
    'first.last+tag@sub.example.co.uk',
    "o'hara@example.com",
    'ä@example.com',
    'a@bücher.example',
    'A@EXAMPLE.COM',
  ])('accepts %s', (address) => expect(isEmailAddress(address)).toBe(true));

  it.each([
    '',
    'a',
    '@example.com',
    'a@',
    'a@localhost',
    'a b@example.com',
    'A <a@example.com>',
    'a@example.com, b@example.com',
    'a@example.com;b@example.com',
    'a@b@example.com',
    '"a b"@example.com',
    'a@[127.0.0.1]',
    '.a@example.com',
    'a..b@example.com',
    'a.@example.com',
    'a@-example.com',
    'a@example..com',
    'a@example.com.',
    'a@example.com\r\nRCPT TO:<z@z>',
    ' a@example.com',
    'a@example.com\0',
    'a(comment)@example.com',
    `${'a'.repeat(65)}@example.com`,
    `a@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.${'e'.repeat(63)}.com`,
  ])('refuses %j, which would be another address, several, or a header', (address) => expect(isEmailAddress(address)).toBe(false));

  it('is not slow on what looks like an address for ever', () => {
    const start = performance.now();
    isEmailAddress(`${'a.'.repeat(31)}a@${'a-'.repeat(100)}`);
    isEmailAddress(`a@${'a.'.repeat(120)}`);
    expect(performance.now() - start).toBeLessThan(100);
  });
});

describe('isHeaderText', () => {
  it('counts characters, not code units', () => {
    expect(isHeaderText('😀'.repeat(255))).toBe(true);
    expect(isHeaderText('x'.repeat(256))).toBe(false);
  });

  it.each(['', '  ', 'a\nb', 'a\rb', 'a\0b', 'a\u0085b', 'a\u2028b', 'a\tb', 5, null])('refuses %j', (value) => {
    expect(isHeaderText(value)).toBe(false);
  });
});

describe('isTimeZone', () => {
  it('knows zones by their names, also those Intl does not list, and takes neither offsets nor POSIX rules for one', () => {
    expect(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'].every(isTimeZone)).toBe(true);
    expect(['', 'Mars/Olympus', '+01:00', 'FOO7BAR', null, 5].some(isTimeZone)).toBe(false);
  });
});

describe('instants and days', () => {
  it('keep the instant an offset names', () => {
    expect(parseInstant('2026-03-29T02:30:00+01:00')?.toISOString()).toBe('2026-03-29T01:30:00.000Z');
    expect(parseInstant('2028-02-29T00:00Z')?.toISOString()).toBe('2028-02-29T00:00:00.000Z');
  });

  it.each([
    '2026-03-29T02:30:00',
    '2026-03-29',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:00:00+15:00',
    '0001-01-01T00:00:00Z',
    '+275760-09-13T00:00:00Z',
    'tomorrow',
    1711670400000,
    null,
  ])('refuse %j, which names none or another one on every server', (value) => expect(parseInstant(value)).toBeNull());

  it('know which days there are', () => {
    expect(['2026-02-28', '2028-02-29'].every(isDay)).toBe(true);
    expect(['2026-02-29', '2026-2-1', '2026-00-10', '20260101', ''].some(isDay)).toBe(false);
  });
});
