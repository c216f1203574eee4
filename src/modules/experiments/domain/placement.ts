import type { FlowExperiment } from '../../steps/index.js';
import type { Decision } from './test-state.js';
import { takesPart, variantOf, type DrawKey } from './assignment.js';

/** The engine looks at those who wait this long after the deadline by itself, should nobody have let them go. */
const GRACE_MS = 15 * 60_000;

/** What happens to a contact that has come to a step under test. */
export type Placement = { variantId: string } | { holdUntil: Date };

/**
 * The test's share gets its variants by weight, and the others wait; once there is a winner everybody gets that. Without a test, and where the
 * policy keeps the weights, everybody is split by weight.
 */
export function placementOf(experiment: FlowExperiment, decision: Decision | null, key: DrawKey, now: Date): Placement {
  const { variants, test } = experiment;
  if (decision?.status === 'decided') return { variantId: decision.winnerVariantId ?? variantOf(variants, key) };
  if (!test || takesPart(test.testShare, key)) return { variantId: variantOf(variants, key) };
  const deadline = decision?.deadline ?? now;
  return { holdUntil: new Date(Math.max(deadline.getTime(), now.getTime()) + GRACE_MS) };
}
