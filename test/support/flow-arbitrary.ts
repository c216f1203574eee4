import fc from 'fast-check';
import type { ActionConfig, CampaignStep, StepVariant } from '../../src/modules/steps/index.js';
import type { SplitConfig } from '../../src/modules/steps/domain/split.js';
import { EMPTY_STEP } from '../../src/modules/steps/domain/step.js';

export const FLOW_TEMPLATES = ['t-1', 't-2'];
export const FLOW_SEGMENTS = ['s-1', 's-2', 's-3'];
export const FLOW_CAMPAIGNS = ['c-1'];

const text = fc.constantFrom('Hello', 'With "quotes" and <p>', 'Größe {{ contact.first_name | default: "you" }}', 'two\nlines');
const name = fc.constantFrom(null, 'Welcome', 'welcome', 'Wait', 'wait-2', 'email', '!', 'Abschied');
const duration = fc.record({ value: fc.integer({ min: 1, max: 90 }), unit: fc.constantFrom('minutes' as const, 'days' as const) });

type Kind = Partial<CampaignStep> & Pick<CampaignStep, 'stepType'>;

/** Steps as they are stored, of every type, with edges to anywhere (also in circles): `step-0`, `step-1` … */
export const flowArbitrary: fc.Arbitrary<CampaignStep[]> = fc
  .integer({ min: 1, max: 9 })
  .chain((size) => {
    const id = (index: number) => `step-${index}`;
    const target = fc.option(fc.integer({ min: 0, max: size - 1 }).map(id));
    const rule = rules(fc.integer({ min: 0, max: size - 1 }).map(id));
    const next = fc.oneof(
      target.map((nextStepId) => ({ nextStepId, isEnd: false })),
      fc.constant({ nextStepId: null, isEnd: true }),
    );
    const two = fc.record({ trueNextStepId: target, falseNextStepId: target });
    const kind: fc.Arbitrary<Kind> = fc.oneof(
      fc.tuple(content, variants, next).map(([own, list, edge]) => ({ stepType: 'email' as const, ...own, ...list, ...edge })),
      fc.tuple(wait, next).map(([own, edge]) => ({ stepType: 'wait' as const, ...own, ...edge })),
      fc.tuple(action, next).map(([actionConfig, edge]) => ({ stepType: 'action' as const, actionConfig, ...edge })),
      fc.tuple(rule, two).map(([conditionRules, edges]) => ({ stepType: 'condition' as const, conditionRules, ...edges })),
      split(target, rule).map((splitConfig) => ({ stepType: 'condition' as const, splitConfig })),
      fc.tuple(waitFor(rule), duration, two).map(([own, waitDuration, edges]) => ({ stepType: 'wait_for' as const, ...own, waitDuration, ...edges })),
    );
    return fc.array(fc.tuple(kind, name), { minLength: size, maxLength: size });
  })
  .map((kinds) =>
    kinds.map(
      ([own, stepName], index) =>
        ({ ...EMPTY_STEP, ...own, id: `step-${index}`, stepName, stepOrder: index + 1, templateVersion: null, variants: own.variants ?? [], emailsSent: 9 }) as CampaignStep,
    ),
  ); // prettier-ignore

const content = fc.oneof(
  fc.record({ templateId: fc.constantFrom(...FLOW_TEMPLATES), subjectLine: fc.option(text) }),
  fc.record({ subjectLine: text, emailContent: text, contentFormat: fc.constantFrom('html' as const, 'mjml' as const) }),
);

const terms = {
  testShare: 0.2, metric: 'goal' as const, goalEvent: 'order_placed', minSample: 100, minDuration: { value: 4, unit: 'hours' as const },
  maxDuration: { value: 1, unit: 'days' as const }, significance: 0.05, inconclusive: 'best' as const,
}; // prettier-ignore

const variants = fc
  .array(fc.record({ weight: fc.integer({ min: 1, max: 5 }), subjectLine: fc.option(text), templateId: fc.option(fc.constantFrom(...FLOW_TEMPLATES)) }), {
    maxLength: 3,
  })
  .chain((list) => fc.constantFrom(null, terms).map((abTest) => ({ list, abTest: list.length === 0 ? null : abTest })))
  .map(({ list, abTest }) => ({
    abTest,
    variants: list.map(
      (own, index): StepVariant => ({
        ...own, id: `variant-${index}`, position: index + 1, name: `V${index}`, templateVersion: null, emailContent: null, contentFormat: null,
        fromName: index === 1 ? 'Ada' : null, fromEmail: null,
      }),
    ),
  })); // prettier-ignore

const wait: fc.Arbitrary<Partial<CampaignStep>> = fc.oneof(
  duration.map((waitDuration) => ({ waitDuration })),
  fc.constant<Partial<CampaignStep>>({
    waitUntil: { attribute: 'renews', offset: { value: -3, unit: 'days' as const }, timeOfDay: { from: '09:00', weekdays: [1, 2] } },
  }),
  duration.map((waitDuration) => ({ waitDuration, waitUntil: { timeOfDay: { from: '09:00', to: '17:00' } } })),
);

const action: fc.Arbitrary<ActionConfig> = fc.oneof(
  fc.constantFrom<ActionConfig>(
    { type: 'set_attribute', attribute: 'plan', value: null },
    { type: 'set_attribute', attribute: 'segmentId', value: 's-1' },
    { type: 'add_tag', tag: 'vip' },
    { type: 'adjust_lead_score', by: -5 },
    { type: 'exit' },
    { type: 'exit', reason: 'bought' },
    { type: 'enroll', campaignId: FLOW_CAMPAIGNS[0] },
  ),
  fc.constantFrom(...FLOW_SEGMENTS).map((segmentId): ActionConfig => ({ type: 'add_to_segment', segmentId })),
);

function rules(step: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  return fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      tie('leaf'),
      fc.record({ all: fc.array(tie('tree'), { maxLength: 3 }) }),
      fc.record({ not: tie('tree') }),
    ),
    leaf: fc.oneof(
      step.map((stepId) => ({ type: 'email_opened', stepId, withinHours: 4 })),
      fc.constantFrom(...FLOW_SEGMENTS).map((segmentId) => ({ type: 'segment', segmentId })),
      fc.constant({ value: ['pro', 5, true], operator: 'in', attribute: 'plan', type: 'contact_attribute' }),
    ),
  })).tree;
}

function waitFor(rule: fc.Arbitrary<unknown>): fc.Arbitrary<Partial<CampaignStep>> {
  const filter = { property: 'total', operator: 'gte', value: 5 };
  return fc.oneof(
    fc.constant({ waitEvent: { name: 'order_placed', filter } }),
    rule.map((conditionRules) => ({ conditionRules })),
  );
}

function split(target: fc.Arbitrary<string | null>, rule: fc.Arbitrary<unknown>): fc.Arbitrary<SplitConfig> {
  const branchName = fc.constantFrom(null, 'A', 'B');
  return fc.oneof(
    fc.record({
      type: fc.constant('rules' as const),
      branches: fc.array(fc.record({ name: branchName, rules: rule, nextStepId: target }), { minLength: 1, maxLength: 3 }),
      elseNextStepId: target,
    }),
    fc.record({
      type: fc.constant('random' as const),
      branches: fc.array(fc.record({ name: branchName, weight: fc.constant(50), nextStepId: target }), { minLength: 2, maxLength: 2 }),
    }),
  );
}
