import { durationMs } from '../../../shared/duration.js';
import type { AbMetric, AbTest } from '../../steps/index.js';
import type { AbOutcome, VariantFigures } from './test-state.js';
import { twoProportionTest } from './statistics.js';

/** How often a test is looked at between its shortest and its longest duration, both included. */
const LOOKS = 5;
/** Tests of which nothing has been sent yet are looked at again after this, or after their shortest duration if that is shorter. */
const UNSTARTED_MS = 15 * 60_000;

/** The successes of the test's metric. */
export const METRIC_COUNT = { open: 'opened', click: 'clicked', reply: 'replied', goal: 'converted' } as const satisfies Record<
  AbMetric,
  keyof VariantFigures
>;

export interface JudgedStep {
  /** In order; the first is the control. */
  variants: readonly { id: string; name: string }[];
  test: AbTest;
}

export interface TestState {
  startedAt: Date;
  alphaSpent: number;
  looks: number;
}

export type Verdict =
  | { kind: 'continue'; startedAt: Date; nextLookAt: Date; deadline: Date; alphaSpent: number; looks: number }
  | { kind: 'decided'; outcome: AbOutcome; winnerVariantId: string | null; reason: string; looks: number };

interface Arm {
  id: string;
  name: string;
  trials: number;
  successes: number;
  rate: number;
}

/**
 * One look at a test. Every variant is compared with the control by the two-proportion z-test, over messages that were not bounced. The chance
 * of a false winner stays within `significance` whatever the number of variants and looks: by the share t of the longest duration that has
 * passed, `significance · t` may have been spent in all; this look has what earlier ones left of it, and each comparison an equal part of that
 * (Bonferroni). A best variant wins if it beats the control; the control wins if it beats all others. At the deadline the policy decides.
 */
export function judge(
  { variants, test }: JudgedStep,
  state: TestState,
  figures: readonly VariantFigures[],
  isWaitingToBegin: boolean,
  now: Date,
): Verdict {
  const shortest = durationMs(test.minDuration);
  const longest = durationMs(test.maxDuration);
  const at = (start: Date, ms: number) => new Date(start.getTime() + ms);
  if (isWaitingToBegin) {
    const { alphaSpent, looks } = state;
    const nextLookAt = at(now, Math.min(shortest, UNSTARTED_MS));
    return { kind: 'continue', startedAt: now, nextLookAt, deadline: at(now, longest), alphaSpent, looks };
  }
  const elapsed = now.getTime() - state.startedAt.getTime();
  const arms = armsOf(variants, test, figures);
  let { alphaSpent, looks } = state;
  if (elapsed >= shortest && arms.every(({ trials }) => trials >= test.minSample)) {
    const allowed = test.significance * Math.min(1, elapsed / longest);
    const level = allowed - alphaSpent;
    alphaSpent = allowed;
    looks += 1;
    const winner = winnerOf(arms, level);
    if (winner) return { kind: 'decided', outcome: 'significant', winnerVariantId: winner.arm.id, reason: winner.reason, looks };
  }
  if (elapsed >= longest) return { kind: 'decided', outcome: 'inconclusive', ...policyOf(arms, test), looks };
  const nextLookAt = at(state.startedAt, nextLook(elapsed, shortest, longest));
  return { kind: 'continue', startedAt: state.startedAt, nextLookAt, deadline: at(state.startedAt, longest), alphaSpent, looks };
}

function armsOf(variants: JudgedStep['variants'], { metric }: AbTest, figures: readonly VariantFigures[]): Arm[] {
  const byId = new Map(figures.map((figure) => [figure.variantId, figure]));
  return variants.map(({ id, name }) => {
    const figure = byId.get(id);
    const trials = figure?.reached ?? 0;
    // Somebody may click in a message that bounced later; the trials are the bound.
    const successes = Math.min(trials, figure?.[METRIC_COUNT[metric]] ?? 0);
    return { id, name, trials, successes, rate: trials === 0 ? 0 : successes / trials };
  });
}

function bestOf(arms: Arm[]): Arm {
  return arms.reduce((best, arm) => (arm.rate > best.rate ? arm : best));
}

/** Null: nobody beats the control, nor the control everybody, at this level. */
function winnerOf(arms: Arm[], level: number): { arm: Arm; reason: string } | null {
  const [control, ...others] = arms;
  const best = bestOf(arms);
  const rivals = best === control ? others : [control];
  const perComparison = level / others.length;
  const tests = rivals.map((rival) => ({ rival, test: twoProportionTest(best.successes, best.trials, rival.successes, rival.trials) }));
  if (tests.some(({ test, rival }) => test === null || test.p > perComparison || best.rate <= rival.rate)) return null;
  const against = tests.map(({ rival, test }) => `${told(rival)} (z = ${test!.z.toFixed(2)}, p = ${test!.p.toPrecision(2)})`).join(' and ');
  const reason = `${told(best)} won against ${against}; p had to be at most ${perComparison.toPrecision(2)} at this look.`;
  return { arm: best, reason };
}

function policyOf(arms: Arm[], { inconclusive, minSample }: AbTest): { winnerVariantId: string | null; reason: string } {
  const short = arms.find(({ trials }) => trials < minSample);
  const why = short
    ? `${quoted(short)} had reached ${short.trials} of the ${minSample} people it needs when the test ended.`
    : `No variant was significantly better when the test ended: ${arms.map(told).join(', ')}.`;
  const chosen = inconclusive === 'keep_weights' ? null : inconclusive === 'control' ? arms[0] : bestOf(arms);
  const then = chosen
    ? `By the policy "${inconclusive}" the others get ${quoted(chosen)}.`
    : 'By the policy "keep_weights" all variants go on by weight.';
  return { winnerVariantId: chosen?.id ?? null, reason: `${why} ${then}` };
}

function nextLook(elapsed: number, shortest: number, longest: number): number {
  for (let look = 0; look < LOOKS; look++) {
    const due = shortest + (look * (longest - shortest)) / (LOOKS - 1);
    if (due > elapsed) return due;
  }
  return longest;
}

function told({ name, trials, successes, rate }: Arm): string {
  return `${quoted({ name })} with ${(rate * 100).toFixed(1)} % (${successes} of ${trials})`;
}

function quoted({ name }: Pick<Arm, 'name'>): string {
  return `"${name}"`;
}
