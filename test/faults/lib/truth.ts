import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';

/** One message that a provider's double has taken; written to its file before it answered. */
export interface Accepted {
  emailId: string;
  to: string;
  subject: string;
  /** Milliseconds of the clock, when it was taken. */
  at: number;
}

/** What really went out, whatever our database believes. With `lastBytes` only as much of the end of the file, for what happened just now. */
export function readTruth(file: string, lastBytes = Infinity): Accepted[] {
  if (!existsSync(file)) return [];
  const { size } = statSync(file);
  const from = Math.max(0, size - lastBytes);
  const bytes = Buffer.alloc(size - from);
  const open = openSync(file, 'r');
  try {
    readSync(open, bytes, 0, bytes.length, from);
  } finally {
    closeSync(open);
  }
  const lines = bytes.toString('utf8').split('\n');
  // The first may have lost its beginning, the last is being written.
  return lines.slice(from > 0 ? 1 : 0, -1).map((line) => {
    const { messageId, to, subject, at } = JSON.parse(line) as { messageId: string; to: string | string[]; subject: string; at: number };
    return { emailId: /^<([^@>]+)@/.exec(messageId)?.[1] ?? messageId, to: Array.isArray(to) ? to[0] : to, subject, at };
  });
}

/** Accepted messages per second, in windows of `windowMs` from `from` on. */
export function rates(truth: readonly Accepted[], from: number, to: number, windowMs = 1_000): number[] {
  const windows = new Array<number>(Math.max(0, Math.floor((to - from) / windowMs))).fill(0);
  for (const { at } of truth) {
    const index = Math.floor((at - from) / windowMs);
    if (index >= 0 && index < windows.length) windows[index]++;
  }
  return windows.map((n) => (n * 1_000) / windowMs);
}
