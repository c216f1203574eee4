import fc from 'fast-check';
import { seededFraction, weightedIndex } from './seeded.js';

describe('seeded draws', () => {
  it('put the same contact on the same branch for ever', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (step, contact) => {
        const fraction = seededFraction(step, contact);
        expect(fraction).toBeGreaterThanOrEqual(0);
        expect(fraction).toBeLessThan(1);
        expect(seededFraction(step, contact)).toBe(fraction);
      }),
    );
  });

  it('give each branch its share, and none to a branch without weight', () => {
    const weights = [10, 0, 30, 60];
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) counts[weightedIndex(weights, seededFraction('step', String(i)))] += 1;
    expect(counts[1]).toBe(0);
    for (const [index, count] of counts.entries()) expect(Math.abs(count / 20_000 - weights[index] / 100)).toBeLessThan(0.02);
  });

  it('fall on a branch that has a share wherever they fall', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(100), { minLength: 1, maxLength: 9 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (weights, at) => {
          fc.pre(weights.some((weight) => weight > 0));
          expect(weights[weightedIndex(weights, at)]).toBeGreaterThan(0);
        },
      ),
    );
  });
});
