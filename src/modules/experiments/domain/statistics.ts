/** The numbers behind A/B tests: pure, deterministic, right to at least seven digits for up to ten million trials (to ten for thousands). */

const SQRT_PI = Math.sqrt(Math.PI);
const SQRT_2 = Math.SQRT2;

/** erf by its series of positive terms (DLMF 7.6.2); for |x| up to 3. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / SQRT_PI) * Math.exp(-x * x) * sum;
}

/** erfc by its continued fraction (DLMF 7.9.1), from the inside out; for x from 3 on. */
function erfcFraction(x: number): number {
  let tail = 0;
  for (let n = 80; n >= 1; n--) tail = n / 2 / (x + tail);
  return Math.exp(-x * x) / SQRT_PI / (x + tail);
}

function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  return x < 3 ? 1 - erfSeries(x) : erfcFraction(x);
}

/** Distribution function of the standard normal. */
export function normalCdf(z: number): number {
  return erfc(-z / SQRT_2) / 2;
}

export interface ProportionTest {
  z: number;
  /** Two-sided. */
  p: number;
}

/**
 * The pooled two-proportion z-test, equal to Pearson's chi-square test of the 2 × 2 table without continuity correction (z² = χ²). Null where it
 * does not apply: a cell of the table is expected to hold fewer than 5 (Cochran's rule).
 */
export function twoProportionTest(x1: number, n1: number, x2: number, n2: number): ProportionTest | null {
  if (n1 === 0 || n2 === 0) return null;
  const pooled = (x1 + x2) / (n1 + n2);
  if (Math.min(n1, n2) * Math.min(pooled, 1 - pooled) < 5) return null;
  const z = (x1 / n1 - x2 / n2) / Math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2));
  return { z, p: erfc(Math.abs(z) / SQRT_2) };
}

/** ln Γ(x) for x > 0 by Stirling's series, after moving x up to where six terms are enough (DLMF 5.11.1). */
export function lnGamma(x: number): number {
  let shift = 0;
  for (; x < 12; x++) shift += Math.log(x);
  const y = 1 / (x * x);
  const series = (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y * (1 / 1188 - (y * 691) / 360360))))) / x;
  return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series - shift;
}

function lnBeta(a: number, b: number): number {
  return lnGamma(a) + lnGamma(b) - lnGamma(a + b);
}

export function betaPdf(x: number, a: number, b: number): number {
  if (x < 0 || x > 1) return 0;
  // 0 · ln 0 is 0 here: a uniform distribution has a density at its ends.
  const left = a === 1 ? 0 : (a - 1) * Math.log(x);
  const right = b === 1 ? 0 : (b - 1) * Math.log1p(-x);
  return Math.exp(left + right - lnBeta(a, b));
}

/** The regularized incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22) evaluated by Lentz's method. */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - betaCdf(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - lnBeta(a, b)) / a;
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return Math.min(1, front * fraction);
}

/** Lentz's method must not divide by 0. */
function away(value: number): number {
  return Math.abs(value) < 1e-300 ? 1e-300 : value;
}

/** The x with I_x(a, b) = p, by bisection. */
export function betaQuantile(p: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (betaCdf(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** What is known of a rate: successes among trials. */
export interface Trials {
  successes: number;
  trials: number;
}

/** The rate's distribution after these trials, where every rate was equally likely before. */
function posterior({ successes, trials }: Trials): [a: number, b: number] {
  return [successes + 1, trials - successes + 1];
}

/** The interval the rate lies in with this probability, as much of it below as above. */
export function credibleInterval(trials: Trials, probability = 0.95): { low: number; high: number } {
  const [a, b] = posterior(trials);
  const tail = (1 - probability) / 2;
  return { low: betaQuantile(tail, a, b), high: betaQuantile(1 - tail, a, b) };
}

/** Nodes and weights of the Gauss–Legendre rule of eight points on [-1, 1]. */
const NODES = [0.1834346424956498, 0.525532409916329, 0.7966664774136267, 0.9602898564975363];
const WEIGHTS = [0.362683783378362, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763];
/** Where the range is cut, in standard deviations from each mean: close where the density bends, far out where a skewed one has its tail. */
const CUTS = [0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 16, 20, 26, 32];
/** Intervals with less mass than this add nothing. */
const NOTHING = 1e-13;

/**
 * For each, the probability that its rate is the highest: the integral of its density times the distribution functions of all others. All
 * integrals share their nodes, so that every distribution function is evaluated once at each. Adds up to 1.
 */
export function probabilitiesToBeBest(variants: readonly Trials[]): number[] {
  const posteriors = variants.map(posterior);
  const best = posteriors.map(() => 0);
  const cuts = cutsOf(posteriors);
  for (let i = 1; i < cuts.length; i++) {
    const half = (cuts[i] - cuts[i - 1]) / 2;
    const middle = cuts[i - 1] + half;
    for (const [n, node] of NODES.entries()) {
      for (const x of [middle - half * node, middle + half * node]) addAt(x, half * WEIGHTS[n], posteriors, best);
    }
  }
  const sum = best.reduce((total, value) => total + value, 0);
  return best.map((value) => value / sum);
}

function cutsOf(posteriors: readonly [a: number, b: number][]): number[] {
  const all = posteriors.flatMap(([a, b]) => {
    const mean = a / (a + b);
    const deviation = Math.sqrt((mean * (1 - mean)) / (a + b + 1));
    return CUTS.flatMap((cut) => [mean - cut * deviation, mean + cut * deviation]);
  });
  return [...new Set([0, 1, ...all.filter((x) => x > 0 && x < 1)])].sort((x, y) => x - y);
}

function addAt(x: number, weight: number, posteriors: readonly [a: number, b: number][], best: number[]): void {
  const densities = posteriors.map(([a, b]) => betaPdf(x, a, b) * weight);
  if (densities.every((mass) => mass < NOTHING)) return;
  const below = posteriors.map(([a, b]) => betaCdf(x, a, b));
  for (const [i, mass] of densities.entries()) best[i] += below.reduce((product, value, j) => (j === i ? product : product * value), mass);
}
