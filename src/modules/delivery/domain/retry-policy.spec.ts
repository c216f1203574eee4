import fc from 'fast-check';
import type { Random } from '../../../shared/random.js';
import { backoffMs, judge, RETRY, type Outcome } from './retry-policy.js';

const fixed = (value: number): Random => ({ next: () => value });
const now = new Date('2030-01-01T00:00:00Z');
const retry = (scope: 'message' | 'account', retryAfterMs?: number): Outcome => ({
  kind: 'retry',
  reason: 'busy',
  detail: 'later',
  scope,
  retryAfterMs,
});
const young = (attempts: number) => ({ attempts, firstAt: now });

describe('trying again', () => {
  it('waits 30 s, 1 min, 2 min … an hour, give or take a fifth: a provider in trouble is not hammered', () => {
    expect([1, 2, 3, 8, 20].map((n) => backoffMs(n, fixed(0.5)))).toEqual([30_000, 60_000, 120_000, 3_600_000, 3_600_000]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempts, r) => {
        const nominal = Math.min(RETRY.baseMs * 2 ** (attempts - 1), RETRY.capMs);
        const wait = backoffMs(attempts, fixed(r));
        expect(wait).toBeGreaterThanOrEqual(Math.floor(nominal * 0.8));
        expect(wait).toBeLessThanOrEqual(Math.ceil(nominal * 1.2));
      }),
    );
  });

  it('honours a longer Retry-After', () => {
    const verdict = judge(retry('message', 600_000), young(1), now, fixed(0.5));
    expect(verdict).toMatchObject({ status: 'queued', isAttempt: true, dueAt: new Date(now.getTime() + 600_000) });
  });

  it('ends after eight attempts or a day, with the last reason: no message circles for ever', () => {
    expect(judge(retry('message'), young(7), now, fixed(0.5)).status).toBe('queued');
    expect(judge(retry('message'), young(8), now, fixed(0.5))).toMatchObject({
      status: 'failed',
      reason: 'retries_exhausted',
      detail: expect.stringContaining('busy') as string,
    });
    const yesterday = { attempts: 2, firstAt: new Date(now.getTime() - RETRY.maxAgeMs) };
    expect(judge(retry('message'), yesterday, now, fixed(0.5))).toMatchObject({ status: 'failed', reason: 'retries_exhausted' });
    expect(judge(retry('account'), yesterday, now, fixed(0.5)).status).toBe('queued');
    const lastWeek = { attempts: 1, firstAt: new Date(now.getTime() - RETRY.maxAccountAgeMs) };
    expect(judge(retry('account'), lastWeek, now, fixed(0.5))).toMatchObject({ status: 'failed', reason: 'retries_exhausted' });
  });

  it('gives the attempt back when the account was at fault: a throttled campaign loses no message', () => {
    expect(judge(retry('account'), young(8), now, fixed(0.5))).toMatchObject({ status: 'queued', isAttempt: false });
  });

  it('never repeats what may have been handed over', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), (attempts) => {
        const verdict = judge({ kind: 'unknown', reason: 'timeout', detail: '' }, young(attempts), now, fixed(0.5));
        expect(verdict.status).toBe('unknown');
      }),
    );
  });
});
