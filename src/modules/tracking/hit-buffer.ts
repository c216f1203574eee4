import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { TrackingService } from './tracking.service.js';
import type { NewEmailEvent } from './tracking.types.js';

type Hit = NewEmailEvent & { tenantId: string };

/** Long enough to gather company at a few hundred hits a second, too short to be felt. */
const GATHER_MS = 3;
const MAX_BATCH = 500;
/** While one batch commits the next one gathers; a second connection only helps when commits are slow. */
const MAX_COMMITS = 2;

/**
 * Group commit: hits that arrive within a few milliseconds are inserted by one statement in one transaction, and each caller's promise settles
 * with that commit. So a hit that was answered is in the database, and a thousand of them cost a handful of transactions.
 */
@Injectable()
export class HitBuffer implements BeforeApplicationShutdown {
  private waiting: { hit: Hit; resolve: () => void; reject: (error: unknown) => void }[] = [];
  private commits = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly db: Database,
    private readonly tracking: TrackingService,
  ) {}

  /** Resolves once the hit is committed. Rejects when that failed or could not be learned: then the caller must not claim it was stored. */
  record(hit: Hit): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ hit, resolve, reject });
      if (this.waiting.length >= MAX_BATCH) this.flush();
      else this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    while (this.waiting.length > 0 || this.commits.size > 0) {
      this.flush();
      await Promise.all(this.commits);
    }
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.waiting.length === 0 || this.commits.size >= MAX_COMMITS) return;
    const batch = this.waiting.splice(0, MAX_BATCH);
    const commit = this.commit(batch).finally(() => {
      this.commits.delete(commit);
      // What gathered meanwhile has waited long enough.
      this.flush();
    });
    this.commits.add(commit);
  }

  private async commit(batch: typeof this.waiting): Promise<void> {
    try {
      await this.db.asSystem((tx) =>
        this.tracking.appendAll(
          tx,
          batch.map(({ hit }) => hit),
        ),
      );
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const { resolve } of batch) resolve();
  }
}
