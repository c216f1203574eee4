/** A captured message as the mailbox page shows it. */
export interface CapturedMail {
  /** Header names as written, values unfolded and decoded, in order. */
  headers: [name: string, value: string][];
  from: string;
  to: string;
  subject: string;
  /** As in the Date header. */
  date: string;
  text: string;
  html: string;
}

/**
 * Reads back what {@link buildMime} wrote: only that shape (two base64 parts), so that looking into the mailbox needs no general MIME parser.
 * A file that somebody else put there gives empty parts, never an exception.
 */
export function readCapturedMail(raw: Buffer): CapturedMail {
  const source = raw.toString('utf8');
  const end = source.indexOf('\r\n\r\n');
  const headers = readHeaders(end < 0 ? source : source.slice(0, end));
  const value = (name: string): string => headers.find(([n]) => n.toLowerCase() === name)?.[1] ?? '';
  const boundary = /boundary="([^"]+)"/.exec(value('content-type'))?.[1];
  const parts = boundary === undefined || end < 0 ? [] : source.slice(end).split(`\r\n--${boundary}`);
  return {
    headers,
    from: value('from'),
    to: value('to'),
    subject: value('subject'),
    date: value('date'),
    text: partOf(parts, 'text/plain'),
    html: partOf(parts, 'text/html'),
  };
}

/** The header block alone: enough for a list, and a few hundred bytes instead of the whole file. */
export function readHeaders(block: string): [string, string][] {
  return block
    .replace(/\r\n(?=[ \t])/g, '')
    .split('\r\n')
    .flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon < 1 ? [] : [[line.slice(0, colon), decodeWords(line.slice(colon + 1).trim())]];
    });
}

function decodeWords(value: string): string {
  return value
    .replace(/\?= +(?==\?UTF-8\?B\?)/g, '?=')
    .replace(/=\?UTF-8\?B\?([A-Za-z0-9+/=]*)\?=/g, (_, encoded: string) => Buffer.from(encoded, 'base64').toString('utf8'));
}

function partOf(parts: string[], type: string): string {
  const part = parts.find((p) => p.startsWith(`\r\nContent-Type: ${type};`));
  if (part === undefined) return '';
  return Buffer.from(part.slice(part.indexOf('\r\n\r\n')), 'base64').toString('utf8');
}
