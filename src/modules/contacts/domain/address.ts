/** RFC 5321 §4.5.3.1.3: a path is at most 256 octets with its angle brackets. */
export const MAX_ADDRESS_LENGTH = 254;
const MAX_LOCAL_LENGTH = 64;

/** Where erased contacts live; nobody else may have an address there. */
export const ERASED_DOMAIN = 'erased.invalid';

const LOCAL = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
/** Two labels or more (RFC 1035 §2.3.1, RFC 1123 §2.1), the last of which is not a number, so that no address of a host passes. */
const DOMAIN = /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+(?!\d+$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/**
 * Why a string cannot be the address of a contact, or null. One address and nothing else: no display name, no list, no quoted local part
 * (RFC 5321 §4.1.2 advises against them, and they are how header injection is written), ASCII only (SMTPUTF8 is not offered by every relay).
 * The one rule of the product for addresses of contacts: the API, the import and the engine share it.
 */
export function addressFault(address: string): string | null {
  if (address === '') return 'is empty';
  if (address.length > MAX_ADDRESS_LENGTH) return `is longer than ${MAX_ADDRESS_LENGTH} characters`;
  const at = address.lastIndexOf('@');
  if (at < 1) return 'is not an email address: expected name@example.com';
  return localFault(address.slice(0, at)) ?? domainFault(address.slice(at + 1));
}

function localFault(local: string): string | null {
  if (local.length > MAX_LOCAL_LENGTH) return `has more than ${MAX_LOCAL_LENGTH} characters before the @`;
  if (/[<>,;"\s]/.test(local)) return 'is not one plain email address: no display name, list, quotes or spaces';
  return LOCAL.test(local) ? null : 'is not an email address: the part before the @ has characters or dots where none may be';
}

function domainFault(domain: string): string | null {
  if (!DOMAIN.test(domain) || domain.length > 253) return domainReason(domain);
  const name = domain.toLowerCase();
  if (name === ERASED_DOMAIN || name.endsWith(`.${ERASED_DOMAIN}`)) return `is in ${ERASED_DOMAIN}, which is reserved for erased contacts`;
  return null;
}

function domainReason(domain: string): string {
  if (/[^\x00-\x7f]/.test(domain)) return 'has a domain with non-ASCII characters; write it in its xn-- form';
  if (!domain.includes('.')) return 'is not an email address: the part after the @ is not a full domain name';
  return 'is not an email address: the part after the @ is not a domain name';
}

/** The address an erased contact is left with. */
export function erasedAddress(contactId: string): string {
  return `erased-${contactId}@${ERASED_DOMAIN}`;
}
