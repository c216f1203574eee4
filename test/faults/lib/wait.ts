import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
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

/** Ports nobody uses at the moment; all are held until the last is known. */
export async function freePorts(count: number): Promise<number[]> {
  const probes = await Promise.all(
    Array.from({ length: count }, async () => {
      const probe = createServer().listen(0, '127.0.0.1');
      await once(probe, 'listening');
      return probe;
    }),
  );
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  await Promise.all(probes.map((probe) => once(probe.close(), 'close')));
  return ports;
}

export async function freePort(): Promise<number> {
  return (await freePorts(1))[0];
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
