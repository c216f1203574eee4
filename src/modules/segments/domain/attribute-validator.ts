import type { Problem } from '../../../shared/domain-error.js';
import { isRuleInstant, parseInstant } from './iso-instant.js';
import { BUILTIN_FIELDS, OPERATORS, RULE_LIMITS, isBuiltin, type FieldKind, type Operator } from './rule.js';
import { badText } from './text-check.js';

const MAX_DAYS = 36_500;
const ATTRIBUTE_NAME = /^[\p{L}_][\p{L}\p{M}\p{N}_ .-]{0,99}$/u;

const TEXT_OPERATORS: Operator[] = [
  'eq',
  'neq',
  'in',
  'not_in',
  'contains',
  'not_contains',
  'starts_with',
  'ends_with',
  'is_set',
  'is_not_set',
];
const NUMBER_OPERATORS: Operator[] = ['eq', 'neq', 'in', 'not_in', 'gt', 'gte', 'lt', 'lte', 'between', 'is_set', 'is_not_set'];
const INSTANT_OPERATORS: Operator[] = ['gt', 'gte', 'lt', 'lte', 'between', 'before', 'after', 'in_last_days', 'not_in_last_days', 'is_set', 'is_not_set']; // prettier-ignore
const BY_KIND: Record<FieldKind, readonly Operator[]> = {
  text: TEXT_OPERATORS,
  number: NUMBER_OPERATORS,
  boolean: ['eq', 'neq', 'is_set', 'is_not_set'],
  instant: INSTANT_OPERATORS,
};

/** What a value may be; null is "anything a custom attribute can hold". */
type ValueKind = FieldKind | null;
type ValueCheck = (value: unknown, path: string, kind: ValueKind) => Problem[];

const CHECKS: Record<Operator, ValueCheck | null> = {
  eq: scalar,
  neq: scalar,
  in: list,
  not_in: list,
  contains: part,
  not_contains: part,
  starts_with: (value, path) => text(value, path),
  ends_with: (value, path) => text(value, path),
  gt: ordered,
  gte: ordered,
  lt: ordered,
  lte: ordered,
  between,
  is_set: null,
  is_not_set: null,
  before: instant,
  after: instant,
  in_last_days: days,
  not_in_last_days: days,
};

/** Checks attribute name, operator and value of one `contact_attribute` rule; `isCustom`: names of the contact's own fields mean nothing special. */
export function validateAttributeRule(rule: Record<string, unknown>, path: string, isCustom = false): Problem[] {
  const { attribute, operator, value } = rule;
  if (typeof attribute !== 'string' || !ATTRIBUTE_NAME.test(attribute)) {
    return [
      {
        path: `${path}.attribute`,
        message:
          'must be the name of a contact attribute: 1 to 100 letters, digits, "_", ".", "-" or blanks, beginning with a letter or "_"',
        code: 'bad_attribute',
      },
    ];
  }
  const kind: ValueKind = isBuiltin(attribute) && !isCustom ? BUILTIN_FIELDS[attribute] : null;
  const allowed = kind === null ? OPERATORS : BY_KIND[kind];
  if (!OPERATORS.includes(operator as Operator)) {
    return [{ path: `${path}.operator`, message: `is not an operator; use one of: ${allowed.join(', ')}`, code: 'unknown_operator' }];
  }
  if (!allowed.includes(operator as Operator)) {
    const message = `"${operator as string}" does not apply to ${attribute}; use one of: ${allowed.join(', ')}`;
    return [{ path: `${path}.operator`, message, code: 'operator_not_applicable' }];
  }
  const check = CHECKS[operator as Operator];
  if (check) return check(value, `${path}.value`, kind);
  return value === undefined ? [] : fault(`${path}.value`, `must be left out: "${operator as string}" takes no value`);
}

function fault(path: string, message: string): Problem[] {
  return [{ path, message, code: 'bad_value' }];
}

function text(value: unknown, path: string): Problem[] {
  if (typeof value !== 'string' || value === '') return fault(path, 'must be a text that is not empty');
  const bad = badText(value, RULE_LIMITS.textLength);
  return bad ? fault(path, bad) : [];
}

function number(value: unknown, path: string): Problem[] {
  return typeof value === 'number' && Number.isFinite(value) ? [] : fault(path, 'must be a number');
}

function instant(value: unknown, path: string): Problem[] {
  if (typeof value === 'string' && isRuleInstant(value)) return [];
  return fault(path, 'must be a real date (2026-03-29) or an instant with its offset (2026-03-29T02:30:00+01:00)');
}

function scalar(value: unknown, path: string, kind: ValueKind): Problem[] {
  const type = typeof value;
  if (kind === 'number') return number(value, path);
  if (kind === 'boolean') return type === 'boolean' ? [] : fault(path, 'must be true or false');
  if (kind === 'text' && type !== 'string') return fault(path, 'must be a text');
  if (type === 'string') {
    const bad = badText(value as string, RULE_LIMITS.textLength);
    return bad ? fault(path, bad) : [];
  }
  if (type === 'boolean' || (type === 'number' && Number.isFinite(value))) return [];
  return fault(path, 'must be a text, a number, true or false');
}

function list(value: unknown, path: string, kind: ValueKind): Problem[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > RULE_LIMITS.listValues) {
    return fault(path, `must be a list of 1 to ${RULE_LIMITS.listValues.toLocaleString('en')} values`);
  }
  for (const [i, item] of value.entries()) {
    const problems = scalar(item, `${path}[${i}]`, kind);
    if (problems.length > 0) return problems;
  }
  return [];
}

function part(value: unknown, path: string, kind: ValueKind): Problem[] {
  if (kind === null && typeof value === 'number') return number(value, path);
  return text(value, path);
}

function ordered(value: unknown, path: string, kind: ValueKind): Problem[] {
  if (kind === 'number' || typeof value === 'number') return kind === 'instant' ? instant(value, path) : number(value, path);
  const problems = instant(value, path);
  return kind === null && problems.length > 0 ? fault(path, `${problems[0].message}, or a number`) : problems;
}

function between(value: unknown, path: string, kind: ValueKind): Problem[] {
  if (!Array.isArray(value) || value.length !== 2) return fault(path, 'must be a list of two values, the lower one first');
  const [low, high] = value as unknown[];
  const problems = [...ordered(low, `${path}[0]`, kind), ...ordered(high, `${path}[1]`, kind)];
  if (problems.length > 0) return problems;
  if (typeof low !== typeof high) return fault(path, 'must be two numbers or two dates, not one of each');
  const isOrdered = typeof low === 'number' ? low <= (high as number) : parseInstant(low as string)! <= parseInstant(high as string)!;
  return isOrdered ? [] : fault(path, 'must have the lower value first');
}

function days(value: unknown, path: string): Problem[] {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_DAYS) return [];
  return fault(path, `must be a whole number of days, 1 to ${MAX_DAYS.toLocaleString('en')}`);
}
