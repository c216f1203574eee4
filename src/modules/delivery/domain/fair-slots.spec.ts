import { FairSlots } from './fair-slots.js';

/** Runs that end when told to. */
function started(slots: FairSlots) {
  const order: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (key: string, name: string) =>
    slots.run(key, () => {
      order.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    });
  const end = async (name: string) => {
    await new Promise(setImmediate);
    ends.get(name)?.();
    await new Promise(setImmediate);
  };
  return { order, start, end };
}

describe('the slots of the provider', () => {
  it('go round the campaigns: ten messages of one do not wait behind a million of another', async () => {
    const { order, start, end } = started(new FairSlots(1));
    const all = [start('big', 'big 1'), start('big', 'big 2'), start('big', 'big 3'), start('small', 'small 1')];
    for (const name of ['big 1', 'big 2', 'small 1', 'big 3']) await end(name);
    await Promise.all(all);
    expect(order).toEqual(['big 1', 'big 2', 'small 1', 'big 3']);
  });

  it('are never more than there are, and come back after a failure', async () => {
    const slots = new FairSlots(2);
    let running = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      throw new Error('provider fell over');
    };
    await Promise.allSettled(Array.from({ length: 20 }, (_, i) => slots.run(`campaign ${i % 3}`, work)));
    expect(most).toBe(2);
    expect(slots.inUse).toBe(0);
  });
});
