/** The header fields of a message by lower-case name, unfolded (RFC 5322 §2.2.3), in the order they came. */
export type MailHeaders = ReadonlyMap<string, readonly string[]>;

const MAX_HEADERS = 500;
const MAX_LENGTH = 200_000;

/** Reads the header part of a message: everything up to the first empty line. Lines that are no header fields are passed over. */
export function readMailHeaders(raw: string): MailHeaders {
  const [part] = raw.slice(0, MAX_LENGTH).split(/\r?\n\r?\n/, 1);
  const headers = new Map<string, string[]>();
  for (const line of part
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .slice(0, MAX_HEADERS)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon < 1 || !/^[\x21-\x7e]+$/.test(name)) continue;
    const values = headers.get(name);
    const value = line.slice(colon + 1).trim();
    if (values) values.push(value);
    else headers.set(name, [value]);
  }
  return headers;
}
