import fc from 'fast-check';
import { draw, takesPart, variantOf } from './assignment.js';

const CAMPAIGN = '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';
const contact = (i: number) => `0192f1de-7c00-7a55-8c6b-${i.toString(16).padStart(12, '0')}`;
const key = (i: number, stepId = 'step-1', campaignId = CAMPAIGN) => ({ campaignId, stepId, contactId: contact(i) });
const N = 20_000;

/** 0.999 quantiles of chi-square by degrees of freedom (NIST/SEMATECH e-Handbook, 1.3.6.7.4). */
const CHI2_999 = [0, 10.828, 13.816, 16.266, 18.467, 20.515, 22.458, 24.322, 26.124, 27.877];

function chiSquare(observed: number[], expected: number[]): number {
  return observed.reduce((sum, o, i) => sum + (o - expected[i]) ** 2 / expected[i], 0);
}

describe('who gets which variant', () => {
  it.each([[[1, 1]], [[1, 3]], [[50, 30, 20]], [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]], [[1, 99]]])(
    'keeps the weights %j, so that no variant is starved or favoured',
    (weights) => {
      const variants = weights.map((weight, i) => ({ id: `v${i}`, weight }));
      const counts = new Map(variants.map(({ id }) => [id, 0]));
      for (let i = 0; i < N; i++) {
        const id = variantOf(variants, key(i));
        counts.set(id, counts.get(id)! + 1);
      }
      const sum = weights.reduce((a, b) => a + b);
      const expected = weights.map((weight) => (N * weight) / sum);
      expect(chiSquare([...counts.values()], expected)).toBeLessThan(CHI2_999[weights.length - 1]);
    },
  );

  it.each([0.01, 0.2, 0.5, 0.9])('puts the share %p of the contacts into the test', (share) => {
    let inTest = 0;
    for (let i = 0; i < N; i++) if (takesPart(share, key(i))) inTest++;
    expect(chiSquare([inTest, N - inTest], [N * share, N * (1 - share)])).toBeLessThan(CHI2_999[1]);
  });

  it('draws the variants of the test share as evenly as those of all: taking part does not sway the variant', () => {
    const variants = [
      { id: 'a', weight: 1 },
      { id: 'b', weight: 1 },
    ];
    const members = Array.from({ length: N }, (_, i) => key(i)).filter((k) => takesPart(0.3, k));
    const a = members.filter((k) => variantOf(variants, k) === 'a').length;
    expect(chiSquare([a, members.length - a], [members.length / 2, members.length / 2])).toBeLessThan(CHI2_999[1]);
  });

  it('mixes anew at the next step and in a copy of the campaign: the same people are not always the test', () => {
    for (const other of [(i: number) => key(i, 'step-2'), (i: number) => key(i, 'step-1', contact(7))]) {
      let both = 0;
      for (let i = 0; i < N; i++) if (takesPart(0.5, key(i)) && takesPart(0.5, other(i))) both++;
      expect(chiSquare([both, N - both], [N / 4, (N * 3) / 4])).toBeLessThan(CHI2_999[1]);
    }
  });

  it('gives one contact the same at every attempt, and always one of the variants', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 2, maxLength: 10 });
    fc.assert(
      fc.property(weights, fc.uuid(), fc.uuid(), fc.uuid(), (drawn, campaignId, stepId, contactId) => {
        const variants = drawn.map((weight, i) => ({ id: `v${i}`, weight }));
        const k = { campaignId, stepId, contactId };
        const id = variantOf(variants, k);
        expect(variants.map((variant) => variant.id)).toContain(id);
        expect(variantOf(variants, { ...k })).toBe(id);
        expect(draw('share', k)).toBe(draw('share', { ...k }));
        expect(takesPart(1, k)).toBe(true);
      }),
    );
  });

  it('draws what it drew in earlier releases: another hash would move people who are in a test', () => {
    expect(draw('share', key(1))).toBeCloseTo(0.16116789340301452, 14);
    expect(draw('variant', key(1))).toBeCloseTo(0.15830851673381474, 14);
  });
});
