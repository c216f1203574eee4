/**
 * The rule tree of segments and of condition steps (API: `rules`, `conditionRules`). One tree, three readers that must agree: the validator
 * (what may be saved), the compiler (a SQL predicate over one contact) and the evaluator (the same over plain data).
 *
 * Logic is two-valued. A missing value (attribute absent or null) makes every positive operator false; each negative operator is the exact
 * complement of its positive one, so it is true for a missing value; `not` is the exact complement of what it holds. Hence a contact is
 * either in a segment or in its negation, never in neither.
 *
 * Meaning of the operators, for a custom attribute:
 * - `eq`, `in`: text equals text, exactly; a number equals a JSON number or text that reads as a number ("42"); a boolean equals a JSON boolean
 *   or the text "true"/"false". Different types are unequal.
 * - `contains`, `starts_with`, `ends_with`: part of a text, ignoring case; `contains` on a list: one element equals the value, ignoring case.
 * - `gt`, `gte`, `lt`, `lte`, `between` (both ends included): numbers if the value is a number, instants if it is a date.
 * - `before`, `after`: strictly, by instant. `in_last_days` n: within n × 24 hours up to now, never in the future.
 * - Attribute text that is not a number, or not a real ISO 8601 date, counts as missing where a number or a date is asked for. Dates
 *   without a time mean midnight UTC, times without an offset are UTC, instants compare to the millisecond.
 *
 * Built-in fields have their own types (`email` equals ignoring case, as addresses do).
 */
export type Rule = AllRule | AnyRule | NotRule | LeafRule;
export type LeafRule = AttributeRule | LeadScoreRule | EngagementRule | TagRule | SegmentRule | EventRule;

/** Empty: matches everybody. */
export interface AllRule {
  all: Rule[];
}

/** Empty: matches nobody. */
export interface AnyRule {
  any: Rule[];
}

export interface NotRule {
  not: Rule;
}

export type Scalar = string | number | boolean;

export interface AttributeRule {
  type: 'contact_attribute';
  attribute: string;
  operator: Operator;
  /** Absent for `is_set` and `is_not_set`; a list for `in`, `not_in` and `between`. */
  value?: Scalar | Scalar[];
}

/** As specified: a score of at least `threshold`. */
export interface LeadScoreRule {
  type: 'lead_score';
  threshold: number;
}

/**
 * Milliseconds until an open or a click counts as a person's: a scanner gives itself away by what else it fetches within two seconds, and until then
 * its first hit looks like anybody's. A condition asked in between must not take the branch for it.
 */
export const HIT_SETTLES_MS = 3_000;

export type EngagementType = 'email_opened' | 'email_clicked' | 'email_replied';

/** About the emails of the enrolment (and entry) a condition is evaluated for, or of the contact where there is none. */
export interface EngagementRule {
  type: EngagementType;
  stepId?: string;
  /** Only what happened in the last so many hours. */
  withinHours?: number;
  /** Count opens and clicks by machines too (privacy proxies, scanners). Replies are by people; there it changes nothing. */
  includeMachine?: boolean;
}

export interface TagRule {
  type: 'tag';
  tag: string;
}

export interface SegmentRule {
  type: 'segment';
  segmentId: string;
}

export interface EventRule {
  type: 'event';
  name: string;
  /** Default 1. */
  atLeast?: number;
  withinDays?: number;
}

export const OPERATORS = [
  'eq',
  'neq',
  'in',
  'not_in',
  'contains',
  'not_contains',
  'starts_with',
  'ends_with',
  'gt',
  'gte',
  'lt',
  'lte',
  'between',
  'is_set',
  'is_not_set',
  'before',
  'after',
  'in_last_days',
  'not_in_last_days',
] as const;
export type Operator = (typeof OPERATORS)[number];
export type PositiveOperator = Exclude<Operator, keyof typeof COMPLEMENTS>;

/** Every negative operator is defined as "not" its positive one. */
export const COMPLEMENTS = {
  neq: 'eq',
  not_in: 'in',
  not_contains: 'contains',
  is_not_set: 'is_set',
  not_in_last_days: 'in_last_days',
} as const;

/** The positive operator behind `operator`, and whether its answer is turned round. */
export function positive(operator: Operator): { operator: PositiveOperator; negated: boolean } {
  return Object.hasOwn(COMPLEMENTS, operator)
    ? { operator: COMPLEMENTS[operator as keyof typeof COMPLEMENTS], negated: true }
    : { operator: operator as PositiveOperator, negated: false };
}

export type FieldKind = 'text' | 'number' | 'boolean' | 'instant';

/** Fields of the contact itself; every other name is a custom attribute. */
export const BUILTIN_FIELDS = {
  email: 'text',
  firstName: 'text',
  lastName: 'text',
  timezone: 'text',
  createdAt: 'instant',
  leadScore: 'number',
  subscribed: 'boolean',
} as const satisfies Record<string, FieldKind>;
export type BuiltinField = keyof typeof BUILTIN_FIELDS;

export function isBuiltin(attribute: string): attribute is BuiltinField {
  return Object.hasOwn(BUILTIN_FIELDS, attribute);
}

export const RULE_LIMITS = {
  nodes: 50,
  depth: 5,
  listValues: 1_000,
  textLength: 1_000,
  /** Nodes of a rule with all the dynamic segments it refers to written out, when it is saved. */
  inlinedNodes: 500,
  /** The same when it is compiled: wider, because the segments a saved rule refers to may have grown since. */
  compiledNodes: 5_000,
} as const;

/** One node of a tree with its JSON path. */
export interface RuleNode {
  rule: Rule;
  path: string;
}

/** Every node, parents first. The tree must be valid. */
export function* walkRule(rule: Rule, path = 'rules'): Generator<RuleNode> {
  yield { rule, path };
  if ('not' in rule) yield* walkRule(rule.not, `${path}.not`);
  else if ('all' in rule) for (const [i, child] of rule.all.entries()) yield* walkRule(child, `${path}.all[${i}]`);
  else if ('any' in rule) for (const [i, child] of rule.any.entries()) yield* walkRule(child, `${path}.any[${i}]`);
}

export interface RuleReference {
  id: string;
  path: string;
}

/** The segments a rule names directly, ids in lower case, with the paths where they stand. */
export function segmentReferences(rule: Rule, path = 'rules'): RuleReference[] {
  const found: RuleReference[] = [];
  for (const node of walkRule(rule, path)) {
    if ('type' in node.rule && node.rule.type === 'segment')
      found.push({ id: node.rule.segmentId.toLowerCase(), path: `${node.path}.segmentId` });
  }
  return found;
}

/** The steps a rule names, ids in lower case, with the paths where they stand. */
export function stepReferences(rule: Rule, path = 'rules'): RuleReference[] {
  const found: RuleReference[] = [];
  for (const node of walkRule(rule, path)) {
    if ('stepId' in node.rule && node.rule.stepId) found.push({ id: node.rule.stepId.toLowerCase(), path: `${node.path}.stepId` });
  }
  return found;
}

/** A copy with every step id replaced (`to` gets it in lower case): for cloned flows, whose steps have new ids. */
export function mapStepReferences(rule: Rule, to: (stepId: string) => string): Rule {
  if ('all' in rule) return { all: rule.all.map((child) => mapStepReferences(child, to)) };
  if ('any' in rule) return { any: rule.any.map((child) => mapStepReferences(child, to)) };
  if ('not' in rule) return { not: mapStepReferences(rule.not, to) };
  return 'stepId' in rule && rule.stepId ? { ...rule, stepId: to(rule.stepId.toLowerCase()) } : { ...rule };
}
