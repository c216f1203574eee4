import type { AddressInfo, Server } from 'node:net';

const BUCKET_MS = 250;

/** Counts what a sink accepts and tells the benchmark when there are enough. */
export class Counter {
  private count = 0;
  private bytes = 0;
  private sample: Buffer | null = null;
  private since = Date.now();
  private perQuarter: number[] = [];
  private waiting: { count: number; resolve: () => void }[] = [];

  get wantsSample(): boolean {
    return this.sample === null;
  }

  /** Returns the number of this message. */
  add(size: number, chunks: Buffer[]): number {
    this.sample ??= Buffer.concat(chunks);
    this.bytes += size;
    this.count += 1;
    const quarter = Math.floor((Date.now() - this.since) / BUCKET_MS);
    this.perQuarter[quarter] = (this.perQuarter[quarter] ?? 0) + 1;
    if (this.waiting.length > 0 && this.count >= this.waiting[0].count) this.waiting.shift()!.resolve();
    return this.count;
  }

  /** What the benchmark may ask of the process. */
  methods(server: Server): Record<string, (argument: never) => unknown> {
    return {
      port: () => (server.address() as AddressInfo).port,
      reset: () => {
        this.count = 0;
        this.bytes = 0;
        this.sample = null;
        this.since = Date.now();
        this.perQuarter = [];
        this.waiting = [];
      },
      stats: () => ({ count: this.count, bytes: this.bytes }),
      /** Messages in each quarter of a second since `reset`. */
      pulse: () => Array.from(this.perQuarter, (count) => count ?? 0),
      sample: () => this.sample?.toString('base64') ?? null,
      waitFor: ({ count, deadlineMs }: { count: number; deadlineMs: number }) =>
        new Promise<void>((resolve, reject) => {
          if (this.count >= count) return resolve();
          const timer = setTimeout(() => reject(new Error(`${this.count} of ${count} messages after ${deadlineMs / 1000} s`)), deadlineMs);
          this.waiting.push({
            count,
            resolve: () => {
              clearTimeout(timer);
              resolve();
            },
          });
          this.waiting.sort((a, b) => a.count - b.count);
        }),
    };
  }
}
