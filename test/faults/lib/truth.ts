import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';

/** One message that a provider's double has taken; written to its file before it answered. */
export interface Accepted {
  emailId: string;
  to: string;
  subject: string;
  /** Milliseconds of the clock, when it was taken. */
  at: number;
}

const CHUNK = 1024 * 1024;
const NEWLINE = 0x0a;

/** What really went out, whatever our database believes. With `lastBytes` only as much of the end of the file, for what happened just now. */
export function readTruth(file: string, lastBytes = Infinity): Accepted[] {
  return [...eachAccepted(file, lastBytes)];
}

/** The same, one message after the other: a file of full size need not be in memory at once. */
export function* eachAccepted(file: string, lastBytes = Infinity): Generator<Accepted> {
  if (!existsSync(file)) return;
  let position = Math.max(0, statSync(file).size - lastBytes);
  // The first line may have lost its beginning, the last is being written.
  let isWhole = position === 0;
  let rest = Buffer.alloc(0);
  const chunk = Buffer.alloc(CHUNK);
  const open = openSync(file, 'r');
  try {
    for (let length: number; (length = readSync(open, chunk, 0, CHUNK, position)) > 0; position += length) {
      const bytes = Buffer.concat([rest, chunk.subarray(0, length)]);
      let from = 0;
      for (let end: number; (end = bytes.indexOf(NEWLINE, from)) >= 0; from = end + 1) {
        if (isWhole) yield parse(bytes.toString('utf8', from, end));
        isWhole = true;
      }
      rest = bytes.subarray(from);
    }
  } finally {
    closeSync(open);
  }
}

function parse(line: string): Accepted {
  const { messageId, to, subject, at } = JSON.parse(line) as { messageId: string; to: string | string[]; subject: string; at: number };
  return { emailId: /^<([^@>]+)@/.exec(messageId)?.[1] ?? messageId, to: Array.isArray(to) ? to[0] : to, subject, at };
}

/** Accepted messages per second, in windows of `windowMs` from `from` on. */
export function rates(truth: Iterable<Accepted>, from: number, to: number, windowMs = 1_000): number[] {
  const windows = new Array<number>(Math.max(0, Math.floor((to - from) / windowMs))).fill(0);
  for (const { at } of truth) {
    const index = Math.floor((at - from) / windowMs);
    if (index >= 0 && index < windows.length) windows[index]++;
  }
  return windows.map((n) => (n * 1_000) / windowMs);
}
