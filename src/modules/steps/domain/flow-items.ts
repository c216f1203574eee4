import { refNames } from '../../../shared/ref-names.js';
import { inOrder, isForked } from './flow-graph.js';
import type { FlowItem } from './flow-refs.js';
import { mapRuleStepIds } from './rule-steps.js';
import { mapSplit, type SplitConfig } from './split.js';
import { ownSettings, type ActionConfig, type CampaignStep } from './step.js';
import { shownAction } from './webhook-action.js';

/**
 * The flow as `buildFlow` takes it, so that it can be saved again elsewhere: without ids of steps and variants, edges and rules by refs. Each step
 * has a ref made of its name. What only follows from the order of the steps stays unsaid; what ends the flow is said. Of a secret it says that there is one.
 */
export function toFlowItems(steps: readonly CampaignStep[]): (FlowItem & { ref: string })[] {
  const ordered = inOrder(steps);
  const refs = refNames(
    ordered.map(({ stepName }) => stepName),
    (index) => ordered[index].stepType,
  );
  const known = new Map(ordered.map(({ id }, index) => [id.toLowerCase(), refs[index]]));
  const to = (id: string | null): string | null => (id === null ? null : (known.get(id.toLowerCase()) ?? null));
  const rules = (rule: unknown): unknown => mapRuleStepIds(rule, (id) => known.get(id.toLowerCase()));
  return ordered.map((step, index) => ({
    ref: refs[index],
    ...ownSettings(step),
    conditionRules: rules(step.conditionRules),
    splitConfig: splitByRefs(mapSplit(step.splitConfig, to, rules)),
    actionConfig: step.actionConfig && (shownAction(step.actionConfig) as ActionConfig),
    variants: step.variants.map(({ id: _id, position: _position, templateVersion: _version, ...settings }) => settings),
    ...edges(step, to),
  }));
}

function edges(step: CampaignStep, to: (id: string | null) => string | null): Pick<FlowItem, 'nextRef' | 'trueNextRef' | 'falseNextRef'> {
  if (!isForked(step.stepType)) return step.isEnd || step.nextStepId ? { nextRef: to(step.nextStepId) } : {};
  return step.splitConfig ? {} : { trueNextRef: to(step.trueNextStepId), falseNextRef: to(step.falseNextStepId) };
}

/** `buildFlow` reads these names in place of those of ids. */
function splitByRefs(split: SplitConfig | null): SplitConfig | null {
  if (split === null) return null;
  const { branches, ...rest } = split as SplitConfig & { elseNextStepId?: string | null };
  const byRefs = branches.map(({ nextStepId: nextRef, ...branch }) => ({ ...branch, nextRef }));
  const { elseNextStepId, ...kept } = rest;
  return { ...kept, branches: byRefs, ...(elseNextStepId === undefined ? {} : { elseNextRef: elseNextStepId }) } as unknown as SplitConfig;
}
