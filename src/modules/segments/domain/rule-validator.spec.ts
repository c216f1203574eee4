import type { AttributeRule, Rule } from './rule.js';
import { validateRule } from './rule-validator.js';

const TAG: Rule = { type: 'tag', tag: 'vip' };
const SEGMENT_ID = '0190a0b1-0000-7000-8000-000000000001';
const paths = (rule: unknown) => validateRule(rule, 'rules').map(({ path }) => path);
const attribute = (operator: string, value?: unknown, name = 'plan') => ({ type: 'contact_attribute', attribute: name, operator, value });

function nested(levels: number): Rule {
  return levels === 1 ? TAG : { all: [nested(levels - 1)] };
}

describe('validateRule: what a user may save', () => {
  it.each<[string, unknown]>([
    ['everybody', { all: [] }],
    ['a group of every kind of rule', {
      any: [
        { all: [attribute('eq', 'pro'), attribute('in', ['a', 1, true])] },
        { not: { type: 'lead_score', threshold: 50 } },
        { type: 'email_opened' },
        { type: 'email_clicked', stepId: SEGMENT_ID, withinHours: 24, includeMachine: true },
        { type: 'email_replied' },
        { type: 'segment', segmentId: SEGMENT_ID },
        { type: 'event', name: 'order_placed', atLeast: 3, withinDays: 30 },
      ],
    }],
    ['five levels', nested(5)],
    ['fifty parts', { any: Array.from({ length: 49 }, () => TAG) }],
    ['a list of a thousand values', attribute('in', Array.from({ length: 1000 }, (_, i) => i))],
    ['wildcards and SQL as plain text', attribute('contains', `100%_'; DROP TABLE contacts; --`)],
    ['an attribute named by its CSV heading', attribute('is_set', undefined, 'Größe des Teams')],
    ['a range of dates', attribute('between', ['2026-01-01', '2026-02-01T00:00:00+01:00'])],
    ['a leap day', attribute('before', '2028-02-29')],
  ])('accepts %s', (_, rule) => {
    expect(validateRule(rule, 'rules')).toEqual([]);
  }); // prettier-ignore

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'rules'],
    ['null', null, 'rules'],
    ['a list', [], 'rules'],
    ['an empty object', {}, 'rules'],
    ['an unknown type', { all: [TAG, { type: 'constructor' }] }, 'rules.all[1].type'],
    ['a type that is no text', { type: 7 }, 'rules.type'],
    ['an unknown field', { type: 'tag', tag: 'vip', weight: 2 }, 'rules.weight'],
    ['a prototype key', JSON.parse('{"type":"tag","tag":"vip","__proto__":{}}'), 'rules.__proto__'],
    ['two groups in one', { all: [], any: [] }, 'rules.any'],
    ['a group that is no list', { not: { any: TAG } }, 'rules.not.any'],
    ['a missing operator', { any: [{ type: 'contact_attribute', attribute: 'plan', value: 1 }] }, 'rules.any[0].operator'],
    ['an unknown operator', { all: [TAG, TAG, attribute('matches', '.*')] }, 'rules.all[2].operator'],
    ['an inherited name as operator', attribute('toString', 'x'), 'rules.operator'],
    ['a text operator on a number field', attribute('contains', '5', 'leadScore'), 'rules.operator'],
    ['a date operator on a text field', attribute('before', '2026-01-01', 'email'), 'rules.operator'],
    ['a number where a text field wants text', attribute('eq', 5, 'firstName'), 'rules.value'],
    ['a text where a boolean field wants one', attribute('eq', 'true', 'subscribed'), 'rules.value'],
    ['an attribute name with a quote', attribute('eq', 1, `x' OR 1=1`), 'rules.attribute'],
    ['no value', attribute('eq'), 'rules.value'],
    ['a null value', attribute('eq', null), 'rules.value'],
    ['an object as value', attribute('eq', { $ne: 1 }), 'rules.value'],
    ['a value where none belongs', attribute('is_set', true), 'rules.value'],
    ['an infinite number', attribute('eq', JSON.parse('1e999')), 'rules.value'],
    ['an empty part', attribute('contains', ''), 'rules.value'],
    ['a NUL', attribute('eq', 'a\0b'), 'rules.value'],
    ['half a surrogate pair', attribute('eq', '\ud800'), 'rules.value'],
    ['a text too long', attribute('eq', 'x'.repeat(1001)), 'rules.value'],
    ['an empty list', attribute('in', []), 'rules.value'],
    ['1,001 values', attribute('in', Array(1001).fill(1)), 'rules.value'],
    ['a list within a list', attribute('in', ['a', ['b']]), 'rules.value[1]'],
    ['a range of one', attribute('between', [1]), 'rules.value'],
    ['a range upside down', attribute('between', [2, 1]), 'rules.value'],
    ['a date range upside down', attribute('between', ['2026-01-01T00:00:00Z', '2026-01-01T00:30:00+01:00']), 'rules.value'],
    ['a range of a number and a date', attribute('between', [1, '2026-01-01']), 'rules.value'],
    ['a day that does not exist', attribute('after', '2026-02-29'), 'rules.value'],
    ['an instant without its offset', attribute('after', '2026-02-28T10:00:00'), 'rules.value'],
    ['a comparison with a word', attribute('gt', 'ten'), 'rules.value'],
    ['zero days', attribute('in_last_days', 0), 'rules.value'],
    ['half a day', attribute('not_in_last_days', 0.5), 'rules.value'],
    ['a score that is no whole number', { type: 'lead_score', threshold: '50' }, 'rules.threshold'],
    ['a score beyond the column', { type: 'lead_score', threshold: 3e9 }, 'rules.threshold'],
    ['an empty tag', { type: 'tag', tag: ' ' }, 'rules.tag'],
    ['a tag too long', { type: 'tag', tag: 'x'.repeat(101) }, 'rules.tag'],
    ['a segment that is no id', { not: { type: 'segment', segmentId: '1 OR 1=1' } }, 'rules.not.segmentId'],
    ['a step that is no id', { type: 'email_opened', stepId: 'welcome' }, 'rules.stepId'],
    ['a window of no hours', { type: 'email_clicked', withinHours: 0 }, 'rules.withinHours'],
    ['a flag that is no boolean', { type: 'email_opened', includeMachine: 'false' }, 'rules.includeMachine'],
    ['an event without a name', { type: 'event', atLeast: 1 }, 'rules.name'],
    ['an event at least zero times', { type: 'event', name: 'x', atLeast: 0 }, 'rules.atLeast'],
    ['a window of a thousand years', { type: 'event', name: 'x', withinDays: 365_250 }, 'rules.withinDays'],
  ])('refuses %s, at its path', (_, rule, path) => {
    expect(paths(rule)).toEqual([path]);
  }); // prettier-ignore

  it('refuses the sixth level where it begins', () => {
    expect(validateRule(nested(6), 'rules')).toMatchObject([{ path: 'rules.all[0].all[0].all[0].all[0].all[0]', code: 'too_deep' }]);
  });

  it('refuses the fifty-first part, without reading a million of them', () => {
    expect(validateRule({ all: Array(50).fill(TAG) }, 'rules')).toMatchObject([{ path: 'rules', code: 'too_many_nodes' }]);
    const before = performance.now();
    expect(validateRule({ any: Array(1_000_000).fill({}) }, 'rules')).toHaveLength(1);
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  it('names every fault at once, below the path it is given', () => {
    const rule = { all: [attribute('eq'), { type: 'nope' }, { type: 'tag', tag: '', extra: 1 }] };
    expect(validateRule(rule, 'steps[3].conditionRules').map(({ path }) => path)).toEqual([
      'steps[3].conditionRules.all[0].value',
      'steps[3].conditionRules.all[1].type',
      'steps[3].conditionRules.all[2].extra',
      'steps[3].conditionRules.all[2].tag',
    ]);
  });

  it('tells which operators a field has', () => {
    const [problem] = validateRule(attribute('contains', 'x', 'subscribed'), 'rules');
    expect(problem.message).toBe('"contains" does not apply to subscribed; use one of: eq, neq, is_set, is_not_set');
  });

  it('gives a type for what it accepts', () => {
    const rule = attribute('eq', 'pro') as AttributeRule;
    expect(validateRule(rule, 'rules')).toEqual([]);
  });
});
