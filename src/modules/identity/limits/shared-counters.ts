import { createHmac } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../../config/index.js';
import { Database } from '../../../database/index.js';
import { Clock } from '../../../shared/clock.js';
import type { Limit } from './limits.js';
import { RateLimitsQueries } from './rate-limits.queries.js';

export interface Counted {
  isAllowed: boolean;
  /** At the least: what other processes hold counts as used. */
  left: number;
  resetSeconds: number;
}

/** What this process holds of a window. */
interface Share {
  /** Taken and not used yet. */
  left: number;
  /** By all processes, as this one last saw it; never beyond the limit. */
  used: number;
  /** Milliseconds of `Clock`. */
  resetsAt: number;
}

/** Of what is left of a window, how much a process takes at once. */
const PART = 10;
/** Longest wait for the count: a slow database makes limits less exact, never a request slow. */
const PATIENCE_MS = 250;
const MAX_SHARES = 50_000;
const COMPLAINTS_EVERY_MS = 60_000;
const DELETED_AT_ONCE = 10_000;

/**
 * Counts requests in windows that all processes share. A process takes a tenth of what is left of a window at once and spends it from memory, so a
 * busy client costs a statement every few dozen requests, a blocked one none. All processes together never let through more than the limit;
 * with several, a client may be refused while up to a tenth of what was left lies unspent in each of the others. When the database cannot be asked,
 * each process lets the whole limit through by itself. Windows begin with the first request, so twice the limit may fit into the time around the end of one.
 */
@Injectable()
export class SharedCounters {
  private readonly logger = new Logger('RateLimits');
  private readonly shares = new Map<string, Share>();
  private readonly takings = new Map<string, Promise<void>>();
  private complainedAt = -Infinity;

  constructor(
    private readonly db: Database,
    private readonly queries: RateLimitsQueries,
    private readonly clock: Clock,
    private readonly config: AppConfig,
  ) {}

  /** Counts one request of `whose` (never seen by the database). Never throws. */
  async count(limit: Limit, whose: string): Promise<Counted> {
    const key = keyOf(limit, whose);
    for (;;) {
      const share = this.current(key);
      if (share && share.left > 0) {
        share.left -= 1;
        return this.counted(share, limit, true);
      }
      if (share && share.used >= limit.limit) return this.counted(share, limit, false);
      await this.takeOnce(key, limit);
    }
  }

  /** In how many seconds `whose` gets on again, where this process knows that nothing is left; null: it may go on. */
  blockedSeconds(limit: Limit, whose: string): number | null {
    const share = this.current(keyOf(limit, whose));
    return share && share.left === 0 && share.used >= limit.limit ? this.secondsLeft(share) : null;
  }

  /** For a cron: forgets windows that are over. */
  async deleteExpired(): Promise<void> {
    for (let deleted = DELETED_AT_ONCE; deleted === DELETED_AT_ONCE;) {
      deleted = await this.db.asSystem((tx) => this.queries.deleteExpired(tx, this.clock.now(), DELETED_AT_ONCE));
    }
  }

  private current(key: string): Share | null {
    const share = this.shares.get(key);
    return share && share.resetsAt > this.clock.now().getTime() ? share : null;
  }

  private counted(share: Share, { limit }: Limit, isAllowed: boolean): Counted {
    return { isAllowed, left: limit - share.used + share.left, resetSeconds: this.secondsLeft(share) };
  }

  private secondsLeft({ resetsAt }: Share): number {
    return Math.max(1, Math.ceil((resetsAt - this.clock.now().getTime()) / 1000));
  }

  /** Of requests that come at once, one takes for all. */
  private takeOnce(key: string, limit: Limit): Promise<void> {
    let taking = this.takings.get(key);
    if (!taking) {
      taking = this.take(key, limit).finally(() => this.takings.delete(key));
      this.takings.set(key, taking);
    }
    return taking;
  }

  private async take(key: string, { limit, windowSeconds }: Limit): Promise<void> {
    const now = this.clock.now();
    const before = this.current(key);
    const amount = Math.max(1, Math.floor((limit - (before?.used ?? 0)) / PART));
    const asked = this.queries.take(this.db, { key: this.hashed(key), amount, now, windowSeconds });
    const window = await withinPatience(asked).catch((error: Error) => {
      this.complain(error);
      return { used: (before?.used ?? 0) + amount, resetsAt: new Date(before?.resetsAt ?? now.getTime() + windowSeconds * 1000) };
    });
    const left = Math.min(amount, Math.max(0, limit - (window.used - amount)));
    this.keep(key, { left, used: Math.min(window.used, limit), resetsAt: window.resetsAt.getTime() });
  }

  /** What is forgotten is asked for again. */
  private keep(key: string, share: Share): void {
    this.shares.delete(key);
    // The oldest go first: a Map keeps the order of insertion.
    for (const oldest of this.shares.keys()) {
      if (this.shares.size < MAX_SHARES) break;
      this.shares.delete(oldest);
    }
    this.shares.set(key, share);
  }

  /** The table is open to the application as a whole, so it tells nobody which client or address a row is about. */
  private hashed(key: string): Buffer {
    return createHmac('sha256', this.config.appSecret).update(`rate limit: ${key}`).digest().subarray(0, 16);
  }

  private complain(error: Error): void {
    if (performance.now() - this.complainedAt < COMPLAINTS_EVERY_MS) return;
    this.complainedAt = performance.now();
    this.logger.warn(`Requests are counted by this process alone, because the database does not answer: ${error.message}`);
  }
}

function keyOf({ what }: Limit, whose: string): string {
  return `${what} ${whose}`;
}

async function withinPatience<T>(asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([asked, tooLong]).finally(() => clearTimeout(timer));
}
