import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { HitInbox } from './hit-inbox.service.js';
import { TooManyHits } from './tracking.errors.js';
import type { TrackedHit } from './tracking.types.js';

/**
 * How long hits gather while none, one or two commits are under way. Alone long enough for company at a few hundred hits a second and too short to be
 * felt; beside a commit that takes long, longer: one that is quick is better waited for.
 */
const GATHER_MS = [3, 12, 24];
/** So many need not wait for company. */
const ENOUGH = 40;
const MAX_BATCH = 500;
/** What waits when the database does not keep up for seconds; beyond it nobody's patience and no memory helps. */
const MAX_WAITING = 20_000;

interface Waiting {
  hit: TrackedHit;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Group commit: whatever arrives while a commit is under way goes into the next one, so batches grow with the load. A commit that is slow, as beside a
 * sending campaign, does not hold up all that come after it: up to three are under way. Each caller's promise settles with the commit of its
 * batch: a hit that was answered is in the database, and a thousand cost a handful of commits.
 */
@Injectable()
export class HitBuffer implements BeforeApplicationShutdown {
  private waiting: Waiting[] = [];
  private readonly underway = new Set<Promise<void>>();
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
      this.schedule();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    while (this.waiting.length > 0 || this.underway.size > 0) {
      this.flush();
      await Promise.race(this.underway);
    }
  }

  private schedule(): void {
    if (this.underway.size >= GATHER_MS.length) return;
    if (this.waiting.length >= ENOUGH) this.flush();
    else if (this.waiting.length > 0) this.timer ??= setTimeout(() => this.flush(), GATHER_MS[this.underway.size]);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.underway.size >= GATHER_MS.length || this.waiting.length === 0) return;
    const batch = this.waiting.length <= MAX_BATCH ? this.waiting : this.waiting.slice(0, MAX_BATCH);
    this.waiting = this.waiting.slice(batch.length);
    const commit = this.store(batch).finally(() => {
      this.underway.delete(commit);
      // What gathered while nothing else was under way has waited long enough.
      if (this.underway.size === 0) this.flush();
      else this.schedule();
    });
    this.underway.add(commit);
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
