import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Finisher } from './finisher.js';
import type { Settlement } from './delivery.types.js';
import type { SettlementService } from './settlement.service.js';

const result = (n: number): Settlement => ({
  id: `email-${n}`,
  token: 't',
  stepId: 's',
  enrollmentId: `e-${n}`,
  entryNumber: 1,
  status: 'sent',
  reason: null,
  detail: null,
  at: new Date(0),
});
const results = (count: number, from = 0) => Array.from({ length: count }, (_, i) => result(from + i));

/** A database that writes down what it took, and fails when told to. */
function database(fail: (batch: Settlement[], call: number) => Error | null = () => null) {
  const written: string[] = [];
  const sizes: number[] = [];
  let calls = 0;
  const settle = async (_tenantId: string, batch: Settlement[]) => {
    sizes.push(batch.length);
    await new Promise(setImmediate);
    const error = fail(batch, ++calls);
    if (error) throw error;
    written.push(...batch.map(({ id }) => id));
    return batch.length;
  };
  return { written, sizes, finisher: new Finisher('tenant', { settle } as unknown as SettlementService) };
}
const sqlError = (code: string) => Object.assign(new Error(`SQLSTATE ${code}`), { code });

describe('the results of sending', () => {
  beforeAll(() => Logger.overrideLogger(false));
  afterAll(() => Logger.overrideLogger(['error', 'warn', 'log']));

  it('are all written, whenever they come: a forgotten one would be a message in doubt', async () => {
    const { written, finisher } = database();
    for (let at = 0; at < 3_000; at += 30) {
      finisher.add(results(30, at));
      if (at % 90 === 0) await new Promise(setImmediate);
      if (at % 600 === 0) await finisher.drain();
    }
    await finisher.drain();
    expect(new Set(written).size).toBe(3_000);
    expect(written).toHaveLength(3_000);
  });

  it('are written in batches, not one by one', async () => {
    const { sizes, finisher } = database();
    for (let n = 0; n < 100; n++) finisher.add([result(n)]);
    await finisher.drain();
    expect(sizes).toEqual([100]);
  });

  it('that come one after another are still written in batches', async () => {
    const { sizes, finisher } = database();
    for (let n = 0; n < 1_000; n++) {
      finisher.add([result(n)]);
      if (n % 10 === 0) await new Promise(setImmediate);
    }
    await finisher.drain();
    expect(sizes.length).toBeLessThanOrEqual(6);
  });

  it('are written at once when the sending is over', async () => {
    const { written, finisher } = database();
    const startedAt = performance.now();
    for (let n = 0; n < 20; n++) {
      finisher.add([result(n)]);
      await finisher.drain();
    }
    expect(written).toHaveLength(20);
    // Twenty pauses for company would take 1.6 s.
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('are kept while the database is away', async () => {
    const { written, finisher } = database((_, call) => (call <= 2 ? sqlError('57P01') : null));
    finisher.add(results(10));
    await finisher.drain();
    expect(written).toHaveLength(10);
  });

  it('do not go down with one that cannot be written', async () => {
    const error = jest.fn(() => sqlError('22021'));
    const { written, finisher } = database((batch) => (batch.some(({ id }) => id === 'email-3') ? error() : null));
    finisher.add(results(10));
    await finisher.drain();
    expect(written.sort()).toEqual(
      results(10)
        .filter((_, i) => i !== 3)
        .map(({ id }) => id)
        .sort(),
    );
  });
});
