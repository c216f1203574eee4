import fc from 'fast-check';

/** The nightly size: PROPERTY_RUNS, see property-runs.js; 0 by day. */
function nightly(): number {
  return fc.readConfigureGlobal().numRuns ?? 0;
}

/** How many cases a property checks for which the usual hundred are too few: so many, or the nightly size where that is more. */
export function atLeast(cases: number): number {
  return Math.max(cases, nightly());
}

/** By day always the same cases, so that a slow property fails for a reason; new ones every night. */
export function seedByDay(seed: number): number | undefined {
  return nightly() > 0 ? undefined : seed;
}
