import fc from 'fast-check';
import {
  betaCdf,
  betaPdf,
  betaQuantile,
  credibleInterval,
  lnGamma,
  normalCdf,
  probabilitiesToBeBest,
  twoProportionTest,
} from './statistics.js';

const of = (successes: number, trials: number) => ({ successes, trials });

describe('the normal distribution', () => {
  it.each([
    // NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.1.
    [0.5, 0.69146],
    [1.0, 0.84134],
    [1.28, 0.89973],
    [1.96, 0.975],
    [2.33, 0.9901],
    [4.0, 0.99997],
    [-1.96, 0.025],
  ])('at %p is %p, as published', (z, published) => {
    expect(normalCdf(z)).toBeCloseTo(published, 5);
  });

  it('keeps its digits far out, where significance is decided', () => {
    expect(normalCdf(-6) / 9.865876450377e-10).toBeCloseTo(1, 10);
    expect(normalCdf(-3 * Math.SQRT2) + normalCdf(3 * Math.SQRT2)).toBeCloseTo(1, 14);
  });
});

describe('the test of two proportions', () => {
  it('matches published results', () => {
    // influentialpoints.com, "Two-sample test for independent proportions - using R": prop.test(…, correct = FALSE) prints
    // X-squared = 6.1026, df = 1, p-value = 0.01350 for sample estimates 0.4392523 and 0.3046875.
    const published = twoProportionTest(94, 214, 39, 128)!;
    expect(published.z ** 2).toBeCloseTo(6.1026, 4);
    expect(published.p).toBeCloseTo(0.0135, 5);
    // Penn State, STAT 415, lesson 9.4 (cigarette tax: 351 of 605 against 41 of 195): Z = 8.99.
    expect(twoProportionTest(351, 605, 41, 195)!.z).toBeCloseTo(8.99, 2);
  });

  it('matches values computed with 30 digits', () => {
    expect(twoProportionTest(24, 200, 12, 200)).toEqual({ z: expect.closeTo(2.096569673, 8), p: expect.closeTo(0.03603168622, 9) });
    expect(twoProportionTest(351, 605, 41, 195)!.p / 2.566230446e-19).toBeCloseTo(1, 8);
  });

  it('does not apply where a cell expects fewer than five: a handful of clicks decides nothing', () => {
    expect(twoProportionTest(0, 0, 5, 10)).toBeNull();
    expect(twoProportionTest(9, 100, 0, 100)).toBeNull();
    expect(twoProportionTest(100, 100, 91, 100)).toBeNull();
    expect(twoProportionTest(10, 100, 0, 100)).not.toBeNull();
  });

  it('is the same seen from either side', () => {
    const arm = fc.tuple(fc.integer({ min: 100, max: 100_000 }), fc.double({ min: 0.1, max: 0.9, noNaN: true }));
    fc.assert(
      fc.property(arm, arm, ([n1, r1], [n2, r2]) => {
        const [x1, x2] = [Math.round(n1 * r1), Math.round(n2 * r2)];
        const [there, back] = [twoProportionTest(x1, n1, x2, n2)!, twoProportionTest(x2, n2, x1, n1)!];
        expect(there.z).toBeCloseTo(-back.z, 9);
        expect(there.p).toBeGreaterThanOrEqual(0);
        expect(there.p).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('the beta distribution', () => {
  it('matches published values', () => {
    // SciPy's reference, scipy.special.betainc: a, b, x = 1.4, 3.1, 0.5.
    expect(betaCdf(0.5, 1.4, 3.1)).toBeCloseTo(0.8148904036225295, 12);
    // Clopper and Pearson's interval for 0 of n is 1 - (α/2)^(1/n): the "rule of three" and its kin.
    expect(betaQuantile(0.975, 1, 100)).toBeCloseTo(1 - 0.025 ** (1 / 100), 10);
    expect(lnGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 12);
    expect(lnGamma(1e6)).toBeCloseTo(12815504.56914761, 6);
  });

  it.each([
    // Printed by R for the example of ?binom.test (Mendel's peas, Conover 1971), in R-help "binom.test" (12 of 50), and for two worked examples.
    [682, 925, 0.95, 0.7076683, 0.7654066],
    [12, 50, 0.9, 0.1447182, 0.3596557],
    [9, 24, 0.95, 0.1879929, 0.5940636],
    [1, 1497, 0.9, 3.426347e-5, 3.164954e-3],
  ])('has the quantiles of which R makes the exact interval of %p of %p at %p', (x, n, confidence, low, high) => {
    const tail = (1 - confidence) / 2;
    expect(betaQuantile(tail, x, n - x + 1) / low).toBeCloseTo(1, 6);
    expect(betaQuantile(1 - tail, x + 1, n - x) / high).toBeCloseTo(1, 6);
  });

  it('is what can be worked out by hand, also where there are a million and the rate is one in a hundred thousand', () => {
    for (const n of [1, 2, 7, 1_000_000]) {
      for (const x of [1e-9, 1e-5, 0.3, 1 - 1e-5]) {
        expect(betaCdf(x, 1, n) / -Math.expm1(n * Math.log1p(-x))).toBeCloseTo(1, 8);
        expect(Math.log(betaCdf(x, n, 1) || Number.MIN_VALUE)).toBeCloseTo(Math.max(n * Math.log(x), Math.log(Number.MIN_VALUE)), 8);
      }
    }
    // The law of the arcsine.
    for (const x of [1e-6, 0.02, 0.5, 0.9]) expect(betaCdf(x, 0.5, 0.5)).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(x)), 12);
    expect(betaCdf(0.5, 500_000.5, 500_000.5)).toBeCloseTo(0.5, 8);
    // Ten of a million, as SciPy's betaincinv has it.
    expect(betaQuantile(0.025, 11, 999_991) / 5.49116725544919e-6).toBeCloseTo(1, 8);
    expect(betaQuantile(0.975, 11, 999_991) / 1.83902605010552e-5).toBeCloseTo(1, 8);
  });

  it('is the tail of the binomial for whole numbers, added up term by term', () => {
    const wholes = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(wholes, wholes, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (a, b, x) => {
        const n = a + b - 1;
        let tail = 0;
        for (let k = a; k <= n; k++) {
          let term = 1;
          for (let i = 1; i <= k; i++) term *= ((n - k + i) / i) * x;
          tail += term * (1 - x) ** (n - k);
        }
        expect(betaCdf(x, a, b)).toBeCloseTo(tail, 10);
        // Far out the function is flat, and says little about x.
        if (tail > 1e-6 && tail < 1 - 1e-6) expect(betaQuantile(betaCdf(x, a, b), a, b)).toBeCloseTo(x, 5);
      }),
    );
  });

  it('has a density at its ends', () => {
    expect(betaPdf(0, 1, 1)).toBeCloseTo(1, 12);
    expect(betaPdf(1, 1, 1)).toBeCloseTo(1, 12);
    expect(betaPdf(0, 1, 21)).toBeCloseTo(21, 9);
    expect(betaPdf(0, 2, 3)).toBe(0);
  });
});

describe('a credible interval', () => {
  it.each([
    // Computed with 30 digits.
    [of(120, 1000), 0.101323419644, 0.141626999749],
    [of(145, 1000), 0.124556010405, 0.168200436466],
    [of(0, 50), 0.000496304407738, 0.0697770307495],
    [of(50, 50), 0.93022296925, 0.999503695592],
    [of(3, 7), 0.157012770487, 0.755136783633],
    [of(0, 0), 0.025, 0.975],
  ])('of %j is right', (trials, low, high) => {
    const interval = credibleInterval(trials);
    expect(interval.low).toBeCloseTo(low, 9);
    expect(interval.high).toBeCloseTo(high, 9);
  });
});

describe('the probability to be best', () => {
  it.each([
    // Computed with 20 digits by quadrature of another kind.
    [
      [of(120, 1000), of(145, 1000)],
      [0.04980309238, 0.9501969076],
    ],
    [
      [of(10, 100), of(12, 100), of(20, 110)],
      [0.03703713609, 0.1032114116, 0.8597514523],
    ],
    [
      [of(0, 20), of(1, 20)],
      [0.243902439, 0.756097561],
    ],
    // A wide one beside a narrow one.
    [
      [of(5, 50), of(600, 5000)],
      [0.4148072459, 0.5851927541],
    ],
  ])('of %j is right', (variants, expected) => {
    expect(probabilitiesToBeBest(variants)).toEqual(expected.map((value) => expect.closeTo(value, 6)));
  });

  it('agrees with the closed form for two (E. Miller, "Formulas for Bayesian A/B Testing", equation 6)', () => {
    const arm = fc.integer({ min: 1, max: 400 }).chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));
    fc.assert(
      fc.property(arm, arm, ([xa, na], [xb, nb]) => {
        const [a, b, c, d] = [xa + 1, na - xa + 1, xb + 1, nb - xb + 1];
        const lnB = (p: number, q: number) => lnGamma(p) + lnGamma(q) - lnGamma(p + q);
        let bBest = 0;
        for (let i = 0; i < c; i++) bBest += Math.exp(lnB(a + i, b + d) - Math.log(d + i) - lnB(1 + i, d) - lnB(a, b));
        const [, found] = probabilitiesToBeBest([of(xa, na), of(xb, nb)]);
        expect(found).toBeCloseTo(bBest, 6);
      }),
      { numRuns: 200 },
    );
  });

  it('is what can be worked out by hand for variants without a success: the race of exponential clocks', () => {
    for (const trials of [
      [20, 50, 300],
      [999_999, 2_999_999, 3_999_999],
    ]) {
      const [a, b, c] = trials.map((n) => n + 1);
      const first = 1 - a / (a + b) - a / (a + c) + a / (a + b + c);
      expect(probabilitiesToBeBest(trials.map((n) => of(0, n)))[0]).toBeCloseTo(first, 8);
      expect(probabilitiesToBeBest([of(0, trials[0]), of(0, trials[1])])[0]).toBeCloseTo(b / (a + b), 8);
    }
  });

  it.each([
    // The closed form, added up with 30 digits.
    [of(10, 1_000_000), of(20, 1_000_000), 0.03537668870475],
    [of(500_000, 1_000_000), of(501_000, 1_000_000), 0.07864959487718],
    [of(1, 1), of(1_000_000, 10_000_000), 0.98999997499999],
  ])('of %j beside %j is right: few successes, many, and a handful beside millions', (a, b, first) => {
    expect(probabilitiesToBeBest([a, b])[0]).toBeCloseTo(first, 7);
  });

  it('is shared evenly among equals, and quick for ten of half a million each', () => {
    const startedAt = performance.now();
    const ten = probabilitiesToBeBest(Array.from({ length: 10 }, () => of(50_000, 500_000)));
    for (const p of ten) expect(p).toBeCloseTo(0.1, 6);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
