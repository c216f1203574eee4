import fc from 'fast-check';

// The nightly size: PROPERTY_RUNS=100000 (npm run test:nightly) for every property that does not name a size of its own; see property-size.ts.
const runs = Number(process.env.PROPERTY_RUNS ?? 0);
if (runs > 0) fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: runs });
