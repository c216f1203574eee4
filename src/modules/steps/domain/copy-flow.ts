import type { VariantSettings } from './ab-test.js';
import { mapRuleStepIds } from './rule-steps.js';
import { mapSplit } from './split.js';
import { ownSettings, type CampaignStep, type StepSettings } from './step.js';

export interface CopiedStep extends StepSettings {
  id: string;
  stepOrder: number;
  variants: (VariantSettings & { id: string })[];
}

/**
 * The steps of a copied campaign: the same flow with ids of its own. First every step gets its new id, then every edge and every rule is turned
 * towards them, so that no branch leads back into the original.
 */
export function copyFlow(steps: readonly CampaignStep[], newId: () => string): CopiedStep[] {
  const ids = new Map(steps.map(({ id }) => [id, newId()]));
  const to = (id: string | null): string | null => (id === null ? null : (ids.get(id) ?? null));
  const rules = (rule: unknown): unknown => mapRuleStepIds(rule, (id) => ids.get(id.toLowerCase()));
  return steps.map((step) => ({
    id: ids.get(step.id)!,
    stepOrder: step.stepOrder,
    ...ownSettings(step),
    conditionRules: rules(step.conditionRules),
    splitConfig: mapSplit(step.splitConfig, to, rules),
    trueNextStepId: to(step.trueNextStepId),
    falseNextStepId: to(step.falseNextStepId),
    nextStepId: to(step.nextStepId),
    isEnd: step.isEnd,
    variants: step.variants.map((variant) => ({ ...variant, id: newId(), templateVersion: null })),
  }));
}
