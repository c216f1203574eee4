import fc from 'fast-check';
import { flowArbitrary } from '../../../../test/support/flow-arbitrary.js';
import { mergeVariant, type VariantSettings } from './ab-test.js';
import { toFlowItems } from './flow-items.js';
import { buildFlow } from './flow-refs.js';
import { mapRuleStepIds } from './rule-steps.js';
import { mapSplit, normalisedSplit } from './split.js';
import { mergeStep } from './step-shape.js';
import type { CampaignStep, StepSettings } from './step.js';

describe('a flow written by refs', () => {
  it('becomes the same flow when it is saved, whatever its steps are called and wherever they lead', () => {
    fc.assert(
      fc.property(flowArbitrary, (steps) => {
        const items = toFlowItems(steps);
        let count = 0;
        const { inputs, problems } = buildFlow(items, () => `new-${count++}`);
        expect(problems).toEqual([]);
        for (const [index, { id, input }] of inputs.entries()) {
          expect(id).toBe(`new-${index}`);
          const saved = mergeStep(null, input);
          const splitConfig = saved.splitConfig && normalisedSplit(saved.splitConfig);
          expect(renamed({ ...saved, splitConfig })).toEqual(settings(steps[index]));
          expect((items[index].variants ?? []).map((variant) => mergeVariant(null, variant))).toEqual(variants(steps[index]));
        }
      }),
    );
  });

  it('holds no id of a step or variant', () => {
    fc.assert(
      fc.property(flowArbitrary, (steps) => {
        expect(JSON.stringify(toFlowItems(steps))).not.toMatch(/"(step|variant)-\d+"/);
      }),
    );
  });
});

const old = (id: string | null) => id?.replace('new-', 'step-') ?? null;
const oldRules = (rule: unknown) => mapRuleStepIds(rule, (id) => old(id)!);

function renamed(step: StepSettings): StepSettings {
  return {
    ...step,
    nextStepId: old(step.nextStepId),
    trueNextStepId: old(step.trueNextStepId),
    falseNextStepId: old(step.falseNextStepId),
    conditionRules: oldRules(step.conditionRules),
    splitConfig: mapSplit(step.splitConfig, old, oldRules),
  };
}

function settings(step: CampaignStep): StepSettings {
  const { id: _id, stepOrder: _order, templateVersion: _version, variants: _variants, emailsSent: _sent, ...own } = step;
  return own as StepSettings;
}

function variants({ variants }: CampaignStep): VariantSettings[] {
  return variants.map(({ id: _id, position: _position, templateVersion: _version, ...own }) => own);
}
