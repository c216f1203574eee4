const LEAP_YEAR = '([1-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)';
const DATE =
  '([1-9][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))' +
  `|${LEAP_YEAR}-02-29)`;
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?';
const OFFSET = '(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])';

/**
 * Text that is a real date of the years 1000 to 9999, with or without a time and an offset (ISO 8601; a blank may stand for the T). One
 * pattern for PostgreSQL and JavaScript: whatever it accepts, `::timestamptz` accepts, so a cast guarded by it never throws. That is why
 * it knows the lengths of months and the leap years.
 */
export const INSTANT_PATTERN = `^${DATE}([T ]${TIME}${OFFSET}?)?$`;

/** Text that reads as a number: plain decimals of at most 15 characters, which a double holds exactly and `::numeric` always takes. */
export const NUMBER_PATTERN = '^-?[0-9]{1,14}([.][0-9]{1,13})?$';
export const NUMBER_TEXT_LENGTH = 15;

const INSTANT = new RegExp(INSTANT_PATTERN);
const STRICT_INSTANT = new RegExp(`^${DATE}(T${TIME}${OFFSET})?$`);
const NUMBER = new RegExp(NUMBER_PATTERN);

/** Milliseconds since the epoch, or null if the text is no date. Without an offset: UTC. */
export function parseInstant(text: string): number | null {
  if (!INSTANT.test(text)) return null;
  const iso = text.replace(' ', 'T');
  const zoned = iso.length === 10 || new RegExp(`${OFFSET}$`).test(iso.slice(11)) ? iso : `${iso}Z`;
  const ms = Date.parse(zoned);
  return Number.isNaN(ms) ? null : ms;
}

/** What a rule's own value must be: a date, or an instant that says its offset (a time without one means something else to everybody). */
export function isRuleInstant(text: string): boolean {
  return STRICT_INSTANT.test(text);
}

/** The number a text stands for, or null. */
export function parseNumber(text: string): number | null {
  return text.length <= NUMBER_TEXT_LENGTH && NUMBER.test(text) ? Number(text) : null;
}
