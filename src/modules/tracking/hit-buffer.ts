import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { HitInbox } from './hit-inbox.service.js';
import { TooManyHits } from './tracking.errors.js';
import type { TrackedHit } from './tracking.types.js';

/** Long enough to gather company at a few hundred hits a second, too short to be felt. */
const GATHER_MS = 3;
const MAX_BATCH = 500;
/** What waits when the database does not keep up for seconds; beyond it nobody's patience and no memory helps. */
const MAX_WAITING = 20_000;

interface Waiting {
  hit: TrackedHit;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Group commit: one commit at a time, and whatever arrives while it is under way goes into the next one, so batches grow with the load. Each
 * caller's promise settles with the commit of its batch: a hit that was answered is in the database, and a thousand cost a handful of commits.
 */
@Injectable()
export class HitBuffer implements BeforeApplicationShutdown {
  private waiting: Waiting[] = [];
  private commit: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly inbox: HitInbox) {}

  /**
   * Resolves once the hit is committed. Rejects when that failed or could not be learned, and with `TooManyHits` when too many wait already: then
   * the caller must not claim it was stored.
   */
  record(hit: TrackedHit): Promise<void> {
    if (this.waiting.length >= MAX_WAITING) return Promise.reject(new TooManyHits());
    return new Promise((resolve, reject) => {
      this.waiting.push({ hit, resolve, reject });
      if (!this.commit) this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    while (this.waiting.length > 0 || this.commit) {
      this.flush();
      await this.commit;
    }
  }

  private flush(): void {
    if (this.commit || this.waiting.length === 0) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    const batch = this.waiting.length <= MAX_BATCH ? this.waiting : this.waiting.slice(0, MAX_BATCH);
    this.waiting = this.waiting.slice(batch.length);
    this.commit = this.store(batch).finally(() => {
      this.commit = undefined;
      // What gathered meanwhile has waited long enough.
      this.flush();
    });
  }

  private async store(batch: Waiting[]): Promise<void> {
    try {
      await this.inbox.put(batch.map(({ hit }) => hit));
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const { resolve } of batch) resolve();
  }
}
