import type { LeafRule, Rule } from '../../segments/index.js';

/** How things that rules name are called. */
export interface Names {
  step(id: string): string | null;
  segment(id: string): string | null;
}

const OPERATORS: Record<string, string> = {
  eq: 'is',
  neq: 'is not',
  in: 'is one of',
  not_in: 'is none of',
  contains: 'contains',
  not_contains: 'does not contain',
  starts_with: 'begins with',
  ends_with: 'ends with',
  gt: 'is greater than',
  gte: 'is at least',
  lt: 'is less than',
  lte: 'is at most',
  between: 'lies between',
  is_set: 'is set',
  is_not_set: 'is not set',
  before: 'is before',
  after: 'is after',
  in_last_days: 'lies in the last days:',
  not_in_last_days: 'does not lie in the last days:',
};
const ENGAGEMENT = { email_opened: 'opened', email_clicked: 'clicked in', email_replied: 'answered' } as const;
const MOST_CHARACTERS = 600;

/** A rule as people say it, for explanations. Long ones are cut. */
export function ruleInWords(rule: Rule, names: Names): string {
  const words = inWords(rule, names, false);
  return words.length > MOST_CHARACTERS ? `${words.slice(0, MOST_CHARACTERS)}…` : words;
}

function inWords(rule: Rule, names: Names, isPart: boolean): string {
  if ('not' in rule) return `not (${inWords(rule.not, names, false)})`;
  if ('all' in rule || 'any' in rule) {
    const parts = 'all' in rule ? rule.all : rule.any;
    if (parts.length === 0) return 'all' in rule ? 'everybody' : 'nobody';
    const words = parts.map((part) => inWords(part, names, parts.length > 1)).join('all' in rule ? ' and ' : ' or ');
    return isPart && parts.length > 1 ? `(${words})` : words;
  }
  return leaf(rule, names);
}

function leaf(rule: LeafRule, names: Names): string {
  switch (rule.type) {
    case 'contact_attribute': {
      const { value, operator } = rule;
      const values = Array.isArray(value) ? value.map(quoted).join(operator === 'between' ? ' and ' : ', ') : quoted(value);
      return `${rule.attribute} ${OPERATORS[operator] ?? operator}${value === undefined ? '' : ` ${values}`}`;
    }
    case 'lead_score':
      return `the lead score is at least ${rule.threshold}`;
    case 'email_opened':
    case 'email_clicked':
    case 'email_replied': {
      const email = rule.stepId === undefined ? 'a message of this campaign' : quoted(names.step(rule.stepId) ?? 'the message');
      const within = rule.withinHours === undefined ? '' : ` within ${rule.withinHours} hours`;
      return `${ENGAGEMENT[rule.type]} ${email}${within}${rule.includeMachine ? ' (machines count)' : ''}`;
    }
    case 'tag':
      return `has the tag ${quoted(rule.tag)}`;
    case 'segment':
      return `is in the segment ${quoted(names.segment(rule.segmentId) ?? rule.segmentId)}`;
    case 'event': {
      const within = rule.withinDays === undefined ? '' : ` in the last ${rule.withinDays} days`;
      return `the event ${quoted(rule.name)} happened${(rule.atLeast ?? 1) > 1 ? ` at least ${rule.atLeast} times` : ''}${within}`;
    }
  }
}

function quoted(value: unknown): string {
  return JSON.stringify(value) ?? '';
}
