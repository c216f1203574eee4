import { HitBuffer } from './hit-buffer.js';
import type { HitInbox } from './hit-inbox.service.js';
import { TooManyHits } from './tracking.errors.js';
import type { TrackedHit } from './tracking.types.js';

const hit = (n: number): TrackedHit => ({
  tenantId: 'tenant',
  emailId: `email ${n}`,
  type: 'opened',
  at: n,
  linkId: null,
  url: null,
  userAgent: null,
  machineReason: null,
});

/** A database whose commits the test ends. */
class SlowInbox {
  commits: { size: number; end: () => void; fail: () => void }[] = [];
  private began: () => void = () => undefined;
  next = new Promise<void>((resolve) => (this.began = resolve));

  put(hits: readonly TrackedHit[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.commits.push({ size: hits.length, end: resolve, fail: () => reject(new Error('no')) });
      this.began();
      this.next = new Promise((began) => (this.began = began));
    });
  }
}

describe('hits on their way into the database', () => {
  let inbox: SlowInbox;
  let buffer: HitBuffer;
  beforeEach(() => {
    inbox = new SlowInbox();
    buffer = new HitBuffer(inbox as unknown as HitInbox);
  });

  /** Once so many commits have begun. */
  async function begun(count: number): Promise<void> {
    while (inbox.commits.length < count) await inbox.next;
  }
  const sizes = () => inbox.commits.map(({ size }) => size);

  it('are answered with the commit of their batch and not before; what comes meanwhile makes up the next one', async () => {
    const answered: number[] = [];
    const record = (n: number) => buffer.record(hit(n)).then(() => answered.push(n));
    const first = [record(1), record(2)];
    await begun(1);
    const second = [record(3), record(4), record(5)];
    inbox.commits[0].end();
    await Promise.all(first);
    expect(answered).toEqual([1, 2]);
    await begun(2);
    expect(sizes()).toEqual([2, 3]);
    inbox.commits[1].end();
    await Promise.all(second);
    expect(answered).toEqual([1, 2, 3, 4, 5]);
  });

  it('do not wait for a commit that hangs, though no more than three are under way', async () => {
    const recorded: Promise<void>[] = [];
    for (let count = 1; count <= 3; count++) {
      recorded.push(buffer.record(hit(count)));
      await begun(count);
    }
    for (let n = 0; n < 100; n++) recorded.push(buffer.record(hit(n)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sizes()).toEqual([1, 1, 1]);
    inbox.commits[1].end();
    await recorded[1];
    await begun(4);
    expect(sizes()).toEqual([1, 1, 1, 100]);
    for (const { end } of inbox.commits) end();
    await Promise.all(recorded);
  });

  it('are refused when their commit fails, and the next ones are not', async () => {
    const lost = buffer.record(hit(1));
    await begun(1);
    const kept = buffer.record(hit(2));
    inbox.commits[0].fail();
    await expect(lost).rejects.toThrow('no');
    await begun(2);
    inbox.commits[1].end();
    await kept;
  });

  it('are refused when too many wait, so that a database that hangs does not fill the memory', async () => {
    const recorded: Promise<void>[] = [];
    for (let count = 1; count <= 3; count++) {
      recorded.push(buffer.record(hit(count)));
      await begun(count);
    }
    for (let n = 1; n <= 20_000; n++) recorded.push(buffer.record(hit(n)));
    await expect(buffer.record(hit(20_001))).rejects.toThrow(TooManyHits);
    const stopping = buffer.beforeApplicationShutdown();
    let isStopped = false;
    void stopping.then(() => (isStopped = true));
    while (!isStopped) {
      for (const { end } of inbox.commits) end();
      await new Promise(setImmediate);
    }
    await Promise.all(recorded);
    expect(sizes().reduce((sum, size) => sum + size, 0)).toBe(recorded.length);
  });
});
