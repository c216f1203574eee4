import type { Problem } from '../../../shared/domain-error.js';
import type { VariantInput } from './ab-test.js';
import { mapRuleStepIds } from './rule-steps.js';
import type { StepInput } from './step-shape.js';
import type { StepType } from './step.js';

/** One step of a flow that is saved at once: its edges name other steps of the same call. Null ends the flow, absent leads on to the next in the list. */
export type FlowItem = Omit<StepInput, 'nextStepId' | 'trueNextStepId' | 'falseNextStepId'> & {
  /** Only steps that others lead to need one. */
  ref?: string;
  /** Of an email step. */
  variants?: VariantInput[];
  stepType: StepType;
  nextRef?: string | null;
  trueNextRef?: string | null;
  falseNextRef?: string | null;
};

export interface BuiltStep {
  id: string;
  input: StepInput & { stepType: StepType };
}

/**
 * Gives every step its id and turns refs into ids: in edges, and in rules, where `stepId` may be a ref of the same call. Problems are refs
 * that are used twice or lead nowhere.
 */
export function buildFlow(items: readonly FlowItem[], newId: () => string): { inputs: BuiltStep[]; problems: Problem[] } {
  const own = items.map(() => newId());
  const ids = new Map(items.flatMap(({ ref }, index): [string, string][] => (ref === undefined ? [] : [[ref, own[index]]])));
  const problems = [...doubledRefs(items), ...unknownRefs(items, ids)];
  const inputs = items.map((item, index): BuiltStep => {
    const { ref: _ref, variants: _variants, nextRef, trueNextRef, falseNextRef, ...settings } = item;
    const following = own[index + 1] ?? null;
    const target = (to: string | null | undefined): string | null => (typeof to === 'string' ? (ids.get(to) ?? null) : null);
    const branch = (to: string | null | undefined): string | null => (to === undefined ? following : target(to));
    const edges: StepInput =
      item.stepType === 'condition'
        ? { trueNextStepId: branch(trueNextRef), falseNextStepId: branch(falseNextRef), nextStepId: target(nextRef) }
        : {
            nextStepId: target(nextRef),
            isEnd: settings.isEnd ?? nextRef === null,
            trueNextStepId: target(trueNextRef),
            falseNextStepId: target(falseNextRef),
          };
    const conditionRules = mapRuleStepIds(settings.conditionRules, (stepId) => ids.get(stepId));
    return { id: own[index], input: { ...settings, conditionRules, ...edges } };
  });
  return { inputs, problems };
}

/** Turns a path about ids into one about refs. */
export function refPath(path: string): string {
  return path.replace(/\.(next|trueNext|falseNext)StepId$/, '.$1Ref');
}

function doubledRefs(items: readonly FlowItem[]): Problem[] {
  const seen = new Set<string>();
  return items.flatMap(({ ref }, index) => {
    if (ref === undefined) return [];
    if (!seen.has(ref)) {
      seen.add(ref);
      return [];
    }
    return [{ path: `steps[${index}].ref`, code: 'doubled_ref', message: `Two steps have the ref "${ref}": each needs its own.` }];
  });
}

function unknownRefs(items: readonly FlowItem[], ids: ReadonlyMap<string, string>): Problem[] {
  return items.flatMap((item, index) =>
    (['nextRef', 'trueNextRef', 'falseNextRef'] as const).flatMap((field) => {
      const target = item[field];
      if (typeof target !== 'string' || ids.has(target)) return [];
      const message = `No step of this call has the ref "${target}".`;
      return [{ path: `steps[${index}].${field}`, code: 'dangling_branch', message }];
    }),
  );
}
