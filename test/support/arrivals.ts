/** Lets a test wait for the n-th arrival by signal instead of sleeping. */
export class Arrivals {
  private waiters: { count: number; resolve: () => void }[] = [];

  constructor(private readonly current: () => number) {}

  notify(): void {
    const due = this.waiters.filter((w) => w.count <= this.current());
    this.waiters = this.waiters.filter((w) => w.count > this.current());
    for (const waiter of due) waiter.resolve();
  }

  /** Rejects after `deadlineMs` with what had arrived by then, so that a failing test says more than "timed out". */
  async waitFor(count: number, deadlineMs: number): Promise<void> {
    if (this.current() >= count) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`expected ${count} within ${deadlineMs} ms, but only ${this.current()} arrived`)),
        deadlineMs,
      );
      this.waiters.push({
        count,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      });
    });
  }
}
