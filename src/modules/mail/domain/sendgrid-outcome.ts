import type { SendOutcome } from '../mail.types.js';
import { accepted, failed, retryAccount, retryMessage, unknown } from './outcomes.js';

/** What came of one HTTP request. `written` says whether the request had begun to leave for the server. */
export type HttpResult =
  | { kind: 'response'; status: number; headers: Record<string, string | string[] | undefined>; body: string }
  | { kind: 'error'; written: boolean; timedOut: boolean; code: string; message: string };

const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/** The retry table for SendGrid's `POST /v3/mail/send`; `now` turns absolute reset times into a wait. */
export function classifySendGrid(result: HttpResult, now: Date): SendOutcome {
  if (result.kind === 'error') {
    if (result.written) {
      const reason = result.timedOut ? 'timeout_after_request' : 'connection_lost_after_request';
      return unknown(reason, `No answer to a request that may have arrived: ${result.message}`);
    }
    return retryMessage(result.timedOut ? 'timeout' : 'connection_failed', `${result.code} ${result.message}`);
  }
  const { status } = result;
  if (status >= 200 && status < 300) return accepted(first(result.headers['x-message-id']) ?? null);
  const detail = describe(status, result.body);
  if (status === 429) return retryAccount('throttled', detail, retryAfterMs(result.headers, now));
  if (status === 408 || status === 503) return retryMessage('unavailable', detail);
  if (status >= 500) return unknown('server_error', detail);
  if (status === 400 || status === 413 || status === 422) return failed('rejected', detail);
  // 401, 402, 403: key, bill, permission. Anything else (a redirect, 404, 405 …) means that the address of the API is wrong. No message's fault.
  return retryAccount('account_fault', detail);
}

function describe(status: number, body: string): string {
  return `HTTP ${status}: ${errorMessages(body) ?? body.slice(0, 200)}`;
}

/** SendGrid answers `{ "errors": [{ "message", "field", "help" }] }`. */
function errorMessages(body: string): string | null {
  try {
    const parsed: unknown = JSON.parse(body);
    const errors = (parsed as { errors?: unknown } | null)?.errors;
    if (!Array.isArray(errors)) return null;
    return errors
      .map((e: { message?: unknown; field?: unknown }) => [e?.field, e?.message].filter((v) => typeof v === 'string').join(': '))
      .join('; ');
  } catch {
    return null;
  }
}

/** Retry-After (RFC 9110 §10.2.3: seconds or a date), else X-RateLimit-Reset (Unix seconds). */
function retryAfterMs(headers: Record<string, string | string[] | undefined>, now: Date): number | undefined {
  const retryAfter = first(headers['retry-after'])?.trim();
  if (retryAfter !== undefined && /^\d{1,9}$/.test(retryAfter)) return clamp(Number(retryAfter) * 1_000);
  const date = retryAfter === undefined ? NaN : Date.parse(retryAfter);
  if (!Number.isNaN(date)) return clamp(date - now.getTime());
  const reset = first(headers['x-ratelimit-reset'])?.trim();
  if (reset !== undefined && /^\d{1,12}$/.test(reset)) return clamp(Number(reset) * 1_000 - now.getTime());
  return undefined;
}

const clamp = (ms: number): number => Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);
