import { verify, type KeyObject } from 'node:crypto';

/** What a signed call carries: the two headers as they came, and the bytes of the body before anything has parsed them. */
export interface SignedCall {
  signature: string | undefined;
  timestamp: string | undefined;
  body: Buffer;
}

export type SignatureFault = 'missing' | 'malformed_timestamp' | 'too_old' | 'in_future' | 'wrong';

/** SendGrid repeats a call for a day, and whether a repetition is signed anew is nowhere promised. What is old is deduplicated, not refused. */
export const OLDEST_SECONDS = 25 * 3600;
export const FUTURE_SECONDS = 5 * 60;

/**
 * ECDSA P-256 with SHA-256 over timestamp and body, as SendGrid's Event Webhook signs. Null if genuine. Never throws, whatever it is given.
 *
 * Nothing separates the timestamp from the body, so a digit can be shifted from one to the other without breaking the signature: only the
 * demand for exactly ten digits (seconds, until the year 2286) closes that.
 */
export function signatureFault(call: SignedCall, key: KeyObject, now: Date): SignatureFault | null {
  const { signature, timestamp, body } = call;
  if (!signature || !timestamp) return 'missing';
  if (!/^\d{10}$/.test(timestamp)) return 'malformed_timestamp';
  const age = now.getTime() / 1000 - Number(timestamp);
  if (age > OLDEST_SECONDS) return 'too_old';
  if (age < -FUTURE_SECONDS) return 'in_future';
  try {
    const data = Buffer.concat([Buffer.from(timestamp), body]);
    return verify('sha256', data, key, Buffer.from(signature, 'base64')) ? null : 'wrong';
  } catch {
    return 'wrong';
  }
}
