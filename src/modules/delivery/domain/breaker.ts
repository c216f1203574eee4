import type { Outcome } from './retry-policy.js';

/** Opens at half of so many messages failing within the window, or at once when the account is refused. */
export const BREAKER = { windowSeconds: 30, minAttempts: 20, failureShare: 0.5, firstRetrySeconds: 5, longestRetrySeconds: 60 } as const;

/** The way to the provider is broken, whatever the message. Throttling is not: the account works and says so. */
const TRANSPORT_ERRORS: ReadonlySet<string> = new Set(['connection_failed', 'dns_failed', 'tls_failed', 'timeout', 'unavailable']);
const ACCOUNT_FAULT = 'account_fault';

export interface Tally {
  ok: number;
  failed: number;
  /** The provider refused the account: no further message has a chance. */
  isRefused: boolean;
  reason: string | null;
  detail: string | null;
}

/** What outcomes say about the account. Whatever the provider itself answered, a refusal of the message too, proves that it is there. */
export function tally(outcomes: Outcome[]): Tally {
  const result: Tally = { ok: 0, failed: 0, isRefused: false, reason: null, detail: null };
  for (const outcome of outcomes) {
    const reason = outcome.kind === 'retry' || outcome.kind === 'unknown' ? outcome.reason : null;
    const isFault = reason === ACCOUNT_FAULT;
    if (reason === null || !(isFault || TRANSPORT_ERRORS.has(reason))) {
      result.ok++;
      continue;
    }
    result.failed++;
    result.isRefused ||= isFault;
    if (result.reason === null || isFault) Object.assign(result, { reason, detail: 'detail' in outcome ? outcome.detail : null });
  }
  return result;
}
