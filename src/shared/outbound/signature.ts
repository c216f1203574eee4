import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;
/** The bounds that Standard Webhooks sets. */
const LEAST_BYTES = 24;
const MOST_BYTES = 64;

/** A new secret as receivers configure it: `whsec_` and the base64 of its bytes (Standard Webhooks, "Symmetric"). */
export function newWebhookSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** What is wrong with a secret that somebody else has made, or null. */
export function signingSecretFault(secret: unknown): string | null {
  const encoded = typeof secret === 'string' && secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : '';
  const bytes = Buffer.from(encoded, 'base64');
  const isBase64 = bytes.toString('base64').replace(/=+$/, '') === encoded.replace(/=+$/, '');
  if (isBase64 && bytes.length >= LEAST_BYTES && bytes.length <= MOST_BYTES) return null;
  return `is "${PREFIX}" followed by ${LEAST_BYTES} to ${MOST_BYTES} random bytes in base64 (a secret of Standard Webhooks)`;
}

export interface SignedMessage {
  /** Stays the same when the message is tried or sent again: receivers tell repetitions by it. */
  id: string;
  sentAt: Date;
  body: string;
}

/**
 * The headers of Standard Webhooks 1.0: an HMAC-SHA256 over `id.timestamp.body` for each secret, so that a receiver that knows only the older or
 * only the newer one accepts the message. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signatureHeaders({ id, sentAt, body }: SignedMessage, secrets: readonly string[]): Record<string, string> {
  const timestamp = String(Math.floor(sentAt.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
