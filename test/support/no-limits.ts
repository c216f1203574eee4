/** For whoever calls the API faster than any client may: tests, benchmarks, faults. What limits do is tested in `http-limits.e2e-spec.ts`. */
export const NO_LIMITS = {
  RATE_LIMIT_PER_MINUTE: '0',
  RATE_LIMIT_FAILURES_PER_MINUTE: '0',
  RATE_LIMIT_LAUNCHES_PER_MINUTE: '0',
  RATE_LIMIT_IMPORTS_PER_HOUR: '0',
  RATE_LIMIT_TEST_SENDS_PER_HOUR: '0',
};
