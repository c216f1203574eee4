import { INSTANT_PATTERN, NUMBER_PATTERN, NUMBER_TEXT_LENGTH, parseInstant } from './iso-instant.js';
import { BUILTIN_FIELDS, isBuiltin, positive, type AttributeRule, type BuiltinField, type PositiveOperator, type Scalar } from './rule.js';
import type { SqlParams } from './sql-fragment.js';

const DAY_MS = 86_400_000;

/**
 * A value of the contact, as SQL: the same thing read as a text, number, boolean or instant, each NULL where it cannot be read so. No reading
 * may throw at run time, whatever the attributes hold: every cast stands behind a CASE that has checked the text.
 */
interface Operand {
  text: string;
  number: string;
  boolean: string;
  instant: string;
  isSet: string;
  /** The element list, only for what may hold one. */
  elements?: string;
  ignoresCase?: boolean;
}

/** A predicate that is true or false, never NULL. */
export function compileAttribute(rule: AttributeRule, alias: string, params: SqlParams, now: Date): string {
  const { attribute } = rule;
  const operand = isBuiltin(attribute) ? builtin(attribute, alias) : custom(attribute, `${alias}.attributes`, params);
  return compileOperand(operand, rule, params, now);
}

/** The same over a member of the JSON object `json` (an SQL expression), whatever its name. */
export function compileProperty(rule: Omit<AttributeRule, 'type'>, json: string, params: SqlParams, now: Date): string {
  return compileOperand(custom(rule.attribute, json, params), rule, params, now);
}

function compileOperand(operand: Operand, rule: Omit<AttributeRule, 'type'>, params: SqlParams, now: Date): string {
  const { operator, negated } = positive(rule.operator);
  const sql = `(${COMPILERS[operator](operand, rule.value as never, params, now)}) IS TRUE`;
  return negated ? `NOT (${sql})` : `(${sql})`;
}

type Compile<V> = (operand: Operand, value: V, params: SqlParams, now: Date) => string;
type Compilers = { [O in PositiveOperator]: Compile<never> };

const COMPILERS: Compilers = {
  eq: ((operand, value, params) => equals(operand, [value], params)) satisfies Compile<Scalar>,
  in: ((operand, values, params) => equals(operand, values, params)) satisfies Compile<Scalar[]>,
  contains: contains,
  starts_with: ((operand, value, params) =>
    `starts_with(lower(${operand.text}), lower(${params.add(value, 'text')}))`) satisfies Compile<string>,
  ends_with: ((operand, value, params) => {
    const suffix = `lower(${params.add(value, 'text')})`;
    return `right(lower(${operand.text}), length(${suffix})) = ${suffix}`;
  }) satisfies Compile<string>,
  gt: compare('>'),
  gte: compare('>='),
  lt: compare('<'),
  lte: compare('<='),
  between: ((operand, [low, high], params) =>
    typeof low === 'number'
      ? `numrange(${params.add(low, 'numeric')}, ${params.add(high, 'numeric')}, '[]') @> ${operand.number}`
      : within(operand, instantOf(low), instantOf(high), params)) satisfies Compile<Bound[]>,
  is_set: (operand) => operand.isSet,
  before: compare('<'),
  after: compare('>'),
  in_last_days: ((operand, days, params, now) =>
    within(operand, new Date(now.getTime() - days * DAY_MS), now, params)) satisfies Compile<number>,
};

type Bound = string | number;

/** Numbers with numbers, dates with dates: the rule's value says which. */
function compare(sign: '>' | '>=' | '<' | '<=') {
  return (operand: Operand, value: Bound, params: SqlParams): string =>
    typeof value === 'number'
      ? `${operand.number} ${sign} ${params.add(value, 'numeric')}`
      : `${operand.instant} ${sign} ${params.add(instantOf(value), 'timestamptz')}`;
}

/** A range instead of two comparisons: reading a date out of an attribute is the dear part, and so is done once. */
function within(operand: Operand, from: Date, to: Date, params: SqlParams): string {
  return `tstzrange(${params.add(from, 'timestamptz')}, ${params.add(to, 'timestamptz')}, '[]') @> ${operand.instant}`;
}

function instantOf(value: Bound): Date {
  return new Date(parseInstant(String(value))!);
}

