import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const PATTERN = /^ce_([\w-]{43})_([\w-]{43})$/;

/** What a key says about itself; true only once its hash has been compared. */
export interface KeyClaim {
  tenantId: string;
  keyId: string;
}

/**
 * A new key: `ce_<whose>_<secret>`. `whose` is the base64url of the tenant's and the key's id, so that it can be looked up within its tenant;
 * `secret` is 32 random bytes, which no dictionary holds, so that one round of SHA-256 protects it at rest.
 */
export function newApiKey({ tenantId, keyId }: KeyClaim): string {
  const whose = Buffer.concat([uuidBytes(tenantId), uuidBytes(keyId)]).toString('base64url');
  return `ce_${whose}_${randomBytes(32).toString('base64url')}`;
}

/** Reads whose a key claims to be; null if it has not the form of a key. */
export function parseApiKey(key: string): KeyClaim | null {
  const match = PATTERN.exec(key);
  if (!match) return null;
  const ids = Buffer.from(match[1], 'base64url');
  // 43 characters carry two bits more than 32 bytes: only one spelling of a key is a key.
  if (ids.length !== 32 || ids.toString('base64url') !== match[1]) return null;
  return { tenantId: uuidText(ids.subarray(0, 16)), keyId: uuidText(ids.subarray(16)) };
}

export function hashApiKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** Compares in constant time. */
export function isSameHash(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** What people may see of a key: `…x7Qz`. */
export function hintOf(key: string): string {
  return `…${key.slice(-4)}`;
}

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
