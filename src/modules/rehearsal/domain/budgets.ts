import { allocate, idOf, type Allocation, type Grant, type Limit } from '../../delivery/index.js';

interface Bucket {
  tokens: number;
  refilledAt: number;
  spreadUntil: Date | null;
}

/** The token buckets of `send_budgets`, in memory: full when first asked, refilled by the time that passes, as `PacingQueries.take` does it. */
export class Budgets {
  private readonly buckets = new Map<string, Bucket>();

  /** Who may go now; the others with the moments at which they may. */
  share<T>(items: { item: T; limits: Limit[] }[], now: Date): Allocation<T> {
    const asked = new Map<string, { limit: Limit; wanted: number }>();
    for (const { limits } of items) {
      for (const limit of limits) {
        const ask = asked.get(idOf(limit));
        if (ask) ask.wanted += 1;
        else asked.set(idOf(limit), { limit, wanted: 1 });
      }
    }
    const grants = new Map([...asked].map(([id, { limit, wanted }]) => [id, this.take(id, limit, wanted, now)]));
    const allocation = allocate(items, grants, now);
    for (const [id, { back, spreadUntil }] of allocation.changes) {
      const bucket = this.buckets.get(id)!;
      bucket.tokens += back;
      bucket.spreadUntil = spreadUntil ?? bucket.spreadUntil;
    }
    return allocation;
  }

  private take(id: string, limit: Limit, wanted: number, now: Date): Grant {
    const known = this.buckets.get(id) ?? { tokens: limit.capacity, refilledAt: now.getTime(), spreadUntil: null };
    const seconds = Math.max(0, now.getTime() - known.refilledAt) / 1000;
    const available = Math.min(limit.capacity, known.tokens + seconds * limit.perSecond);
    const granted = Math.min(wanted, Math.max(0, Math.floor(available + 1e-6)));
    const tokens = available - granted;
    this.buckets.set(id, { ...known, tokens, refilledAt: Math.max(known.refilledAt, now.getTime()) });
    return { limit, granted, tokens, spreadUntil: known.spreadUntil };
  }
}
