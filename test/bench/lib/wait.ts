import { setTimeout as delay } from 'node:timers/promises';

/** Asks until the answer is true; the error of a missed deadline says what was waited for and how far it got. */
export async function until(
  what: string,
  ask: () => Promise<boolean>,
  { everyMs = 25, deadlineMs = 600_000, state }: { everyMs?: number; deadlineMs?: number; state?: () => Promise<unknown> } = {},
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await ask())) {
    if (performance.now() > deadline) {
      const reached = state ? ` (${JSON.stringify(await state())})` : '';
      throw new Error(`${what}: not within ${deadlineMs / 1000} s${reached}`);
    }
    await delay(everyMs);
  }
}

/** Seconds that `work` takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
