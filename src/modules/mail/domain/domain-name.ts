import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { getDomain } from 'tldts';

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** A domain name as DNS has it: ASCII (IDNA), lower case, no final dot; null if it is none. At least two labels. */
export function toDomainName(text: string): string | null {
  const bare = text.trim().replace(/\.$/, '');
  if (bare === '' || /[/\s@:?#[\]%\\]/.test(bare)) return null;
  const ascii = domainToASCII(bare).toLowerCase();
  const labels = ascii.split('.');
  if (ascii.length > 253 || isIP(ascii) !== 0 || labels.length < 2 || !labels.every((label) => LABEL.test(label))) return null;
  return ascii;
}

/**
 * Where an organisation's domain begins (RFC 7489 §3.2, by the public suffix list): `acme.co.uk` for `news.acme.co.uk`. Null for a public
 * suffix itself, below which anybody can have a name.
 */
export function organisationalDomain(name: string): string | null {
  return getDomain(name, { allowPrivateDomains: true });
}

/** The domain of an address, as DNS has it; null if there is none. */
export function domainOf(address: string): string | null {
  return toDomainName(address.slice(address.lastIndexOf('@') + 1));
}

/** Identifier alignment (RFC 7489 §3.1): the same name, or, unless strict, the same organisation. */
export function isAligned(from: string, authenticated: string, isStrict: boolean): boolean {
  if (from === authenticated) return true;
  const organisation = organisationalDomain(from);
  return !isStrict && organisation !== null && organisation === organisationalDomain(authenticated);
}
