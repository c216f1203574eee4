import { mapRuleStepIds, mapSplit, ownSettings, type ReviewedStep, type StepSettings } from '../../steps/index.js';

/** A step as it is stored, or about to be. */
export type ComparedStep = StepSettings & { id: string; templateVersion?: number | null; variants: readonly ComparedVariant[] };
type ComparedVariant = Omit<ReviewedStep['variants'][number], 'id'> & { templateVersion?: number | null };

/**
 * What a step says and does, without where it leads; comparable between versions. `line` gives the line of a step that a rule names, so that a rule about
 * the same step in another version is the same rule.
 */
export function substanceOf(step: ComparedStep, line: (stepId: string) => string): Record<string, unknown> {
  const rules = (rule: unknown): unknown => mapRuleStepIds(rule, (id) => line(id.toLowerCase()));
  return {
    ...ownSettings(step),
    templateVersion: step.templateVersion ?? null,
    conditionRules: rules(step.conditionRules),
    splitConfig: mapSplit(step.splitConfig, () => null, rules),
    variants: step.variants.map(variantSubstance),
  };
}

/** What people in a test get to see, and the terms of the test: while this stays, the test goes on in another version. */
export function testOf(step: ComparedStep): string {
  const { templateId, templateVersion = null, subjectLine, emailContent, contentFormat, abTest, variants } = step;
  return canonical({
    templateId,
    templateVersion,
    subjectLine,
    emailContent,
    contentFormat,
    abTest,
    variants: variants.map(variantSubstance),
  });
}

function variantSubstance(variant: ComparedVariant): Record<string, unknown> {
  const { name, weight, subjectLine, templateId, templateVersion = null, emailContent, contentFormat, fromName, fromEmail } = variant;
  return { name, weight, subjectLine, templateId, templateVersion, emailContent, contentFormat, fromName, fromEmail };
}

/** The same text for the same value, whatever the order of its keys: PostgreSQL has an order of its own. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
