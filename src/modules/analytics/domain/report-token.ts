import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** What the link lets whoever has it see, and until when. */
export interface ReportGrant {
  tenantId: string;
  campaignId: string;
  expiresAt: Date;
}

const HEX = /^[0-9a-f]{32}$/;
const MAC = 32;
const BODY = 38;

/** `secrets[0]` signs; all of them verify, so that links outlive a rotation. A token is base64url of tenant · campaign · expiry (s, 6 B) · HMAC-SHA256. */
export function signReport(secrets: readonly string[], { tenantId, campaignId, expiresAt }: ReportGrant): string {
  const body = Buffer.alloc(BODY);
  Buffer.from(tenantId.replaceAll('-', ''), 'hex').copy(body, 0);
  Buffer.from(campaignId.replaceAll('-', ''), 'hex').copy(body, 16);
  body.writeUIntBE(Math.floor(expiresAt.getTime() / 1000), 32, 6);
  return Buffer.concat([body, mac(secrets[0], body)]).toString('base64url');
}

/** Null unless one of the secrets signed it and it has not expired. */
export function readReport(secrets: readonly string[], token: string, now: Date): ReportGrant | null {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== BODY + MAC || bytes.toString('base64url') !== token) return null;
  const body = bytes.subarray(0, BODY);
  if (!secrets.some((secret) => timingSafeEqual(mac(secret, body), bytes.subarray(BODY)))) return null;
  const expiresAt = new Date(body.readUIntBE(32, 6) * 1000);
  if (expiresAt <= now) return null;
  return { tenantId: uuid(body.subarray(0, 16)), campaignId: uuid(body.subarray(16, 32)), expiresAt };
}

function mac(secret: string, body: Buffer): Buffer {
  const key = Buffer.from(hkdfSync('sha256', secret, 'campaign-engine', 'report-links', 32));
  return createHmac('sha256', key).update(body).digest();
}

function uuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  if (!HEX.test(hex)) throw new Error('An id has 16 bytes');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
