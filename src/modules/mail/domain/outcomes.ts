import { UnsendableMessageError } from '../mail.errors.js';
import type { SendOutcome } from '../mail.types.js';

const DETAIL_LIMIT = 500;

/** One line of at most 500 characters: it is stored with the ledger row and shown to people. */
export function shorten(detail: string): string {
  const line = detail.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return line.length > DETAIL_LIMIT ? `${line.slice(0, DETAIL_LIMIT - 1)}…` : line;
}

export const accepted = (providerMessageId: string | null): SendOutcome => ({ kind: 'accepted', providerMessageId });
export const retryMessage = (reason: string, detail: string): SendOutcome => ({
  kind: 'retry',
  reason,
  detail: shorten(detail),
  scope: 'message',
});
export const retryAccount = (reason: string, detail: string, retryAfterMs?: number): SendOutcome => ({
  kind: 'retry',
  reason,
  detail: shorten(detail),
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  scope: 'account',
});
export const failed = (reason: string, detail: string): SendOutcome => ({ kind: 'failed', reason, detail: shorten(detail) });
export const hardBounce = (reason: string, detail: string): SendOutcome => ({
  kind: 'failed',
  reason,
  detail: shorten(detail),
  suppress: true,
});
export const unknown = (reason: string, detail: string): SendOutcome => ({ kind: 'unknown', reason, detail: shorten(detail) });

/** Before anything was sent: the message itself is at fault, or else our own code; neither gets better by trying again. */
export function notSendable(error: unknown): SendOutcome {
  const reason = error instanceof UnsendableMessageError ? 'unsendable_message' : 'invalid_message';
  return failed(reason, error instanceof Error ? error.message : String(error));
}

/** No connection came free in time, or the provider is shutting down: the message was never touched. */
export const notStarted = (why: string): SendOutcome => retryAccount('not_started', why);
