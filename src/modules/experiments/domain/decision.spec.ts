import type { AbTest } from '../../steps/index.js';
import type { VariantFigures } from './test-state.js';
import { judge, type Verdict } from './decision.js';

const T0 = new Date('2030-01-07T08:00:00Z');
const HOUR = 3_600_000;
const at = (hours: number) => new Date(T0.getTime() + hours * HOUR);
const TEST: AbTest = {
  testShare: 0.2,
  metric: 'click',
  goalEvent: null,
  minSample: 100,
  minDuration: { value: 4, unit: 'hours' },
  maxDuration: { value: 24, unit: 'hours' },
  significance: 0.05,
  inconclusive: 'best',
};
const figure = (variantId: string, clicked: number, reached: number): VariantFigures => ({
  variantId,
  reached,
  sent: reached,
  delivered: reached,
  opened: reached,
  clicked,
  replied: 0,
  converted: 0,
});
const NEW = { startedAt: T0, alphaSpent: 0, looks: 0 };
const look = (
  counts: Record<string, [clicked: number, reached: number]>,
  o: { hours?: number; test?: Partial<AbTest>; state?: Partial<typeof NEW>; waiting?: boolean } = {},
): Verdict => {
  const variants = Object.keys(counts).map((id) => ({ id, name: id }));
  const figures = Object.entries(counts).map(([id, [clicked, reached]]) => figure(id, clicked, reached));
  return judge({ variants, test: { ...TEST, ...o.test } }, { ...NEW, ...o.state }, figures, o.waiting ?? false, at(o.hours ?? 4));
};
const winner = (verdict: Verdict) => (verdict.kind === 'decided' ? `${verdict.outcome} ${verdict.winnerVariantId}` : 'continue');

describe('a look at a test', () => {
  it('finds the variant that beats the control, and says by what', () => {
    const verdict = look({ A: [20, 200], B: [60, 200] });
    expect(verdict).toMatchObject({ kind: 'decided', outcome: 'significant', winnerVariantId: 'B', looks: 1 });
    expect((verdict as { reason: string }).reason).toMatch(
      /^"B" with 30\.0 % \(60 of 200\) won against "A" with 10\.0 % .* p had to be at most 0\.0083/,
    );
  });

  it('lets the control win only against all others', () => {
    expect(winner(look({ A: [60, 200], B: [20, 200], C: [20, 200] }))).toBe('significant A');
    expect(winner(look({ A: [60, 200], B: [20, 200], C: [58, 200] }))).toBe('continue');
  });

  it('decides nothing before the shortest duration, nor before every variant has its sample', () => {
    expect(winner(look({ A: [20, 200], B: [60, 200] }, { hours: 3.9 }))).toBe('continue');
    expect(winner(look({ A: [20, 200], B: [60, 99] }))).toBe('continue');
    expect(winner(look({ A: [20, 200], B: [0, 0] }))).toBe('continue');
  });

  it('spends the accepted chance of an error over time, and equally on all comparisons', () => {
    // p = 0.036 would do at the end, not after four hours of 24, where 0.05 / 6 may be spent …
    expect(look({ A: [12, 200], B: [24, 200] })).toMatchObject({ kind: 'continue', alphaSpent: 0.05 / 6, looks: 1 });
    expect(winner(look({ A: [12, 200], B: [24, 200] }, { hours: 24 }))).toBe('significant B');
    // … nor when earlier looks have used it up, nor against two rivals: 0.05 / 2.
    expect(winner(look({ A: [12, 200], B: [24, 200] }, { hours: 24, state: { alphaSpent: 0.03 } }))).toBe('inconclusive B');
    expect(winner(look({ A: [12, 200], B: [24, 200], C: [12, 200] }, { hours: 24 }))).toBe('inconclusive B');
  });

  it('comes five times in all, the last at the deadline', () => {
    const times: number[] = [];
    let state = { ...NEW };
    for (let hours = 4; ;) {
      times.push(hours);
      const verdict = look({ A: [20, 200], B: [21, 200] }, { hours, state });
      if (verdict.kind === 'decided') break;
      expect(verdict.deadline).toEqual(at(24));
      state = verdict;
      hours = (verdict.nextLookAt.getTime() - T0.getTime()) / HOUR;
    }
    expect(times).toEqual([4, 9, 14, 19, 24]);
    expect(state.alphaSpent).toBeLessThan(0.05);
  });

  it('looks once, with all of the chance, where both durations are the same', () => {
    const test = { maxDuration: TEST.minDuration };
    expect(winner(look({ A: [12, 200], B: [24, 200] }, { test }))).toBe('significant B');
    expect(winner(look({ A: [12, 200], B: [13, 200] }, { test }))).toBe('inconclusive B');
  });

  it('begins anew while no message has left: quiet hours must not end a test', () => {
    expect(look({ A: [0, 0], B: [0, 0] }, { hours: 24, waiting: true })).toMatchObject({
      kind: 'continue',
      startedAt: at(24),
      deadline: at(48),
      nextLookAt: at(24.25),
    });
  });
});

describe('a test that ends without a winner', () => {
  const end = { hours: 24 };

  it.each([
    ['best', 'inconclusive B'],
    ['control', 'inconclusive A'],
    ['keep_weights', 'inconclusive null'],
  ] as const)('follows the policy "%s"', (inconclusive, expected) => {
    expect(winner(look({ A: [20, 200], B: [21, 200] }, { ...end, test: { inconclusive } }))).toBe(expected);
  });

  it('takes the control where nothing speaks for another, and says what was missing', () => {
    expect(winner(look({ A: [0, 0], B: [0, 0] }, end))).toBe('inconclusive A');
    expect(winner(look({ A: [20, 200], B: [20, 200] }, end))).toBe('inconclusive A');
    expect(look({ A: [20, 200], B: [3, 12] }, end)).toMatchObject({
      reason: '"B" had reached 12 of the 100 people it needs when the test ended. By the policy "best" the others get "B".',
    });
  });
});

/** A seeded generator (Park–Miller), so that the simulation is the same every time. */
function seeded(seed: number): () => number {
  return () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
}

describe('a test of equal variants', () => {
  it('names a false winner no more often than it promises, over all looks and three variants', () => {
    const random = seeded(20_300_107);
    const RUNS = 1_000;
    let wrong = 0;
    for (let run = 0; run < RUNS; run++) {
      const counts: Record<string, [number, number]> = { A: [0, 0], B: [0, 0], C: [0, 0] };
      let state = { ...NEW };
      for (const hours of [4, 9, 14, 19, 24]) {
        for (const arm of Object.values(counts)) {
          for (let i = 0; i < 100; i++) if (random() < 0.2) arm[0]++;
          arm[1] += 100;
        }
        const verdict = look(counts, { hours, state });
        if (verdict.kind === 'continue') state = verdict;
        else if (verdict.outcome === 'significant') wrong++;
        if (verdict.kind === 'decided') break;
      }
    }
    // 5 % are promised; three standard errors above that would be 7.1 %.
    expect(wrong / RUNS).toBeLessThan(0.05);
  });
});
