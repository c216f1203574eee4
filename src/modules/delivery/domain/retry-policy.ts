import type { Random } from '../../../shared/random.js';

/** What a provider said about one message; the shape of `mail`'s SendOutcome. */
export type Outcome =
  | { kind: 'accepted'; providerMessageId: string | null }
  | { kind: 'retry'; reason: string; detail: string; retryAfterMs?: number; scope: 'message' | 'account' }
  | { kind: 'failed'; reason: string; detail: string; suppress?: boolean }
  | { kind: 'unknown'; reason: string; detail: string };

/** The row as it was fired; `attempts` includes the attempt that has just ended. */
export interface Attempt {
  attempts: number;
  /** When the first attempt began: waiting before it (a pause, a long queue) is no failure. */
  firstAt: Date;
}

/** What becomes of the row. `isAttempt: false` gives the attempt back, because the message was not at fault. */
export type Verdict =
  | { status: 'sent'; providerMessageId: string | null }
  | { status: 'queued'; reason: string; detail: string; dueAt: Date; isAttempt: boolean }
  | { status: 'failed'; reason: string; detail: string; suppress: boolean }
  | { status: 'unknown'; reason: string; detail: string };

export const RETRY = {
  baseMs: 30_000,
  capMs: 3_600_000,
  jitter: 0.2,
  maxAttempts: 8,
  maxAgeMs: 24 * 3_600_000,
  /** A throttled account may need days for a large campaign; an end there must be, for what looks like the account's fault may be the message's. */
  maxAccountAgeMs: 7 * 24 * 3_600_000,
} as const;

/** 30 s · 2ⁿ ± 20 %, at most an hour (before jitter). `attempts` counts from 1. */
export function backoffMs(attempts: number, random: Random): number {
  const nominal = Math.min(RETRY.baseMs * 2 ** (attempts - 1), RETRY.capMs);
  return Math.round(nominal * (1 + RETRY.jitter * (2 * random.next() - 1)));
}

/**
 * Turns the provider's answer into the row's next state. Definite failures are tried again at most eight times within 24 hours; an ambiguous
 * one never is. Throttling and account faults use up no attempt and may last a week.
 */
export function judge(outcome: Outcome, attempt: Attempt, now: Date, random: Random): Verdict {
  if (outcome.kind === 'accepted') return { status: 'sent', providerMessageId: outcome.providerMessageId };
  const { reason, detail } = outcome;
  if (outcome.kind === 'unknown') return { status: 'unknown', reason, detail };
  if (outcome.kind === 'failed') return { status: 'failed', reason, detail, suppress: outcome.suppress ?? false };
  const isAttempt = outcome.scope === 'message';
  const wait = isAttempt ? backoffMs(attempt.attempts, random) : backoffMs(1, random);
  const dueAt = new Date(now.getTime() + Math.max(wait, outcome.retryAfterMs ?? 0));
  const maxAgeMs = isAttempt ? RETRY.maxAgeMs : RETRY.maxAccountAgeMs;
  const isOld = dueAt.getTime() - attempt.firstAt.getTime() > maxAgeMs;
  if (isOld || (isAttempt && attempt.attempts >= RETRY.maxAttempts)) {
    const limit = isOld ? `${maxAgeMs / 3_600_000} hours` : `${RETRY.maxAttempts} attempts`;
    return {
      status: 'failed',
      reason: 'retries_exhausted',
      detail: `Given up after ${limit}; last: ${reason}: ${detail}`,
      suppress: false,
    };
  }
  return { status: 'queued', reason, detail, dueAt, isAttempt };
}
