import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { mergeVariant, variantProblems, variantSetProblems, type VariantSettings } from './domain/ab-test.js';
import { stepOfVariant } from './domain/step-of-variant.js';
import type { StepSettings, StepType } from './domain/step.js';
import { StepReview } from './step-review.js';
import { StepInvalidError } from './steps.errors.js';

/** Judges variants before they are saved, each as the step it would send. `at` is the path of the variant, empty or ending in a dot. */
@Injectable()
export class VariantReview {
  constructor(private readonly steps: StepReview) {}

  /** The variant as it will stand; throws if it is wrong in itself. Pure. */
  shaped(base: VariantSettings | null, input: Partial<VariantSettings>, at: string): VariantSettings {
    const variant = mergeVariant(base, input);
    const problems = variantProblems(variant, at);
    if (problems.length > 0) throw new StepInvalidError('malformed', problems);
    return variant;
  }

  /** Throws if the step takes no variants, or if they do not fit together. `at` is the path of the step, empty or ending in a dot. */
  assertSet(
    step: { stepType: StepType },
    variants: readonly VariantSettings[],
    at: string,
    rename: (path: string) => string = (path) => path,
  ): void {
    if (step.stepType !== 'email' && variants.length > 0) {
      const message = `A step of type "${step.stepType}" has no variants: only an email has.`;
      throw new StepInvalidError('unprocessable', [{ path: `${at}variants`, code: 'foreign_field', message }]);
    }
    const problems = variantSetProblems(variants, `${at}variants`).map((problem) => ({ ...problem, path: rename(problem.path) }));
    if (problems.length > 0) throw new StepInvalidError('unprocessable', problems);
  }

  /** Slow: never inside a transaction. A variant that changes nothing in the content needs no compiling. */
  async assertCompiles(step: StepSettings, variant: VariantSettings, at: string): Promise<void> {
    if (variant.subjectLine === null && variant.emailContent === null) return;
    await this.steps.assertContentCompiles(stepOfVariant(step, variant), at);
  }

  /** Throws if the variant names a template that is not this tenant's, or that has no subject where none is set. */
  async assertReferences(tx: Tx, tenantId: string, step: StepSettings, variant: VariantSettings, at: string): Promise<void> {
    if (variant.templateId === null) return;
    await this.steps.assertReferences(tx, tenantId, stepOfVariant(step, variant), at);
  }
}
