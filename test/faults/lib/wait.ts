import { setTimeout as delay } from 'node:timers/promises';

/** Asks until the answer is truthy and returns it; the error of a missed deadline says how far it got. */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  { deadlineMs = 60_000, everyMs = 50, state }: { deadlineMs?: number; everyMs?: number; state?: () => Promise<unknown> } = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await ask();
    if (value) return value;
    if (performance.now() > deadline) {
      const reached = state ? `: ${JSON.stringify(await state())}` : '';
      throw new Error(`${what}: not within ${Math.round(deadlineMs / 1000)} s${reached}`);
    }
    await delay(everyMs);
  }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
