import fc from 'fast-check';

// The nightly size: PROPERTY_RUNS=100000 (npm run test:nightly) for every property that does not name a size of its own; see property-size.ts.
const runs = Number(process.env.PROPERTY_RUNS ?? 0);
if (runs > 0) fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: runs });

// The seed that a failure named, to see it again: PROPERTY_SEED=123.
if (process.env.PROPERTY_SEED) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.PROPERTY_SEED) });
