import type { AttributeRule, Operator, Rule } from './rule.js';
import type { ContactFacts } from './contact-facts.js';
import { evaluateRule } from './rule-evaluator.js';
import { mapStepReferences, stepReferences } from './rule.js';

const NOW = new Date('2026-03-10T12:00:00Z');
const FACTS: ContactFacts = {
  email: 'Ada@Example.com',
  firstName: 'Ada',
  lastName: null,
  timezone: 'Europe/London',
  createdAt: new Date('2026-03-01T00:00:00Z'),
  leadScore: 50,
  subscribed: true,
  attributes: {
    plan: 'Pro',
    seats: 5,
    seatsText: '5',
    active: true,
    activeText: 'TRUE',
    renews: '2026-03-09',
    gone: null,
    likes: ['Golf', 7],
    odd: {},
  },
  tags: ['vip'],
  events: [
    { name: 'order', occurredAt: new Date('2026-03-01T00:00:00Z') },
    { name: 'order', occurredAt: new Date('2026-03-09T00:00:00Z') },
  ],
  emails: [
    {
      stepId: 'aaaaaaaa-0000-7000-8000-000000000001',
      firstOpenedAt: new Date('2026-03-08T00:00:00Z'),
      firstHumanOpenedAt: null,
      firstClickedAt: new Date('2026-03-08T00:00:00Z'),
      firstHumanClickedAt: new Date('2026-03-08T00:00:00Z'),
      repliedAt: null,
      events: [
        { type: 'opened', occurredAt: new Date('2026-03-10T11:00:00Z'), isMachine: true },
        { type: 'clicked', occurredAt: new Date('2026-03-08T00:00:00Z'), isMachine: false },
      ],
    },
  ],
  staticSegments: new Set(),
};
const says = (rule: Rule) => evaluateRule(rule, FACTS, new Map(), NOW);
const attribute = (name: string, operator: Operator, value?: AttributeRule['value']) =>
  says({ type: 'contact_attribute', attribute: name, operator, value });

describe('the meaning of rules, as users read them', () => {
  it.each<[string, Operator, AttributeRule['value'], boolean]>([
    ['plan', 'eq', 'Pro', true],
    ['plan', 'eq', 'pro', false],
    ['email', 'eq', 'ada@example.COM', true],
    ['seats', 'eq', 5, true],
    ['seatsText', 'eq', 5, true],
    ['seats', 'eq', '5', false],
    ['active', 'eq', true, true],
    ['activeText', 'eq', true, true],
    ['seats', 'in', ['x', 5], true],
    ['plan', 'contains', 'R', true],
    ['plan', 'starts_with', 'pr', true],
    ['plan', 'ends_with', 'RO', true],
    ['plan', 'contains', '%', false],
    ['likes', 'contains', 'golf', true],
    ['likes', 'contains', 'gol', false],
    ['likes', 'contains', 7, true],
    ['seatsText', 'gt', 4, true],
    ['plan', 'gt', 4, false],
    ['renews', 'between', ['2026-03-09', '2026-03-09'], true],
    ['renews', 'after', '2026-03-09', false],
    ['renews', 'in_last_days', 2, true],
    ['renews', 'in_last_days', 1, false],
    ['createdAt', 'before', '2026-03-01T01:00:00+01:00', false],
    ['odd', 'is_set', undefined, true],
    ['leadScore', 'between', [50, 50], true],
  ])('%s %s %j is %s', (name, operator, value, expected) => {
    expect(attribute(name, operator, value)).toBe(expected);
  });

  it.each<[Operator, AttributeRule['value'], boolean]>([
    ['eq', 'x', false],
    ['lt', 9, false],
    ['contains', 'x', false],
    ['is_set', undefined, false],
    ['in_last_days', 9, false],
    ['neq', 'x', true],
    ['not_in', ['x'], true],
    ['not_contains', 'x', true],
    ['is_not_set', undefined, true],
    ['not_in_last_days', 9, true],
  ])('a missing value: %s %j is %s', (operator, value, expected) => {
    for (const name of ['never', 'gone', 'toString']) expect(attribute(name, operator, value)).toBe(expected);
  });

  it('counts people, not machines, unless asked to', () => {
    expect(says({ type: 'email_opened' })).toBe(false);
    expect(says({ type: 'email_opened', includeMachine: true })).toBe(true);
    expect(says({ type: 'email_opened', withinHours: 2 })).toBe(false);
    expect(says({ type: 'email_opened', withinHours: 2, includeMachine: true })).toBe(true);
    expect(says({ type: 'email_clicked', withinHours: 24 })).toBe(false);
    expect(says({ type: 'email_clicked', stepId: 'AAAAAAAA-0000-7000-8000-000000000001' })).toBe(true);
    expect(says({ type: 'email_clicked', stepId: 'aaaaaaaa-0000-7000-8000-000000000002' })).toBe(false);
  });

  it('counts events within their window, scores from the threshold on, and groups as logic has them', () => {
    expect(says({ type: 'event', name: 'order', atLeast: 2 })).toBe(true);
    expect(says({ type: 'event', name: 'order', atLeast: 2, withinDays: 5 })).toBe(false);
    expect(says({ type: 'lead_score', threshold: 50 })).toBe(true);
    expect(says({ type: 'lead_score', threshold: 51 })).toBe(false);
    expect(says({ all: [] })).toBe(true);
    expect(says({ any: [] })).toBe(false);
    expect(says({ not: { any: [{ type: 'tag', tag: 'VIP' }] } })).toBe(true);
  });
});

describe('references of a rule', () => {
  it('are found and replaced when a flow is cloned', () => {
    const rule: Rule = { all: [{ not: { type: 'email_opened', stepId: 'A' } }, { any: [{ type: 'email_clicked' }] }] };
    expect(stepReferences(rule)).toEqual([{ id: 'a', path: 'rules.all[0].not.stepId' }]);
    expect(mapStepReferences(rule, (id) => `new-${id}`)).toEqual({
      all: [{ not: { type: 'email_opened', stepId: 'new-a' } }, { any: [{ type: 'email_clicked' }] }],
    });
  });
});
