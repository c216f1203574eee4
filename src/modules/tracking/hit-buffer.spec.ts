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

  it('are answered with the commit of their batch and not before; what comes meanwhile makes up the next one', async () => {
    const answered: number[] = [];
    const record = (n: number) => buffer.record(hit(n)).then(() => answered.push(n));
    const first = [record(1), record(2)];
    await inbox.next;
    const second = [record(3), record(4), record(5)];
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(answered).toEqual([]);
    expect(inbox.commits.map(({ size }) => size)).toEqual([2]);
    const begun = inbox.next;
    inbox.commits[0].end();
    await Promise.all(first);
    expect(answered).toEqual([1, 2]);
    await begun;
    expect(inbox.commits.map(({ size }) => size)).toEqual([2, 3]);
    inbox.commits[1].end();
    await Promise.all(second);
    expect(answered).toEqual([1, 2, 3, 4, 5]);
  });

  it('are refused when their commit fails, and the next ones are not', async () => {
    const lost = buffer.record(hit(1));
    await inbox.next;
    const kept = buffer.record(hit(2));
    const begun = inbox.next;
    inbox.commits[0].fail();
    await expect(lost).rejects.toThrow('no');
    await begun;
    inbox.commits[1].end();
    await kept;
  });

  it('are refused when too many wait, so that a database that hangs does not fill the memory', async () => {
    const waiting = [buffer.record(hit(0))];
    await inbox.next;
    for (let n = 1; n <= 20_000; n++) waiting.push(buffer.record(hit(n)));
    await expect(buffer.record(hit(20_001))).rejects.toThrow(TooManyHits);
    const stopping = buffer.beforeApplicationShutdown();
    while (inbox.commits.reduce((sum, { size }) => sum + size, 0) < waiting.length) {
      const begun = inbox.next;
      inbox.commits.at(-1)!.end();
      await begun;
    }
    inbox.commits.at(-1)!.end();
    await Promise.all([stopping, ...waiting]);
  });
});
