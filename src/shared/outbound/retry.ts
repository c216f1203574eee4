const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Pauses after the first, second … failed attempt: about three days in all (the schedule that Standard Webhooks recommends). */
const PAUSES_MS = [5 * SECOND, 30 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

export const MAX_ATTEMPTS = PAUSES_MS.length + 1;

const LONGEST_RETRY_AFTER_MS = 24 * HOUR;

export interface Attempt {
  /** Of the answer; null when none came. */
  status: number | null;
  /** Why no answer came; null when one did. */
  error: string | null;
  /** The address is not one that we go to: no later attempt would differ. */
  isRefused: boolean;
  /** What the answer asked for. */
  retryAfterMs: number | null;
}

/** `gone`: the receiver wants nothing any more. */
export type Verdict = { kind: 'delivered' } | { kind: 'retry'; pauseMs: number } | { kind: 'failed' } | { kind: 'gone' };

/** What follows from an attempt, `attempts` counting it. Any answer but 2xx is a failure, redirects too. `jitter` in [0, 1) spreads the retries. */
export function verdictOf({ status, isRefused, retryAfterMs }: Attempt, attempts: number, jitter: number): Verdict {
  if (status !== null && status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'gone' };
  if (isRefused || attempts >= MAX_ATTEMPTS) return { kind: 'failed' };
  const pause = PAUSES_MS[attempts - 1] * (1 + jitter * 0.2);
  return { kind: 'retry', pauseMs: Math.round(Math.max(pause, Math.min(retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS))) };
}

/** `Retry-After` in its form of seconds; anything else is as good as nothing. */
export function retryAfterOf(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^\d{1,6}$/.test(header.trim()) ? Number(header) * SECOND : null;
}
