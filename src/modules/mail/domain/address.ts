import { domainToASCII } from 'node:url';
import { UnsendableMessageError } from '../mail.errors.js';
import type { MailAddress } from '../mail.types.js';
import { assertSingleLine, encodeWords, isPrintableAscii } from './header-text.js';

const LINE = 76;
// RFC 5322 §3.2.3 atext, and anything outside ASCII (RFC 6532). No quotes, commas, brackets or spaces: nothing that could be a second address.
const LOCAL_PART = /^(?:[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]|[^\x00-\x9f])+$/;
const QUOTED_LOCAL_PART = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"$/;
const DOMAIN = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/;
const DOMAIN_LITERAL = /^\[[0-9A-Za-z:.]+\]$/;
const PHRASE_OF_ATOMS = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/;
// RFC 5321 §4.5.3.1: 64 octets before the @, 254 for the whole path.
const MAX_LOCAL = 64;
const MAX_ADDRESS = 254;

/**
 * One addr-spec, ready for the wire: checked to be a single address, its domain in ASCII (IDNA). Throws {@link UnsendableMessageError}
 * otherwise: `a@x, b@y` or `a@x\r\nRCPT TO:<z@z>` must never reach a parser that would find a second recipient in it.
 */
export function toAddrSpec(address: string, what: string): string {
  assertSingleLine(address, `${what} address`);
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const domain = address.slice(at + 1);
  if (at < 1 || domain === '') throw refused(what, 'is not of the form name@domain');
  if (!LOCAL_PART.test(local) && !QUOTED_LOCAL_PART.test(local)) throw refused(what, 'has a part before the @ that is not allowed');
  // Plain ASCII domains stay as they were written: domainToASCII lower-cases them and resolves IPv4 notations.
  const ascii = isPrintableAscii(domain) ? domain : domainToASCII(domain);
  if (!DOMAIN.test(ascii) && !DOMAIN_LITERAL.test(ascii)) throw refused(what, 'has a domain that is not valid');
  if (Buffer.byteLength(local) > MAX_LOCAL || Buffer.byteLength(local) + 1 + ascii.length > MAX_ADDRESS) throw refused(what, 'is too long');
  return `${local}@${ascii}`;
}

function refused(what: string, why: string): UnsendableMessageError {
  return new UnsendableMessageError(`The ${what} address ${why}.`);
}

/** The display name as it may appear before `<addr-spec>`, or an empty string without one. Decoding gives back exactly `name`. */
function encodeDisplayName(name: string, used: number): string {
  if (PHRASE_OF_ATOMS.test(name) && !name.includes('=?') && used + name.length <= LINE) return name;
  if (isPrintableAscii(name) && !name.includes('=?') && used + name.length + 2 <= LINE) return `"${name.replace(/["\\]/g, '\\$&')}"`;
  return encodeWords(name, used);
}

/** `name <addr-spec>` folded where it must be (RFC 5322 §3.4), for a header whose name and colon take `used` columns. */
export function formatMailbox(mailbox: MailAddress, used: number, what: string): string {
  const address = toAddrSpec(mailbox.address, what);
  const name = mailbox.name?.trim() ?? '';
  if (name === '') return address;
  assertSingleLine(name, `${what} name`);
  const encoded = encodeDisplayName(name, used);
  const column = encoded.includes('\r\n') ? encoded.length - encoded.lastIndexOf('\n') - 1 : used + encoded.length;
  return `${encoded}${column + address.length + 3 > LINE ? '\r\n ' : ' '}<${address}>`;
}
