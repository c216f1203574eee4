import type { FrequencyCap } from '../../../shared/pacing.js';

const DAY_MS = 24 * 3_600_000;

export function windowStart(cap: FrequencyCap, now: Date): Date {
  return new Date(now.getTime() - cap.perDays * DAY_MS);
}

/**
 * Who is over the cap, and when there is room again. `history`: when each contact was sent marketing mail in the window, ascending. Items of one
 * contact count one after another. Pure; the histories are not changed.
 */
export function applyCap<T extends { contactId: string }>(
  items: T[],
  history: Map<string, Date[]>,
  cap: FrequencyCap,
  now: Date,
): { allowed: T[]; over: { item: T; dueAt: Date }[] } {
  const seen = new Map<string, Date[]>();
  const allowed: T[] = [];
  const over: { item: T; dueAt: Date }[] = [];
  for (const item of items) {
    const times = seen.get(item.contactId) ?? [...(history.get(item.contactId) ?? [])];
    seen.set(item.contactId, times);
    if (times.length < cap.messages) {
      times.push(now);
      allowed.push(item);
      continue;
    }
    // Room is made when so many have left the window that fewer than `messages` are in it.
    const leaving = times[times.length - cap.messages];
    over.push({ item, dueAt: new Date(leaving.getTime() + cap.perDays * DAY_MS) });
  }
  return { allowed, over };
}
