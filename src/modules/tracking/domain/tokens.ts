import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';

/**
 * Signed, compact capabilities for the public routes. A token is base64url of
 *
 *     version (1 B) · key id (1 B) · tenant (16 B) · email (16 B) [· contact (16 B)] · MAC (16 B)
 *
 * where the MAC is HMAC-SHA256 cut to 128 bits (RFC 2104 §5) over a domain label and everything before it. The label differs for tracking,
 * for dynamic links and for unsubscribing, so that a token of one kind is never valid as another. Tokens do not expire: mail is read years later.
 */
const VERSION = 1;
const MAC_BYTES = 16;
const LABEL = { track: 'ce/track/1\0', unsubscribe: 'ce/unsubscribe/1\0', link: 'ce/link/1\0', reply: 'ce/reply/1\0' } as const;
const REPLY_MAC_BYTES = 8;
const REPLY_BYTES = 32 + REPLY_MAC_BYTES;
/** 36 to the 62nd is just more than 2 to the 320th. */
const REPLY_DIGITS = 62;
const REPLY_ADDRESS = new RegExp(`(?<![\\w+.-])r\\+([0-9a-z]{${REPLY_DIGITS}})@`, 'gi');
type Label = (typeof LABEL)[keyof typeof LABEL];

export interface MessageRef {
  tenantId: string;
  emailId: string;
}

export interface UnsubscribeRef extends MessageRef {
  contactId: string;
}

/** What a click points at: a registered link, or an address that stands in the token itself and is signed with it. */
export type ClickRef = MessageRef & ({ linkId: string; url?: undefined } | { linkId?: undefined; url: string });

/** Keys by id. The newest signs; all of them verify, so that links in old mail outlive a rotation. */
export class TokenKeys {
  private readonly keys: ReadonlyMap<number, KeyObject>;

  /** `secrets[i]` gets key id `i`; the last one signs. */
  constructor(secrets: string[]) {
    if (secrets.length === 0 || secrets.length > 256) throw new Error('Tokens need between 1 and 256 secrets');
    this.keys = new Map(
      secrets.map((secret, kid) => [kid, createSecretKey(Buffer.from(hkdfSync('sha256', secret, 'campaign-engine', 'public-tokens', 32)))]),
    );
  }

  get signingKid(): number {
    return this.keys.size - 1;
  }

  /**
   * Whether one of the keys made this MAC (or the first bytes of it, as many as are given): the one that the token names, else any. Key ids are
   * positions, and those move when the oldest secret is retired.
   */
  verifies(label: Label, data: Buffer | string, mac: Buffer, kid = this.signingKid): boolean {
    const isMadeBy = (candidate: number): boolean => {
      const expected = this.mac(candidate, label, data)?.subarray(0, mac.length);
      return expected !== undefined && mac.length > 0 && sameMac(mac, expected);
    };
    return isMadeBy(kid) || [...this.keys.keys()].some((other) => other !== kid && isMadeBy(other));
  }

  mac(kid: number, label: Label, data: Buffer | string): Buffer | null {
    const key = this.keys.get(kid);
    return key ? createHmac('sha256', key).update(label).update(data).digest().subarray(0, MAC_BYTES) : null;
  }
}

export function signTracking(keys: TokenKeys, ref: MessageRef): string {
  return sign(keys, LABEL.track, [ref.tenantId, ref.emailId]);
}

export function signUnsubscribe(keys: TokenKeys, ref: UnsubscribeRef): string {
  return sign(keys, LABEL.unsubscribe, [ref.tenantId, ref.emailId, ref.contactId]);
}

/** A link whose address was made for this one message. `token` is what `signTracking` gave for it. */
export function signDynamicLink(keys: TokenKeys, token: string, url: string): string {
  const mac = keys.mac(keys.signingKid, LABEL.link, `${token}\0${url}`) as Buffer;
  return `${token}~${Buffer.from(url).toString('base64url')}~${mac.toString('base64url')}`;
}

export function readTracking(keys: TokenKeys, token: string): MessageRef | null {
  const ids = read(keys, LABEL.track, token, 2);
  return ids && { tenantId: ids[0], emailId: ids[1] };
}

