import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { TypedQueue } from './typed-queue.js';

/** Whoever looks for the cause of an outage must not have to look behind thousands of equal lines. */
describe('hints to a queue that is away', () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
  const log = jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
  let isThere = true;
  const queue = new TypedQueue<{ note: object }>({
    name: 'notes',
    on: () => undefined,
    add: () => (isThere ? Promise.resolve() : Promise.reject(new Error('away'))),
  } as unknown as Queue);
  const hint = async (times: number) => {
    for (let i = 0; i < times; i++) expect(await queue.hint('note', {})).toBe(isThere);
  };

  beforeEach(() => {
    warn.mockClear();
    log.mockClear();
  });
  afterAll(() => jest.restoreAllMocks());

  it('say so once, and once that it is back, each time', async () => {
    for (let outage = 0; outage < 2; outage++) {
      isThere = false;
      await hint(50);
      isThere = true;
      await hint(50);
    }
    expect(warn).toHaveBeenCalledTimes(2);
    expect(warn).toHaveBeenCalledWith(
      expect.stringContaining('A hint was not queued; the sweep will find the work (queue notes, job note: away)'),
    );
    expect(log.mock.calls).toEqual([['Queue notes takes hints again'], ['Queue notes takes hints again']]);
  });

  it('remind of a long outage, with how many have been missed', async () => {
    isThere = false;
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    await hint(10);
    now.mockReturnValue(32_000);
    await hint(1);
    expect(warn).toHaveBeenCalledTimes(2);
    expect(warn).toHaveBeenLastCalledWith(expect.stringContaining('10 hints were not queued'));
  });
});