/** Each value with the reading of its own type: a list may hold texts, numbers and booleans at once. */
function equals(operand: Operand, values: Scalar[], params: SqlParams): string {
  const texts = values.filter((value) => typeof value === 'string');
  const numbers = values.filter((value) => typeof value === 'number');
  const booleans = values.filter((value) => typeof value === 'boolean');
  const parts: string[] = [];
  if (texts.length > 0) {
    const list = params.add(texts, 'text[]');
    parts.push(
      operand.ignoresCase
        ? `lower(${operand.text}) IN (SELECT lower(rule_value) FROM unnest(${list}) AS rule_value)`
        : `${operand.text} = ANY (${list})`,
    );
  }
  if (numbers.length > 0) parts.push(`${operand.number} = ANY (${params.add(numbers, 'numeric[]')})`);
  if (booleans.length > 0) parts.push(`${operand.boolean} = ANY (${params.add(booleans, 'boolean[]')})`);
  return parts.map((part) => `(${part}) IS TRUE`).join(' OR ');
}

/** Positions instead of LIKE: there are no wildcards to escape. */
function contains(operand: Operand, value: string | number, params: SqlParams): string {
  const parts: string[] = [];
  const wanted = typeof value === 'string' ? `lower(${params.add(value, 'text')})` : params.add(value, 'numeric');
  if (typeof value === 'string') parts.push(`(strpos(lower(${operand.text}), ${wanted}) > 0) IS TRUE`);
  if (operand.elements) {
    const element = jsonReadings('rule_element.item', `(rule_element.item #>> '{}')`);
    const isMatch = typeof value === 'string' ? `lower(${element.text}) = ${wanted}` : `${element.number} = ${wanted}`;
    parts.push(`EXISTS (SELECT FROM jsonb_array_elements(${operand.elements}) AS rule_element (item) WHERE ${isMatch})`);
  }
  return parts.length > 0 ? parts.join(' OR ') : 'false';
}

const COLUMNS: Record<BuiltinField, string> = {
  email: 'email',
  firstName: 'first_name',
  lastName: 'last_name',
  timezone: 'timezone',
  createdAt: 'created_at',
  leadScore: 'lead_score',
  subscribed: 'subscribed',
};

function builtin(field: BuiltinField, alias: string): Operand {
  const column = `${alias}.${COLUMNS[field]}`;
  const kind = BUILTIN_FIELDS[field];
  const none = { text: 'NULL::text', number: 'NULL::numeric', boolean: 'NULL::boolean', instant: 'NULL::timestamptz' };
  const readings = { text: column, boolean: column, number: `${column}::numeric`, instant: `date_trunc('milliseconds', ${column})` };
  return { ...none, [kind]: readings[kind], isSet: `${column} IS NOT NULL`, ignoresCase: field === 'email' };
}

function custom(attribute: string, object: string, params: SqlParams): Operand {
  const name = params.add(attribute, 'text');
  const json = `(${object} -> ${name})`;
  return {
    ...jsonReadings(json, `(${object} ->> ${name})`),
    isSet: `jsonb_typeof(${json}) <> 'null'`,
    elements: `CASE jsonb_typeof(${json}) WHEN 'array' THEN ${json} ELSE '[]' END`,
  };
}

/** The readings of a JSON value; `text` is its text form, quotes taken off. */
function jsonReadings(json: string, text: string): Pick<Operand, 'text' | 'number' | 'boolean' | 'instant'> {
  const type = `jsonb_typeof(${json})`;
  return {
    text: `CASE ${type} WHEN 'string' THEN ${text} END`,
    number:
      `CASE WHEN ${type} = 'number' THEN ${text}::numeric ` +
      `WHEN ${type} = 'string' AND length(${text}) <= ${NUMBER_TEXT_LENGTH} AND ${text} ~ '${NUMBER_PATTERN}' THEN ${text}::numeric END`,
    boolean: `CASE WHEN ${type} IN ('boolean', 'string') THEN CASE lower(${text}) WHEN 'true' THEN true WHEN 'false' THEN false END END`,
    instant:
      `CASE WHEN ${type} = 'string' AND ${text} ~ '${INSTANT_PATTERN}' ` + `THEN date_trunc('milliseconds', ${text}::timestamptz) END`,
  };
}
