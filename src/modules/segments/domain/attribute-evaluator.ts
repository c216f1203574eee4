import { parseInstant, parseNumber } from './iso-instant.js';
import { isBuiltin, positive, type AttributeRule, type PositiveOperator, type Scalar } from './rule.js';
import type { ContactFacts } from './contact-facts.js';

const DAY_MS = 86_400_000;

/** `contact_attribute` over plain data; the meaning of the operators stands in rule.ts. */
export function evaluateAttribute(rule: AttributeRule, facts: ContactFacts, now: Date): boolean {
  const { attribute } = rule;
  const value: unknown = isBuiltin(attribute) ? facts[attribute] : ownValue(facts.attributes, attribute);
  const { operator, negated } = positive(rule.operator);
  const matches = EVALUATORS[operator](value, rule.value as never, { now, ignoresCase: attribute === 'email' });
  return negated ? !matches : matches;
}

interface Circumstances {
  now: Date;
  ignoresCase: boolean;
}
type Evaluate = (value: unknown, wanted: never, circumstances: Circumstances) => boolean;

const EVALUATORS: Record<PositiveOperator, Evaluate> = {
  eq: (value, wanted: Scalar, { ignoresCase }) => isEqual(value, wanted, ignoresCase),
  in: (value, wanted: Scalar[], { ignoresCase }) => wanted.some((item) => isEqual(value, item, ignoresCase)),
  contains: (value, wanted: string | number) => {
    if (Array.isArray(value)) return value.some((element) => isEqual(element, wanted, true));
    return typeof wanted === 'string' && lower(value)?.includes(wanted.toLowerCase()) === true;
  },
  starts_with: (value, wanted: string) => lower(value)?.startsWith(wanted.toLowerCase()) === true,
  ends_with: (value, wanted: string) => lower(value)?.endsWith(wanted.toLowerCase()) === true,
  gt: (value, wanted: Bound) => compare(value, wanted, (a, b) => a > b),
  gte: (value, wanted: Bound) => compare(value, wanted, (a, b) => a >= b),
  lt: (value, wanted: Bound) => compare(value, wanted, (a, b) => a < b),
  lte: (value, wanted: Bound) => compare(value, wanted, (a, b) => a <= b),
  between: (value, [low, high]: Bound[]) => compare(value, low, (a, b) => a >= b) && compare(value, high, (a, b) => a <= b),
  is_set: (value) => value !== null && value !== undefined,
  before: (value, wanted: string) => compare(value, wanted, (a, b) => a < b),
  after: (value, wanted: string) => compare(value, wanted, (a, b) => a > b),
  in_last_days: (value, days: number, { now }) => {
    const at = asInstant(value);
    return at !== null && at >= now.getTime() - days * DAY_MS && at <= now.getTime();
  },
};

type Bound = string | number;

function ownValue(attributes: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}

function isEqual(value: unknown, wanted: Scalar, ignoresCase: boolean): boolean {
  if (typeof wanted === 'number') return asNumber(value) === wanted;
  if (typeof wanted === 'boolean') return asBoolean(value) === wanted;
  return typeof value === 'string' && (ignoresCase ? value.toLowerCase() === wanted.toLowerCase() : value === wanted);
}

function compare(value: unknown, wanted: Bound, holds: (a: number, b: number) => boolean): boolean {
  const left = typeof wanted === 'number' ? asNumber(value) : asInstant(value);
  const right = typeof wanted === 'number' ? wanted : parseInstant(wanted);
  return left !== null && right !== null && holds(left, right);
}

function lower(value: unknown): string | null {
  return typeof value === 'string' ? value.toLowerCase() : null;
}

function asNumber(value: unknown): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? parseNumber(value) : null;
}

function asBoolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  const text = lower(value);
  return text === 'true' ? true : text === 'false' ? false : null;
}

function asInstant(value: unknown): number | null {
  if (value instanceof Date) return value.getTime();
  return typeof value === 'string' ? parseInstant(value) : null;
}
