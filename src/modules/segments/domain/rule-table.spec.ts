import { readRuleTable, TABLE_NOW } from '../../../../test/support/rule-table.js';
import type { ContactFacts } from './contact-facts.js';
import { evaluateRule } from './rule-evaluator.js';
import { validateRule } from './rule-validator.js';
import { COMPLEMENTS, OPERATORS, type Rule } from './rule.js';

const table = readRuleTable();
const contact = (attributes: Record<string, unknown>): ContactFacts => ({
  email: 'a@example.com', firstName: null, lastName: null, timezone: null, createdAt: TABLE_NOW, leadScore: 0, subscribed: true,
  attributes, tags: [], events: [], emails: [], staticSegments: new Set(),
}); // prettier-ignore
const ask = (rule: Rule, attributes: Record<string, unknown>) => evaluateRule(rule, contact(attributes), new Map(), TABLE_NOW);

describe('the table of rules in the manual', () => {
  it('has every operator, in rules that can be saved and that say yes to some and no to others', () => {
    const operators = table.rows.map(({ rule }) => (rule as { operator: string }).operator);
    expect(OPERATORS.filter((operator) => !operators.includes(operator))).toEqual([]);
    expect(table.rows.flatMap(({ rule }) => validateRule(rule))).toEqual([]);
    expect(table.rows.filter(({ answers }) => new Set(answers).size < 2)).toEqual([]);
    expect(table.contacts.map(({ title }) => title)).toEqual(expect.arrayContaining(['missing', '`null`', '`5`', '`true`', '`{"a":1}`']));
  });

  it.each(table.rows)('is what the evaluator answers: $title', ({ rule, answers }) => {
    expect(table.contacts.map(({ attributes }) => ask(rule, attributes))).toEqual(answers);
  });

  it.each(table.rows)('turns round under `not`, and for the negative operator: $title', ({ rule, answers }) => {
    const opposite = answers.map((answer) => !answer);
    expect(table.contacts.map(({ attributes }) => ask({ not: rule }, attributes))).toEqual(opposite);
    const { operator } = rule as { operator: string };
    const negative = Object.entries(COMPLEMENTS).find(([, positive]) => positive === operator)?.[0];
    if (negative === undefined) return;
    expect(table.contacts.map(({ attributes }) => ask({ ...rule, operator: negative } as Rule, attributes))).toEqual(opposite);
  });

  it('is right about groups of nothing', () => {
    expect([ask({ all: [] }, {}), ask({ any: [] }, {}), ask({ not: { all: [] } }, {})]).toEqual([true, false, false]);
  });
});
