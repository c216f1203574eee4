import { Matches, ValidateIf, registerDecorator, type ValidationArguments, type ValidationOptions } from 'class-validator';
import { isTimeZone } from '../shared/time-zone.js';

export { isTimeZone };

const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const MAX_ADDRESS = 254;
const MAX_LOCAL_PART = 64;
/** RFC 5322 dot-atom: no quoted local parts, no comments; letters beyond ASCII as RFC 6531 has them. */
const LOCAL_PART = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const DOMAIN = /^([\p{L}\p{N}]([\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?\.)+[\p{L}\p{N}]([\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])$/u;

/**
 * Is this one address and nothing else: `local@domain.tld`, at most 254 characters, no display name, no list, no quoting, no white space?
 * Stricter than RFC 5321 where the freedom serves only injection (quoted local parts, address literals).
 */
export function isEmailAddress(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_ADDRESS) return false;
  const at = value.lastIndexOf('@');
  return at > 0 && at <= MAX_LOCAL_PART && LOCAL_PART.test(value.slice(0, at)) && DOMAIN.test(value.slice(at + 1));
}

/** May this text stand in a mail header: one line, no control characters, not blank, between 1 and `maxLength` characters? */
export function isHeaderText(value: unknown, maxLength = 255): value is string {
  return typeof value === 'string' && value.trim() !== '' && [...value].length <= maxLength && !CONTROLS.test(value);
}

/** The name of a time zone: `Europe/Berlin`, `UTC`. */
export function IsTimeZone(options?: ValidationOptions): PropertyDecorator {
  return rule('isTimeZone', isTimeZone, () => 'must be the name of a time zone, such as Europe/Berlin or UTC', options);
}

/** A single bare email address (see `isEmailAddress`). */
export function IsEmailAddress(options?: ValidationOptions): PropertyDecorator {
  return rule(
    'isEmailAddress',
    isEmailAddress,
    () => `must be one email address of at most ${MAX_ADDRESS} characters, without a name`,
    options,
  );
}

/** Text that ends up in a mail header, or a name of a thing: a single line that is not blank. */
export function IsHeaderText(maxLength = 255, options?: ValidationOptions): PropertyDecorator {
  return rule(
    'isHeaderText',
    (value) => isHeaderText(value, maxLength),
    (value) => {
      if (typeof value !== 'string') return 'must be a string';
      if (value.trim() === '') return 'must not be blank';
      if (CONTROLS.test(value)) return 'must be a single line without control characters';
      return `must be at most ${maxLength} characters long`;
    },
    options,
  );
}

/** A single line of text, which may be blank. Add `@MaxLength`. */
export function IsSingleLine(options?: ValidationOptions): PropertyDecorator {
  return rule(
    'isSingleLine',
    (value) => typeof value === 'string' && !CONTROLS.test(value),
    (value) => (typeof value === 'string' ? 'must be a single line without control characters' : 'must be a string'),
    options,
  );
}

/** For fields of a PATCH: may be left out, but null is a value like any other (`@IsOptional` would let null pass unseen). */
export function Omittable(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

/** Text that is not only white space; line breaks are fine. Add `@MaxLength`. */
export function IsNotBlank(options?: ValidationOptions): PropertyDecorator {
  return Matches(/\S/u, { message: '$property must not be blank', ...options });
}

/**
 * An instant: ISO 8601 date and time with `Z` or an offset (`2026-03-29T02:30:00+01:00`), really existing (no 30 February), years 1970–2199.
 * A time without an offset is refused: it would mean another instant on every server.
 */
export function IsInstant(options?: ValidationOptions): PropertyDecorator {
  return rule(
    'isInstant',
    (value) => parseInstant(value) !== null,
    () => 'must be a date and time with an offset, such as 2026-03-29T09:00:00+02:00 or 2026-03-29T07:00:00Z',
    options,
  );
}

const INSTANT = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?:Z|[+-](\d{2}):(\d{2}))$/;

/** The instant an `IsInstant` text names, or null. */
export function parseInstant(value: unknown): Date | null {
  const match = typeof value === 'string' ? INSTANT.exec(value) : null;
  if (!match) return null;
  const [year, month, day, hour, minute, second, offsetHour, offsetMinute] = match.slice(1).map((part) => Number(part ?? 0));
  if (year < 1970 || year > 2199 || !isDate(year, month, day)) return null;
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 14 || offsetMinute > 59) return null;
  return new Date(value as string);
}

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;

/** Is this a calendar day `YYYY-MM-DD` that exists, between 1970 and 2199? */
export function isDay(value: unknown): value is string {
  const match = typeof value === 'string' ? DAY.exec(value) : null;
  if (!match) return false;
  const [year, month, day] = match.slice(1).map(Number);
  return year >= 1970 && year <= 2199 && isDate(year, month, day);
}

/** A calendar day `YYYY-MM-DD`. */
export function IsDay(options?: ValidationOptions): PropertyDecorator {
  return rule('isDay', isDay, () => 'must be a calendar day between 1970 and 2199, such as 2026-03-29', options);
}

function isDate(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function rule(
  name: string,
  validate: (value: unknown) => boolean,
  message: (value: unknown) => string,
  options?: ValidationOptions,
): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: property as string,
      options,
      validator: { validate, defaultMessage: (args?: ValidationArguments) => `${args?.property} ${message(args?.value)}` },
    });
}
