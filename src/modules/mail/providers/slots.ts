/**
 * A fixed number of connections shared by all running `send()` calls, handed out first come, first served. A message that finds none before
 * its deadline was never handed over, so its caller can answer a plain `retry`.
 */
export class Slots<T extends object> {
  private readonly free: T[];
  private readonly waiting: ((slot: T) => void)[] = [];
  private idle: (() => void)[] = [];
  private readonly total: number;

  constructor(slots: T[]) {
    this.free = [...slots];
    this.total = slots.length;
  }

  /** Runs `work` with a slot of its own; null when none came free within `waitMs`. */
  async use<R>(waitMs: number, work: (slot: T) => Promise<R>): Promise<R | null> {
    const slot = this.free.pop() ?? (await this.wait(waitMs));
    if (slot === null) return null;
    try {
      return await work(slot);
    } finally {
      this.release(slot);
    }
  }

  /** Resolves once nothing is under way. */
  async drained(): Promise<void> {
    if (this.free.length < this.total) await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  private wait(waitMs: number): Promise<T | null> {
    return new Promise((resolve) => {
      const granted = (slot: T): void => {
        clearTimeout(timer);
        resolve(slot);
      };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(granted), 1);
        resolve(null);
      }, waitMs);
      this.waiting.push(granted);
    });
  }

  private release(slot: T): void {
    const next = this.waiting.shift();
    if (next) return next(slot);
    this.free.push(slot);
    if (this.free.length === this.total) {
      for (const resolve of this.idle.splice(0)) resolve();
    }
  }
}
