import type { Problem } from '../../../shared/domain-error.js';
import { durationMs, type Duration } from '../../../shared/duration.js';

/** Bounds of an A/B test; the API documents them. */
export const AB_LIMITS = {
  fewestVariants: 2,
  mostVariants: 10,
  name: 100,
  weight: 10_000,
  smallestShare: 0.01,
  sample: 1_000_000,
  smallestSignificance: 0.001,
  largestSignificance: 0.2,
  longestDays: 90,
} as const;

export const AB_METRICS = ['open', 'click', 'reply', 'goal'] as const;
export type AbMetric = (typeof AB_METRICS)[number];
export const INCONCLUSIVE_POLICIES = ['best', 'control', 'keep_weights'] as const;
export type InconclusivePolicy = (typeof INCONCLUSIVE_POLICIES)[number];

/** The terms of a test on one email step. Durations are absolute: a day is 24 hours. */
export interface AbTest {
  /** Which part of the contacts takes part, above 0 up to 1; the others wait at the step for the winner. */
  testShare: number;
  metric: AbMetric;
  /** The custom event that counts, for the metric `goal`. */
  goalEvent: string | null;
  /** Delivered messages each variant needs before it is judged. */
  minSample: number;
  minDuration: Duration;
  /** When the test ends at the latest, significant or not. */
  maxDuration: Duration;
  /** The chance of a false winner over the whole test, all looks and variants together. */
  significance: number;
  inconclusive: InconclusivePolicy;
}

/** What an author sets on a variant. Null is taken from the step. */
export interface VariantSettings {
  name: string;
  weight: number;
  subjectLine: string | null;
  templateId: string | null;
  emailContent: string | null;
  contentFormat: 'mjml' | 'html' | null;
  fromName: string | null;
  fromEmail: string | null;
}

export interface StepVariant extends VariantSettings {
  id: string;
  /** From 1; the first is the control. */
  position: number;
  /** Frozen at launch; null before. */
  templateVersion: number | null;
}

export type VariantInput = Partial<VariantSettings> & { name: string };

export const NEW_VARIANT: Omit<VariantSettings, 'name'> = {
  weight: 1,
  subjectLine: null,
  templateId: null,
  emailContent: null,
  contentFormat: null,
  fromName: null,
  fromEmail: null,
};

/** The variant as it will stand: `input` over `base`. MJML announces itself, as in a step. */
export function mergeVariant(base: VariantSettings | null, input: Partial<VariantSettings>): VariantSettings {
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  const merged = { ...NEW_VARIANT, ...base, ...given } as VariantSettings;
  const hasContent = merged.templateId === null && merged.emailContent !== null;
  const format = merged.contentFormat ?? (/^\s*<mjml[\s>]/i.test(merged.emailContent ?? '') ? 'mjml' : 'html');
  return { ...merged, name: merged.name.trim(), contentFormat: hasContent ? format : null };
}

/** What is wrong with a variant in itself. `at` is its path, empty or ending in a dot. */
export function variantProblems(variant: VariantSettings, at: string): Problem[] {
  if (variant.templateId === null || variant.emailContent === null) return [];
  const message = 'A variant has either templateId or emailContent: with both it would not be clear which is sent.';
  return [{ path: `${at}emailContent`, code: 'ambiguous_content', message }];
}

/** What is wrong with the variants of a step together: names and number. `at` is the path of the list. */
export function variantSetProblems(variants: readonly VariantSettings[], at: string): Problem[] {
  const seen = new Set<string>();
  const doubled = variants.flatMap(({ name }, index): Problem[] => {
    const key = name.trim().toLowerCase();
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [{ path: `${at}[${index}].name`, code: 'doubled_name', message: `Two variants are called "${name}": each needs its own name.` }];
  });
  if (variants.length <= AB_LIMITS.mostVariants) return doubled;
  const message = `A step has at most ${AB_LIMITS.mostVariants} variants.`;
  return [...doubled, { path: at, code: 'too_many_variants', message }];
}

/** What is wrong with the terms of a test beyond their types. `at` is the path of the step, empty or ending in a dot. */
export function abTestProblems(test: AbTest | null, at: string): Problem[] {
  if (test === null) return [];
  const problems: Problem[] = [];
  if (test.metric === 'goal' && !test.goalEvent?.trim()) {
    const message = 'The metric "goal" needs goalEvent: the name of the custom event that counts.';
    problems.push({ path: `${at}abTest.goalEvent`, code: 'required', message });
  }
  if (test.metric !== 'goal' && test.goalEvent !== null) {
    const message = `The metric "${test.metric}" has no goalEvent; only "goal" has.`;
    problems.push({ path: `${at}abTest.goalEvent`, code: 'foreign_field', message });
  }
  for (const field of ['minDuration', 'maxDuration'] as const) {
    if (durationMs(test[field]) <= durationMs({ value: AB_LIMITS.longestDays, unit: 'days' })) continue;
    const message = `A test lasts at most ${AB_LIMITS.longestDays} days.`;
    problems.push({ path: `${at}abTest.${field}`, code: 'duration_out_of_range', message });
  }
  if (durationMs(test.maxDuration) < durationMs(test.minDuration)) {
    const message = 'maxDuration must not be shorter than minDuration.';
    problems.push({ path: `${at}abTest.maxDuration`, code: 'duration_out_of_range', message });
  }
  return problems;
}

/** Why a step cannot be launched with so many variants, or null. The path is that of the fault within the step. */
export function experimentFault(variants: number, test: AbTest | null): Problem | null {
  if (variants === 0 && test === null) return null;
  if (variants >= AB_LIMITS.fewestVariants) return null;
  const message =
    variants === 0
      ? 'abTest chooses among variants, and the step has none: give it two or more.'
      : 'A step has at least two variants or none: with one there is nothing to choose.';
  return { path: 'variants', code: 'too_few_variants', message };
}
