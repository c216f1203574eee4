import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

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
