import fc from 'fast-check';
import type { Rule } from '../../src/modules/segments/index.js';
import { BUILTIN_FIELDS, OPERATORS, type AttributeRule } from '../../src/modules/segments/domain/rule.js';
import { validateRule } from '../../src/modules/segments/domain/rule-validator.js';

/** The moment rules are evaluated at in property tests; the dates below lie around it. */
export const RULE_NOW = new Date('2026-03-10T12:00:00.000Z');

const NAMES = ['plan', 'seats', 'renews', 'likes', 'never set'];

/** Few values, so that rules and contacts meet often; each a case somebody got wrong once. */
const TEXTS = [
  'pro',
  'Pro',
  'a%b',
  'a_b',
  '100%',
  '\\',
  "o'k",
  '"',
  '{x}',
  '',
  ' ',
  'true',
  'FALSE',
  'été',
  'ÉTÉ',
  '5',
  '05',
  '-0',
  '5.0',
  '1e3',
  '12345678901234567890',
  'NaN',
  'Infinity',
  'null',
];
const DATES = [
  '2026-03-10',
  '2026-03-09',
  '2026-03-10T12:00:00Z',
  '2026-03-10T12:00:00.001Z',
  '2026-03-10T11:00:00.123Z',
  '2026-03-10T14:00:00+02:00',
  '2024-02-29',
  '2026-03-03T12:00:00Z',
  '9999-12-31T23:59:59-14:59',
];
/** Only as attributes: what is no date must not break the statement. */
const NEARLY_DATES = [
  '2026-02-29',
  '2026-13-01',
  '0000-01-01',
  '2026-03-10 11:59',
  '2026-03-10T24:00:00Z',
  '2026-03-10T11:00:00.123456',
  '99999-01-01',
  'today',
  'infinity',
  '2026-03-10T10:00:00+99:00',
  '2100-02-29',
];
const NUMBERS = [0, 5, -5, 5.5, 1000, 0.1, 0.30000000000000004, 1e21, -1e-7, 1e308, 12345678901234];
const text = fc.constantFrom(...TEXTS, ...DATES);
const number = fc.constantFrom(...NUMBERS);
const scalar = fc.oneof(text, number, fc.boolean());

export const attributesArbitrary = fc.dictionary(
  fc.constantFrom(...NAMES.slice(0, 4)),
  fc.oneof(
    { weight: 6, arbitrary: scalar },
    { weight: 2, arbitrary: fc.constantFrom(...NEARLY_DATES) },
    { weight: 2, arbitrary: fc.array(fc.oneof(scalar, fc.constant(null), fc.constant(['pro'])), { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(null, {}, { pro: 5 }, []) },
  ),
  { noNullPrototype: true },
);

const value = fc.oneof(
  scalar,
  fc.constantFrom(...DATES),
  fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 }),
  fc.tuple(number, number),
  fc.tuple(fc.constantFrom(...DATES), fc.constantFrom(...DATES)),
  fc.integer({ min: 1, max: 10 }),
  fc.constant(undefined),
);

/** Whatever the validator lets through; the rest is thrown away, so the two cannot disagree about what a rule is. */
export const attributeRule = fc
  .record({
    type: fc.constant('contact_attribute' as const),
    attribute: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...NAMES) },
      { weight: 1, arbitrary: fc.constantFrom(...Object.keys(BUILTIN_FIELDS)) },
    ),
    operator: fc.constantFrom(...OPERATORS),
    value,
  })
  .filter((rule) => validateRule(rule, 'rules').length === 0) as fc.Arbitrary<AttributeRule>;

export interface RuleWorld {
  stepIds: string[];
  segmentIds: string[];
  tags: string[];
  eventNames: string[];
}

export function ruleArbitrary({ stepIds, segmentIds, tags, eventNames }: RuleWorld): fc.Arbitrary<Rule> {
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const leaf: fc.Arbitrary<Rule> = fc.oneof(
    { weight: 6, arbitrary: attributeRule },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('lead_score' as const), threshold: fc.integer({ min: -2, max: 8 }) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('tag' as const), tag: fc.constantFrom(...tags) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('segment' as const), segmentId: fc.constantFrom(...segmentIds) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('event' as const),
        name: fc.constantFrom(...eventNames),
        atLeast: optional(fc.integer({ min: 1, max: 3 })),
        withinDays: optional(fc.integer({ min: 1, max: 3 })),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constantFrom('email_opened' as const, 'email_clicked' as const, 'email_replied' as const),
        stepId: optional(fc.constantFrom(...stepIds)),
        withinHours: optional(fc.integer({ min: 1, max: 60 })),
        includeMachine: optional(fc.boolean()),
      }),
    },
  );
  return fc.letrec<{ rule: Rule }>((tie) => ({
    rule: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'rule' },
      { weight: 3, arbitrary: leaf },
      { weight: 1, arbitrary: fc.record({ all: fc.array(tie('rule'), { maxLength: 3 }) }) },
      { weight: 1, arbitrary: fc.record({ any: fc.array(tie('rule'), { maxLength: 3 }) }) },
      { weight: 1, arbitrary: fc.record({ not: tie('rule') }) },
    ),
  })).rule;
}
