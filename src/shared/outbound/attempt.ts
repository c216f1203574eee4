import { OutboundRefused } from './outbound.errors.js';
import type { OutboundHttp } from './outbound-http.js';
import { type Attempt, retryAfterOf } from './retry.js';

export type TimedAttempt = Attempt & { durationMs: number };

export interface OutgoingMessage {
  url: string;
  headers: Record<string, string>;
  /** JSON. */
  body: string;
}

const TIMEOUT_MS = 10_000;

/** Nothing of an answer's body is kept; reading a little lets receivers finish it. */
const MAX_BYTES = 4_096;

/** Makes a message and posts it once. Never throws: what went wrong, in making it too, is the result. */
export async function attemptToPost(http: OutboundHttp, make: () => OutgoingMessage): Promise<TimedAttempt> {
  const startedAt = performance.now();
  const attempt = await post(http, make).catch((error: Error) => ({
    status: null,
    error: error.message.slice(0, 300),
    isRefused: error instanceof OutboundRefused,
    retryAfterMs: null,
  }));
  return { ...attempt, durationMs: Math.round(performance.now() - startedAt) };
}

async function post(http: OutboundHttp, make: () => OutgoingMessage): Promise<Attempt> {
  const { url, headers, body } = make();
  const request = { method: 'POST', body, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES } as const;
  const answer = await http.request(url, { ...request, headers: { 'content-type': 'application/json', ...headers } });
  return { status: answer.status, error: null, isRefused: false, retryAfterMs: retryAfterOf(answer.headers['retry-after']) };
}
