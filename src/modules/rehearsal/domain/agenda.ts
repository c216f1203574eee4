/** Kinds of things that happen at the same instant come in this order: what people did is known before a step asks for it. */
export const KINDS = ['fact', 'look', 'due', 'mail'] as const;
export type Kind = (typeof KINDS)[number];

export interface Entry {
  /** Milliseconds since the epoch. */
  at: number;
  kind: Kind;
  /** Whose it is: the smaller comes first among entries of one instant and kind. */
  who: number;
  /** Compared with what the owner holds when the entry comes up; see `Person.ticket`. */
  ticket: number;
}

const RANK: Record<Kind, number> = { fact: 0, look: 1, due: 2, mail: 3 };

/** What is still to come, in the order of time: a binary heap. Entries that have become pointless are left in it and passed over. */
export class Agenda<E extends Entry> {
  private readonly heap: E[] = [];

  get size(): number {
    return this.heap.length;
  }

  add(entry: E): void {
    const { heap } = this;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }

  next(): E | undefined {
    return this.heap[0];
  }

  take(): E | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child += 1;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }

  /** Up to `limit` entries of the next one's instant and kind. */
  takeTogether(limit: number): E[] {
    const taken: E[] = [];
    for (let first = this.take(); first !== undefined;) {
      taken.push(first);
      const next = this.heap[0];
      if (taken.length >= limit || next === undefined || next.at !== first.at || next.kind !== first.kind) break;
      this.take();
      first = next;
    }
    return taken;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.kind === b.kind ? a.who < b.who : RANK[a.kind] < RANK[b.kind];
}
