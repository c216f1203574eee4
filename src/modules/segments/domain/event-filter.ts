import type { Problem } from '../../../shared/domain-error.js';
import { compileProperty } from './attribute-compiler.js';
import { validateAttributeRule } from './attribute-validator.js';
import { RULE_LIMITS, type Operator, type Scalar } from './rule.js';
import { SqlParams, type SqlFragment } from './sql-fragment.js';

/**
 * What a custom event must carry: a tree like a rule, over the properties of one event. Operators mean what they mean for custom attributes
 * (see rule.ts); a property that is not there makes every positive operator false.
 */
export type EventFilter = { all: EventFilter[] } | { any: EventFilter[] } | { not: EventFilter } | PropertyRule;

export interface PropertyRule {
  property: string;
  operator: Operator;
  value?: Scalar | Scalar[];
}

const FIELDS = ['property', 'operator', 'value'];

/** Everything wrong with a filter, by JSON path below `path`; empty if it is an `EventFilter`. Takes anything a client may have sent. */
export function validateEventFilter(value: unknown, path: string): Problem[] {
  const budget = { nodes: 0 };
  const problems = node(value, path, 1, budget);
  if (budget.nodes <= RULE_LIMITS.nodes) return problems;
  return [{ path, message: `has more than ${RULE_LIMITS.nodes} parts`, code: 'too_many_nodes' }];
}

function node(value: unknown, path: string, depth: number, budget: { nodes: number }): Problem[] {
  budget.nodes++;
  if (budget.nodes > RULE_LIMITS.nodes) return [];
  if (depth > RULE_LIMITS.depth) return [{ path, message: `is nested deeper than ${RULE_LIMITS.depth} levels`, code: 'too_deep' }];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const message = 'must be an object: { "all": […] }, { "any": […] }, { "not": … } or { "property": …, "operator": …, "value": … }';
    return [{ path, message, code: 'bad_filter' }];
  }
  const fields = value as Record<string, unknown>;
  const group = (['all', 'any', 'not'] as const).find((name) => Object.hasOwn(fields, name));
  const unknown = Object.keys(fields)
    .filter((field) => (group ? field !== group : !FIELDS.includes(field)))
    .map((field) => ({ path: `${path}.${field.slice(0, 100)}`, message: 'is not a field of an event filter', code: 'unknown_field' }));
  if (group === undefined) return [...unknown, ...property(fields, path)];
  if (group === 'not') return [...unknown, ...node(fields.not, `${path}.not`, depth + 1, budget)];
  const children = fields[group];
  if (!Array.isArray(children)) return [...unknown, { path: `${path}.${group}`, message: 'must be a list of filters', code: 'bad_filter' }];
  return [...unknown, ...children.flatMap((child, i) => node(child, `${path}.${group}[${i}]`, depth + 1, budget))];
}

function property({ property: attribute, operator, value }: Record<string, unknown>, path: string): Problem[] {
  return validateAttributeRule({ attribute, operator, value }, path, true).map((problem) => ({
    ...problem,
    path: problem.path.replace(/\.attribute$/, '.property'),
    message: problem.message.replace('a contact attribute', 'a property'),
  }));
}

/** The filter as a predicate over `<alias>.properties`: never NULL, never an error at run time, values only as parameters. */
export function compileEventFilter(
  filter: EventFilter | null,
  options: { eventAlias: string; firstParam: number; now: Date },
): SqlFragment {
  const params = new SqlParams(options.firstParam);
  if (!/^[a-z_]{1,40}$/.test(options.eventAlias)) throw new Error(`"${options.eventAlias}" cannot be used as an alias`);
  const json = `${options.eventAlias}.properties`;
  const sql = filter === null ? 'true' : compile(filter, json, params, options.now);
  return { sql, params: params.values };
}

function compile(filter: EventFilter, json: string, params: SqlParams, now: Date): string {
  const group = (parts: EventFilter[], operator: string, empty: string) =>
    parts.length === 0 ? empty : `(${parts.map((part) => compile(part, json, params, now)).join(` ${operator} `)})`;
  if ('all' in filter) return group(filter.all, 'AND', '(true)');
  if ('any' in filter) return group(filter.any, 'OR', '(false)');
  if ('not' in filter) return `NOT ${compile(filter.not, json, params, now)}`;
  return `(${compileProperty({ ...filter, attribute: filter.property }, json, params, now)})`;
}
