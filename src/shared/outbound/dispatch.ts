import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@nestjs/common';

/** How long to wait for a place to become free before looking for more. */
const BREATH_MS = 20;

/** What a {@link Dispatch} does with its messages, which stand as rows: lease some, send one, write what came of several. */
export interface Dispatched<Claimed, Result> {
  /** Requests of this process at a time. */
  maxInFlight: number;
  /** Who receives it: `busy` counts by it. */
  targetOf(message: Claimed): string;
  claim(free: number): Promise<Claimed[]>;
  /** Never throws: what went wrong is the result. */
  send(message: Claimed): Promise<Result>;
  write(results: Result[]): Promise<void>;
}

/**
 * Sends leased messages side by side, without one slow receiver holding up the others. At least once: of a process that dies between a request and its
 * result a lease is left that runs out, and the message goes again under the same id.
 */
export class Dispatch<Claimed, Result> {
  /** Receivers this process is busy with, and by how many requests. */
  readonly busy = new Map<string, number>();
  private readonly inFlight = new Map<Promise<void>, Claimed>();
  private results: Result[] = [];
  private saving: Promise<void> | null = null;
  private isClaiming = false;

  constructor(
    private readonly work: Dispatched<Claimed, Result>,
    private readonly logger: Logger,
  ) {}

  /** What is on its way at this moment. */
  get underWay(): Claimed[] {
    return [...this.inFlight.values()];
  }

  /** Starts as many due messages as there are places, without waiting for their answers. True if there may be more. */
  async sendDue(): Promise<boolean> {
    if (this.isClaiming) return false;
    const free = this.work.maxInFlight - this.inFlight.size;
    if (free <= 0) return this.breathe();
    this.isClaiming = true;
    try {
      const claimed = await this.work.claim(free);
      for (const message of claimed) this.start(message);
      return claimed.length > 0 && (await this.breathe());
    } finally {
      this.isClaiming = false;
    }
  }

  /** Waits for everything that was started. */
  async drain(): Promise<void> {
    while (this.inFlight.size > 0) await Promise.all(this.inFlight.keys());
  }

  private async breathe(): Promise<boolean> {
    await Promise.race([...this.inFlight.keys(), delay(BREATH_MS)]);
    return true;
  }

  private start(message: Claimed): void {
    const target = this.work.targetOf(message);
    this.busy.set(target, (this.busy.get(target) ?? 0) + 1);
    const sent = this.sendOne(message)
      .catch((error: Error) => this.logger.error(`A message was not recorded and will be sent again: ${error.message}`, error.stack))
      .finally(() => {
        const left = this.busy.get(target)! - 1;
        if (left > 0) this.busy.set(target, left);
        else this.busy.delete(target);
        this.inFlight.delete(sent);
      });
    this.inFlight.set(sent, message);
  }

  private async sendOne(message: Claimed): Promise<void> {
    // Not in one expression: the list may be another one by the time the answer is there.
    const result = await this.work.send(message);
    this.results.push(result);
    await this.save();
  }

  /** Results that come while others are being written are written together, by the next transaction. */
  private async save(): Promise<void> {
    while (this.saving) await this.saving.catch(() => undefined);
    if (this.results.length === 0) return;
    const results = this.results;
    this.results = [];
    this.saving = this.work.write(results);
    try {
      await this.saving;
    } finally {
      this.saving = null;
    }
  }
}
