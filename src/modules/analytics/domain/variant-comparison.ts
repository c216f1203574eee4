import { METRIC_COUNT, credibleInterval, probabilitiesToBeBest, twoProportionTest, type VariantFigures } from '../../experiments/index.js';
import type { AbMetric } from '../../steps/index.js';

/** What is known of one variant's rate. Fractions, with six decimals. */
export interface VariantComparison {
  trials: number;
  successes: number;
  /** Null without trials. */
  rate: number | null;
  credibleInterval: { low: number; high: number };
  probabilityToBeBest: number;
  /** Against the control; null for the control itself, and where there are too few for the test. */
  pValue: number | null;
}

/** In the order of the variants, of which the first is the control. */
export function compareVariants(
  variants: readonly { id: string }[],
  figures: readonly VariantFigures[],
  metric: AbMetric,
): VariantComparison[] {
  const byId = new Map(figures.map((figure) => [figure.variantId, figure]));
  const arms = variants.map(({ id }) => {
    const figure = byId.get(id);
    const trials = figure?.reached ?? 0;
    return { trials, successes: Math.min(trials, figure?.[METRIC_COUNT[metric]] ?? 0) };
  });
  const best = probabilitiesToBeBest(arms);
  return arms.map((arm, index) => {
    const [control] = arms;
    const interval = credibleInterval(arm);
    const test = index === 0 ? null : twoProportionTest(arm.successes, arm.trials, control.successes, control.trials);
    return {
      ...arm,
      rate: arm.trials === 0 ? null : rounded(arm.successes / arm.trials),
      credibleInterval: { low: rounded(interval.low), high: rounded(interval.high) },
      probabilityToBeBest: rounded(best[index]),
      pValue: test && rounded(test.p),
    };
  });
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
