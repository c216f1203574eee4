/** What was found of one DNS record, and what to do about it. */
export interface RecordFinding {
  /** `error`: receivers will hold it against the mail · `warning`: should be looked at · `info`: could be better. */
  severity: 'error' | 'warning' | 'info';
  /** Stable name, part of the API. */
  code: string;
  /** What is wrong and what to do about it. */
  message: string;
  /** The record to publish, where it can be told. */
  publish?: { type: 'TXT'; name: string; value: string };
}

export const RECORD_STATUSES = ['ok', 'failed', 'missing', 'unknown'] as const;
/** `unknown`: the name servers gave no answer, so nothing can be said. */
export type RecordStatus = (typeof RECORD_STATUSES)[number];

export interface RecordResult {
  status: RecordStatus;
  /** The name that was asked. */
  name: string;
  /** The record as it is published; null where there is none, or several. */
  value: string | null;
  findings: RecordFinding[];
}

/** The texts published under a name, each joined; none where the name has none. Rejects with {@link DnsUnavailable} when that cannot be known. */
export type TxtLookup = (name: string) => Promise<string[]>;

/** No name server answered (in time), or it answered with a fault of its own. Says nothing about the record. */
export class DnsUnavailable extends Error {
  constructor(readonly reason: string) {
    super(`the name servers gave no answer (${reason})`);
    this.name = 'DnsUnavailable';
  }
}

/** Longest record that is kept and shown; SPF and DKIM records of use are shorter. */
const MAX_VALUE = 2_000;

/** `failed` if a finding is an error, otherwise `ok`. */
export function judged(name: string, value: string | null, findings: RecordFinding[]): RecordResult {
  const status = findings.some(({ severity }) => severity === 'error') ? 'failed' : 'ok';
  return { status, name, value: value?.slice(0, MAX_VALUE) ?? null, findings };
}

/** Runs a check; turns name servers that do not answer into a result of its own. */
export async function orUnknown<T extends RecordResult>(
  name: string,
  check: () => Promise<T>,
  unknown: (result: RecordResult) => T,
): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof DnsUnavailable)) throw error;
    const message = `${name} could not be looked up: ${error.message}. Check again later.`;
    return unknown({ status: 'unknown', name, value: null, findings: [{ severity: 'warning', code: 'lookup_failed', message }] });
  }
}

/** `tag=value; tag=value` as DKIM (RFC 6376 §3.2) and DMARC records have it; null if it is not such a list. Names in lower case. */
export function tagList(record: string): Map<string, string> | null {
  const tags = new Map<string, string>();
  for (const part of record.split(';')) {
    if (part.trim() === '') continue;
    const match = /^\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*([\s\S]*?)\s*$/.exec(part);
    const name = match?.[1].toLowerCase();
    if (!match || name === undefined || tags.has(name)) return null;
    tags.set(name, match[2]);
  }
  return tags;
}
