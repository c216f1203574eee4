/**
 * A counting semaphore that is fair between keys: free slots go round the keys that wait, not round the waiters, so that a campaign with a
 * thousand batches does not stand in front of one with a single batch. Within a key: first come, first served.
 */
export class FairSlots {
  private free: number;
  private readonly queues = new Map<string, (() => void)[]>();

  constructor(readonly size: number) {
    this.free = size;
  }

  get inUse(): number {
    return this.size - this.free;
  }

  /** Runs `work` once a slot is free, and gives the slot back however it ends. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    await this.acquire(key);
    try {
      return await work();
    } finally {
      this.release();
    }
  }

  private acquire(key: string): Promise<void> | void {
    if (this.free > 0) {
      this.free--;
      return;
    }
    return new Promise((resolve) => {
      const queue = this.queues.get(key);
      if (queue) queue.push(resolve);
      else this.queues.set(key, [resolve]);
    });
  }

  private release(): void {
    const next = this.queues.entries().next();
    if (next.done) {
      this.free++;
      return;
    }
    const [key, queue] = next.value;
    const wake = queue.shift() as () => void;
    // Deleted and set again: the key goes to the end of the round.
    this.queues.delete(key);
    if (queue.length > 0) this.queues.set(key, queue);
    wake();
  }
}
