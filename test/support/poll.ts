import { inspect } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';

export interface UntilOptions {
  /** Real milliseconds to wait before giving up. */
  deadlineMs?: number;
  /** What is waited for; stands in the error. */
  what?: string;
}

/** Asks `fn` every 25 ms until it gives something truthy, and returns that. Throws with the last value when the deadline passes. */
export async function until<T>(
  fn: () => T | Promise<T>,
  { deadlineMs = 10_000, what = 'the condition' }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await fn();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`Waited ${deadlineMs} ms for ${what}; last value: ${inspect(value)}`);
    await delay(25);
  }
}
