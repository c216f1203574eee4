import type { Problem } from '../../../shared/domain-error.js';
import { minutesOfDay } from '../../../shared/send-window.js';
import { parseDate } from '../../../shared/wait-until.js';
import { LONGEST_WAIT, WAIT_UNITS, type WaitUnit } from './step.js';

type Loose = Record<string, unknown>;
const KEYS = ['date', 'attribute', 'offset', 'timeOfDay'];
const TIME_KEYS = ['from', 'to', 'weekdays'];
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const END = /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/;

/** What is wrong with `waitUntil`; whether the attribute can be one is checked elsewhere. Accepts anything that JSON can hold. */
export function waitUntilProblems(value: unknown, hasDuration: boolean, path: string): Problem[] {
  const until = objectOf(value);
  if (!until) return [{ path, code: 'invalid_wait', message: 'waitUntil is an object with date, attribute or timeOfDay.' }];
  const problems = unknownFields(until, KEYS, path);
  const { date, attribute, offset, timeOfDay } = until;
  if (date === undefined && attribute === undefined && timeOfDay === undefined) {
    problems.push({ path, code: 'required', message: 'waitUntil needs date, attribute or timeOfDay.' });
  }
  const bases = [hasDuration && 'waitDuration', date !== undefined && 'date', attribute !== undefined && 'attribute'].filter(Boolean);
  if (bases.length > 1) {
    const message = `A wait lasts until one thing: ${bases.join(' and ')} exclude each other (timeOfDay may be added to either).`;
    problems.push({ path, code: 'ambiguous_wait', message });
  }
  if (date !== undefined && parseDate(date) === null) {
    const message =
      'A date is 2030-04-01 or 2030-04-01T09:00 (by each contact’s own clock), or an instant with its offset (2030-04-01T09:00:00+02:00).';
    problems.push({ path: `${path}.date`, code: 'invalid_date', message });
  }
  if (offset !== undefined) problems.push(...offsetProblems(offset, attribute !== undefined, `${path}.offset`));
  if (timeOfDay !== undefined) problems.push(...timeProblems(timeOfDay, `${path}.timeOfDay`));
  return problems;
}

function offsetProblems(value: unknown, hasAttribute: boolean, path: string): Problem[] {
  if (!hasAttribute) return [{ path, code: 'foreign_field', message: 'An offset belongs to an attribute.' }];
  const offset = objectOf(value);
  if (!offset) return [{ path, code: 'invalid_offset', message: 'An offset is { value, unit }.' }];
  const problems = unknownFields(offset, ['value', 'unit'], path);
  const unit = WAIT_UNITS.find((known) => known === offset.unit);
  if (!unit) return [...problems, { path: `${path}.unit`, code: 'unknown_unit', message: `The unit is one of ${WAIT_UNITS.join(', ')}.` }];
  const longest = LONGEST_WAIT[unit as WaitUnit];
  if (Number.isInteger(offset.value) && Math.abs(offset.value as number) <= longest) return problems;
  const message = `An offset in ${unit} is a whole number up to ${longest} either way (ten years); negative ones lie before the date.`;
  return [...problems, { path: `${path}.value`, code: 'offset_out_of_range', message }];
}

function timeProblems(value: unknown, path: string): Problem[] {
  const time = objectOf(value);
  if (!time) return [{ path, code: 'invalid_time', message: 'timeOfDay is { from, to, weekdays }.' }];
  const problems = unknownFields(time, TIME_KEYS, path);
  const { from, to, weekdays } = time;
  if (typeof from !== 'string' || !TIME.test(from)) {
    return [...problems, { path: `${path}.from`, code: 'invalid_time', message: 'from is a time such as 09:00.' }];
  }
  if (to !== undefined && (typeof to !== 'string' || !END.test(to) || minutesOfDay(to) <= minutesOfDay(from))) {
    problems.push({ path: `${path}.to`, code: 'window_order', message: 'to is a time after from, on the same day; at most 24:00.' });
  }
  if (weekdays !== undefined && !isWeekdays(weekdays)) {
    const message = 'weekdays lists each day at most once, from 1 (Monday) to 7 (Sunday), and at least one.';
    problems.push({ path: `${path}.weekdays`, code: 'invalid_weekdays', message });
  }
  return problems;
}

function isWeekdays(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || new Set(value).size !== value.length) return false;
  return value.every((day) => Number.isInteger(day) && day >= 1 && day <= 7);
}

function objectOf(value: unknown): Loose | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : null;
}

function unknownFields(object: Loose, known: readonly string[], path: string): Problem[] {
  return Object.keys(object)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: `${path}.${key}`, code: 'unknown_field', message: `There is ${known.join(', ')} only.` }));
}
