import fc from 'fast-check';
import { copyFlow } from './copy-flow.js';
import { mapRuleStepIds, ruleStepIds } from './rule-steps.js';
import { mapSplit, splitEdges } from './split.js';
import type { CampaignStep } from './step.js';

const flow = fc.integer({ min: 1, max: 10 }).chain((size) => {
  const target = fc.option(fc.integer({ min: 0, max: size - 1 }));
  const rule = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      tie('leaf'),
      fc.record({ all: fc.array(tie('tree'), { maxLength: 3 }) }),
      fc.record({ not: tie('tree') }),
    ),
    leaf: fc.oneof(
      fc.record({ type: fc.constant('email_opened'), stepId: fc.integer({ min: 0, max: size - 1 }).map((n) => `old-${n}`) }),
      fc.constant({ type: 'tag', tag: 'old-0' }),
    ),
  })).tree;
  return fc.array(
    fc.record({ next: target, yes: target, no: target, rule: fc.option(rule), ways: fc.array(fc.tuple(target, rule), { maxLength: 3 }) }),
    { minLength: size, maxLength: size },
  );
});

function build(
  parts: { next: number | null; yes: number | null; no: number | null; rule: unknown; ways: [number | null, unknown][] }[],
): CampaignStep[] {
  const id = (n: number | null) => (n === null ? null : `old-${n}`);
  return parts.map(
    ({ next, yes, no, rule, ways }, index) =>
      ({
        id: `old-${index}`,
        stepOrder: index + 1,
        nextStepId: id(next),
        trueNextStepId: id(yes),
        falseNextStepId: id(no),
        conditionRules: rule,
        splitConfig:
          ways.length === 0
            ? null
            : { type: 'rules', branches: ways.map(([to, rules]) => ({ name: null, rules, nextStepId: id(to) })), elseNextStepId: id(next) },
        emailsSent: 99,
        templateVersion: 3,
        abTest: null,
        variants: [{ id: `old-variant-${index}`, name: 'A', weight: 1, templateVersion: 2 }],
      }) as unknown as CampaignStep,
  );
}

describe('a copied flow', () => {
  it('is the same flow under other ids: every edge and every rule points to the copy of what it pointed to', () => {
    fc.assert(
      fc.property(flow, (parts) => {
        const steps = build(parts);
        let count = 0;
        const copies = copyFlow(steps, () => `new-${count++}`);
        const back = (id: string | null) => id?.replace('new-', 'old-') ?? null;
        expect(copies.map(({ id }) => back(id))).toEqual(steps.map(({ id }) => id));
        for (const [index, copy] of copies.entries()) {
          const original = steps[index];
          expect([back(copy.nextStepId), back(copy.trueNextStepId), back(copy.falseNextStepId)]).toEqual([
            original.nextStepId,
            original.trueNextStepId,
            original.falseNextStepId,
          ]);
          expect(splitEdges(copy.splitConfig).map(({ target }) => back(target))).toEqual(
            splitEdges(original.splitConfig).map(({ target }) => target),
          );
          expect(mapSplit(copy.splitConfig, back, (r) => mapRuleStepIds(r, (id) => back(id)!))).toEqual(original.splitConfig);
          expect(ruleStepIds(copy.conditionRules).map(back)).toEqual(ruleStepIds(original.conditionRules));
          expect(mapRuleStepIds(copy.conditionRules, (id) => back(id)!)).toEqual(original.conditionRules);
        }
        expect(JSON.stringify(copies)).not.toMatch(/"(next|trueNext|falseNext|elseNext)?[sS]tepId":"old-/);
      }),
    );
  });

  it('takes neither counters nor what a launch has frozen', () => {
    const [copy] = copyFlow(build([{ next: null, yes: null, no: null, rule: null, ways: [] }]), () => 'new');
    expect(copy).not.toHaveProperty('emailsSent');
    expect(copy).not.toHaveProperty('templateVersion');
  });
});
