import { type Attempt, MAX_ATTEMPTS, retryAfterOf, verdictOf } from './retry.js';

const attempt = (over: Partial<Attempt>): Attempt => ({ status: null, error: null, isRefused: false, retryAfterMs: null, ...over });

describe('what follows from an attempt to deliver', () => {
  it('takes 2xx for delivered and everything else, redirects too, for a failure', () => {
    for (const status of [200, 202, 204, 299]) expect(verdictOf(attempt({ status }), 1, 0)).toEqual({ kind: 'delivered' });
    for (const status of [199, 301, 400, 404, 429, 500, null]) expect(verdictOf(attempt({ status }), 1, 0).kind).toBe('retry');
  });

  it('waits longer each time and ends after some days', () => {
    const pauses: number[] = [];
    for (let attempts = 1; attempts < MAX_ATTEMPTS; attempts++) {
      const verdict = verdictOf(attempt({ status: 500 }), attempts, 0);
      if (verdict.kind === 'retry') pauses.push(verdict.pauseMs / 1000);
    }
    expect(pauses.slice(0, 7)).toEqual([5, 30, 300, 1800, 7200, 18_000, 36_000]);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses.reduce((sum, s) => sum + s) / 86_400).toBeLessThan(4);
    expect(verdictOf(attempt({ status: 500 }), MAX_ATTEMPTS, 0)).toEqual({ kind: 'failed' });
  });

  it('spreads the retries of many by at most a fifth', () => {
    expect(verdictOf(attempt({ status: 500 }), 1, 0.999)).toEqual({ kind: 'retry', pauseMs: 5999 });
  });

  it('waits as long as the receiver asks, up to a day', () => {
    expect(verdictOf(attempt({ status: 429, retryAfterMs: 60_000 }), 1, 0)).toEqual({ kind: 'retry', pauseMs: 60_000 });
    expect(verdictOf(attempt({ status: 503, retryAfterMs: 900_000_000 }), 1, 0)).toEqual({ kind: 'retry', pauseMs: 86_400_000 });
    expect(verdictOf(attempt({ status: 429, retryAfterMs: 1_000 }), 2, 0)).toEqual({ kind: 'retry', pauseMs: 30_000 });
    expect([retryAfterOf('120'), retryAfterOf('soon'), retryAfterOf(['1', '2']), retryAfterOf(undefined)]).toEqual([
      120_000,
      null,
      null,
      null,
    ]);
  });

  it('does not try again where it may not go, or is not wanted', () => {
    expect(verdictOf(attempt({ isRefused: true, error: 'private' }), 1, 0)).toEqual({ kind: 'failed' });
    expect(verdictOf(attempt({ status: 410 }), 1, 0)).toEqual({ kind: 'gone' });
  });
});
