import type { Problem } from '../../../shared/domain-error.js';
import { validateAttributeRule } from './attribute-validator.js';
import { RULE_LIMITS, type LeafRule, type Rule } from './rule.js';
import { badText } from './text-check.js';

type Fields = Record<string, unknown>;
type LeafCheck = (rule: Fields, path: string) => Problem[];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const INT_MAX = 2 ** 31 - 1;
const MAX_HOURS = 876_000;
const MAX_DAYS = 36_500;
const MAX_EVENTS = 10_000;
const GROUPS = ['all', 'any', 'not'] as const;

const ENGAGEMENT: { fields: string[]; check: LeafCheck } = { fields: ['stepId', 'withinHours', 'includeMachine'], check: engagement };
const LEAVES: Record<LeafRule['type'], { fields: string[]; check: LeafCheck }> = {
  contact_attribute: { fields: ['attribute', 'operator', 'value'], check: validateAttributeRule },
  lead_score: { fields: ['threshold'], check: (rule, path) => whole(rule.threshold, `${path}.threshold`, -INT_MAX, INT_MAX) },
  email_opened: ENGAGEMENT,
  email_clicked: ENGAGEMENT,
  email_replied: ENGAGEMENT,
  tag: { fields: ['tag'], check: (rule, path) => name(rule.tag, `${path}.tag`) },
  segment: { fields: ['segmentId'], check: (rule, path) => uuid(rule.segmentId, `${path}.segmentId`) },
  event: { fields: ['name', 'atLeast', 'withinDays'], check: event },
};

/**
 * Everything wrong with a rule tree, by JSON path below `path`; empty if it is a `Rule`. Takes anything a client may have sent. Unknown types,
 * operators and fields are faults, never ignored: a rule that silently matches nobody, or everybody, is worse than a refused one.
 */
export function validateRule(value: unknown, path = 'rules'): Problem[] {
  const budget = { nodes: 0 };
  const problems = node(value, path, 1, budget);
  if (budget.nodes > RULE_LIMITS.nodes) {
    return [
      { path, message: `has more than ${RULE_LIMITS.nodes} parts; split it into segments and refer to those`, code: 'too_many_nodes' },
    ];
  }
  return problems;
}

/** Narrows what `validateRule` found nothing wrong with. */
export function isRule(value: unknown): value is Rule {
  return validateRule(value).length === 0;
}

function node(value: unknown, path: string, depth: number, budget: { nodes: number }): Problem[] {
  budget.nodes++;
  if (budget.nodes > RULE_LIMITS.nodes) return [];
  if (depth > RULE_LIMITS.depth) {
    return [{ path, message: `is nested deeper than ${RULE_LIMITS.depth} levels`, code: 'too_deep' }];
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ path, message: 'must be an object: { "all": […] }, { "any": […] }, { "not": … } or { "type": … }', code: 'bad_rule' }];
  }
  const fields = value as Fields;
  const groups = GROUPS.filter((group) => Object.hasOwn(fields, group));
  if (groups.length === 0) return leaf(fields, path);
  const [group] = groups;
  const problems = unknownFields(fields, [group], path, `a rule with "${group}" has no other fields`);
  if (group === 'not') return [...problems, ...node(fields.not, `${path}.not`, depth + 1, budget)];
  const children = fields[group];
  if (!Array.isArray(children)) return [...problems, { path: `${path}.${group}`, message: 'must be a list of rules', code: 'bad_rule' }];
  for (const [i, child] of children.entries()) {
    problems.push(...node(child, `${path}.${group}[${i}]`, depth + 1, budget));
    if (budget.nodes > RULE_LIMITS.nodes) break;
  }
  return problems;
}

function leaf(fields: Fields, path: string): Problem[] {
  const { type } = fields;
  if (typeof type !== 'string' || !Object.hasOwn(LEAVES, type)) {
    const message =
      type === undefined
        ? 'must have one of "all", "any", "not" or "type"'
        : `is not a rule type; use one of: ${Object.keys(LEAVES).join(', ')}`;
    return [{ path: type === undefined ? path : `${path}.type`, message, code: 'unknown_type' }];
  }
  const { fields: known, check } = LEAVES[type as LeafRule['type']];
  const unknown = unknownFields(fields, ['type', ...known], path, `"${type}" has the fields: ${known.join(', ')}`);
  return [...unknown, ...check(fields, path)];
}

function unknownFields(fields: Fields, known: string[], path: string, hint: string): Problem[] {
  return Object.keys(fields)
    .filter((field) => !known.includes(field))
    .slice(0, 10)
    .map((field) => ({ path: `${path}.${field.slice(0, 100)}`, message: `is not a field of this rule; ${hint}`, code: 'unknown_field' }));
}

function engagement(rule: Fields, path: string): Problem[] {
  const { stepId, withinHours, includeMachine } = rule;
  return [
    ...(stepId === undefined ? [] : uuid(stepId, `${path}.stepId`)),
    ...(withinHours === undefined ? [] : whole(withinHours, `${path}.withinHours`, 1, MAX_HOURS)),
    ...(includeMachine === undefined || typeof includeMachine === 'boolean'
      ? []
      : [{ path: `${path}.includeMachine`, message: 'must be true or false', code: 'bad_value' }]),
  ];
}

function event(rule: Fields, path: string): Problem[] {
  return [
    ...name(rule.name, `${path}.name`),
    ...(rule.atLeast === undefined ? [] : whole(rule.atLeast, `${path}.atLeast`, 1, MAX_EVENTS)),
    ...(rule.withinDays === undefined ? [] : whole(rule.withinDays, `${path}.withinDays`, 1, MAX_DAYS)),
  ];
}

function name(value: unknown, path: string): Problem[] {
  if (typeof value !== 'string' || value.trim() === '') return [{ path, message: 'must be a text that is not empty', code: 'bad_value' }];
  const bad = badText(value, 100);
  return bad ? [{ path, message: bad, code: 'bad_value' }] : [];
}

function uuid(value: unknown, path: string): Problem[] {
  return typeof value === 'string' && UUID.test(value) ? [] : [{ path, message: 'must be an id (a UUID)', code: 'bad_value' }];
}

function whole(value: unknown, path: string, min: number, max: number): Problem[] {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return [];
  const range = `${min.toLocaleString('en')} to ${max.toLocaleString('en')}`;
  return [{ path, message: `must be a whole number, ${range}`, code: 'bad_value' }];
}
