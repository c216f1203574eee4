import type { Problem } from '../../../shared/domain-error.js';
import type { VariantInput } from './ab-test.js';
import { isForked } from './flow-graph.js';
import { mapRuleStepIds } from './rule-steps.js';
import type { SplitConfig } from './split.js';
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
    const isTwoWay = isForked(item.stepType) && !isObject(item.splitConfig);
    const edges: StepInput = isTwoWay
      ? { trueNextStepId: branch(trueNextRef), falseNextStepId: branch(falseNextRef), nextStepId: target(nextRef) }
      : {
          nextStepId: target(nextRef),
          isEnd: settings.isEnd ?? nextRef === null,
          trueNextStepId: target(trueNextRef),
          falseNextStepId: target(falseNextRef),
        };
    const rules = (rule: unknown): unknown => mapRuleStepIds(rule, (stepId) => ids.get(stepId));
    const conditionRules = rules(settings.conditionRules);
    const splitConfig = withIds(settings.splitConfig, branch, rules);
    return { id: own[index], input: { ...settings, conditionRules, splitConfig, ...edges } };
  });
  return { inputs, problems };
}

/** Turns a path about ids into one about refs. */
export function refPath(path: string): string {
  return path.replace(/\.(next|trueNext|falseNext|elseNext)StepId$/, '.$1Ref');
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
  return items.flatMap((item, index) => {
    const own = (['nextRef', 'trueNextRef', 'falseNextRef'] as const).map((field) => ({
      field: field as string,
      target: item[field] as unknown,
    }));
    return [...own, ...splitRefs(item.splitConfig)].flatMap(({ field, target }) => {
      if (typeof target !== 'string' || ids.has(target)) return [];
      const message = `No step of this call has the ref "${target}".`;
      return [{ path: `steps[${index}].${field}`, code: 'dangling_branch', message }];
    });
  });
}

/** What callers send in a flow: the edges of a split by refs, nothing checked yet. */
type Loose = Record<string, unknown>;

function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function branchesOf(split: Loose): unknown[] {
  return Array.isArray(split.branches) ? (split.branches as unknown[]) : [];
}

function splitRefs(split: unknown): { field: string; target: unknown }[] {
  if (!isObject(split)) return [];
  const branches = branchesOf(split).map((item, index) => ({
    field: `splitConfig.branches[${index}].nextRef`,
    target: isObject(item) ? item.nextRef : undefined,
  }));
  return [...branches, { field: 'splitConfig.elseNextRef', target: split.elseNextRef }];
}

/** The split with ids for refs; what is no ref, and what is malformed, is left for the checks that follow. */
function withIds(
  split: unknown,
  branch: (ref: string | null | undefined) => string | null,
  rules: (rule: unknown) => unknown,
): SplitConfig | null | undefined {
  if (!isObject(split)) return split as SplitConfig | null | undefined;
  const edge = (ref: unknown): unknown => (ref === undefined || ref === null || typeof ref === 'string' ? branch(ref) : ref);
  const { elseNextRef, ...rest } = split;
  const branches = Array.isArray(split.branches)
    ? split.branches.map((item: unknown) => {
        if (!isObject(item)) return item;
        const { nextRef, ...parts } = item;
        return { ...parts, ...('rules' in parts ? { rules: rules(parts.rules) } : {}), nextStepId: edge(nextRef) };
      })
    : split.branches;
  return { ...rest, branches, ...(split.type === 'rules' ? { elseNextStepId: edge(elseNextRef) } : {}) } as unknown as SplitConfig;
}
