import type { VariantSettings } from './ab-test.js';
import type { StepSettings } from './step.js';

/** The step as this variant sends it. Content of the variant, inline or template, takes the place of the step's whole. */
export function stepOfVariant<Step extends StepSettings & { templateVersion?: number | null }>(
  step: Step,
  variant: VariantSettings & { templateVersion?: number | null },
): Step {
  const subjectLine = variant.subjectLine ?? step.subjectLine;
  if (variant.templateId !== null) {
    const { templateId, templateVersion = null } = variant;
    return { ...step, subjectLine, templateId, templateVersion, emailContent: null, contentFormat: null };
  }
  if (variant.emailContent === null) return { ...step, subjectLine };
  const { emailContent, contentFormat } = variant;
  return { ...step, subjectLine, templateId: null, templateVersion: null, emailContent, contentFormat };
}