export function readUnsubscribe(keys: TokenKeys, token: string): UnsubscribeRef | null {
  const ids = read(keys, LABEL.unsubscribe, token, 3);
  return ids && { tenantId: ids[0], emailId: ids[1], contactId: ids[2] };
}

/** Reads `<token>.<linkId>` and `<token>~<url>~<mac>`. A link id is only well-formed here; whether it exists the caller must ask. */
export function readClick(keys: TokenKeys, path: string): ClickRef | null {
  const registered = /^([\w-]+)\.([\w-]{11})$/.exec(path);
  if (registered) {
    const message = readTracking(keys, registered[1]);
    return message && { ...message, linkId: registered[2] };
  }
  const dynamic = /^([\w-]+)~([\w-]+)~([\w-]+)$/.exec(path);
  return dynamic ? readDynamic(keys, dynamic[1], dynamic[2], dynamic[3]) : null;
}

function readDynamic(keys: TokenKeys, token: string, encodedUrl: string, encodedMac: string): ClickRef | null {
  const message = readTracking(keys, token);
  const url = decode(encodedUrl)?.toString('utf8');
  const mac = decode(encodedMac);
  if (!message || url === undefined || !mac) return null;
  const isGenuine = mac.length === MAC_BYTES && keys.verifies(LABEL.link, `${token}\0${url}`, mac, Buffer.from(token, 'base64url')[1]);
  return isGenuine ? { ...message, url } : null;
}

/**
 * The part before the `@` of the address to which answers to one message go: `r+` and, in base 36, tenant, message and MAC. Mail systems do not
 * agree on whether case matters there, and 64 characters are all there is (RFC 5321 §4.5.3.1.1), so there is no room for a key id (all keys are
 * tried) and the MAC is cut to 64 bits: it is only ever checked by us, one guess at a time.
 */
export function signReply(keys: TokenKeys, { tenantId, emailId }: MessageRef): string {
  const ids = Buffer.concat([uuidBytes(tenantId), uuidBytes(emailId)]);
  const mac = (keys.mac(keys.signingKid, LABEL.reply, ids) as Buffer).subarray(0, REPLY_MAC_BYTES);
  return `r+${BigInt(`0x${Buffer.concat([ids, mac]).toString('hex')}`)
    .toString(36)
    .padStart(REPLY_DIGITS, '0')}`;
}

/** The message to which the first genuine reply address in `text` belongs, or null. */
export function readReply(keys: TokenKeys, text: string): MessageRef | null {
  for (const [, digits] of text.matchAll(REPLY_ADDRESS)) {
    const bytes = replyBytes(digits.toLowerCase());
    if (!bytes) continue;
    const ids = bytes.subarray(0, 32);
    if (keys.verifies(LABEL.reply, ids, bytes.subarray(32)))
      return { tenantId: uuidText(ids.subarray(0, 16)), emailId: uuidText(ids.subarray(16)) };
  }
  return null;
}

function replyBytes(digits: string): Buffer | null {
  let value = 0n;
  for (const digit of digits) value = value * 36n + BigInt(parseInt(digit, 36));
  const hex = value.toString(16).padStart(2 * REPLY_BYTES, '0');
  return hex.length === 2 * REPLY_BYTES ? Buffer.from(hex, 'hex') : null;
}

function sign(keys: TokenKeys, label: Label, ids: string[]): string {
  const kid = keys.signingKid;
  const body = Buffer.concat([Buffer.from([VERSION, kid]), ...ids.map(uuidBytes)]);
  return Buffer.concat([body, keys.mac(kid, label, body) as Buffer]).toString('base64url');
}

function read(keys: TokenKeys, label: Label, token: string, idCount: number): string[] | null {
  const bytes = decode(token);
  const length = 2 + 16 * idCount;
  if (bytes?.length !== length + MAC_BYTES || bytes[0] !== VERSION) return null;
  if (!keys.verifies(label, bytes.subarray(0, length), bytes.subarray(length), bytes[1])) return null;
  return Array.from({ length: idCount }, (_, i) => uuidText(bytes.subarray(2 + 16 * i, 18 + 16 * i)));
}

function sameMac(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Only the one canonical spelling of the bytes: with spare bits ignored, an altered last character would still be valid. */
function decode(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}

function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  if (bytes.length !== 16) throw new Error(`Not a UUID: ${uuid}`);
  return bytes;
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
