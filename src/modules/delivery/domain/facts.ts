import { afterFact, type LedgerStatus } from './ledger-state.js';

/** A fact that came back about one message. `type` and `bounceClass` as tracking stores them. */
export interface Fact {
  type: string;
  occurredAt: Date;
  isMachine: boolean;
  bounceClass: 'hard' | 'soft' | 'block' | null;
  detail: string | null;
}

/** What the ledger knows about the fate of a message. Every column is a least upper bound: facts in any order, any number of times, end the same. */
export interface Fate {
  status: LedgerStatus;
  reason: string | null;
  detail: string | null;
  /** Null when it was never fired: then nothing can have come back about it. */
  sendingAt: Date | null;
  sentAt: Date | null;
  deliveredAt: Date | null;
  bouncedAt: Date | null;
  complainedAt: Date | null;
  unsubscribedAt: Date | null;
  firstOpenedAt: Date | null;
  firstHumanOpenedAt: Date | null;
  firstClickedAt: Date | null;
  firstHumanClickedAt: Date | null;
  repliedAt: Date | null;
}

type TimeColumn = { [Key in keyof Fate]: Fate[Key] extends Date | null ? Key : never }[keyof Fate];

/** Whoever opens, clicks, answers or complains has the message before them. */
const MEANS: Record<string, { fate?: 'sent' | 'delivered' | 'dropped' | 'bounced'; columns: TimeColumn[]; humanColumn?: TimeColumn }> = {
  processed: { fate: 'sent', columns: [] },
  deferred: { fate: 'sent', columns: [] },
  delivered: { fate: 'delivered', columns: ['deliveredAt'] },
  opened: { fate: 'delivered', columns: ['deliveredAt', 'firstOpenedAt'], humanColumn: 'firstHumanOpenedAt' },
  clicked: { fate: 'delivered', columns: ['deliveredAt', 'firstClickedAt'], humanColumn: 'firstHumanClickedAt' },
  replied: { fate: 'delivered', columns: ['deliveredAt', 'repliedAt'] },
  complained: { fate: 'delivered', columns: ['deliveredAt', 'complainedAt'] },
  unsubscribed: { fate: 'delivered', columns: ['deliveredAt', 'unsubscribedAt'] },
  dropped: { fate: 'dropped', columns: [] },
  bounced: { fate: 'bounced', columns: ['bouncedAt'] },
  resubscribed: { columns: [] },
  auto_replied: { columns: [] },
  unsubscribe_viewed: { columns: [] },
};

/** Worst last. Of several bounces the worst counts. */
const BAD_ENDS = ['dropped', 'bounce_soft', 'bounce_block', 'bounce_hard'];

/** The fate after one more fact. Pure; unknown types change nothing. */
export function withFact(fate: Fate, fact: Fact): Fate {
  const meaning = MEANS[fact.type];
  if (!meaning || fate.sendingAt === null || isNeverSent(fate.status)) return fate;
  const next = { ...fate };
  for (const column of meaning.columns) next[column] = earlier(next[column], fact.occurredAt);
  if (meaning.humanColumn && !fact.isMachine) next[meaning.humanColumn] = earlier(next[meaning.humanColumn], fact.occurredAt);
  if (meaning.fate) next.status = afterFact(fate.status, meaning.fate);
  // When it left us is our own knowledge: the same whichever fact is the first to tell that it did.
  if (next.status !== fate.status) next.sentAt ??= fate.sendingAt;
  return explained(next, fate, fact);
}

function isNeverSent(status: LedgerStatus): boolean {
  return status === 'skipped' || status === 'cancelled';
}

/** The reason says why the message is in its state; one of a state it has left must not stay. */
function explained(next: Fate, before: Fate, fact: Fact): Fate {
  const isBadEnd = next.status === 'bounced' || next.status === 'dropped';
  const known =
    isBadEnd && before.reason !== null && BAD_ENDS.includes(before.reason) ? { reason: before.reason, detail: before.detail } : null;
  const told = badEnd(fact);
  if (!isBadEnd) return next.status === before.status ? next : { ...next, reason: null, detail: null };
  return { ...next, ...worse(known, told) };
}

interface BadEnd {
  reason: string;
  detail: string | null;
}

function badEnd(fact: Fact): BadEnd | null {
  if (fact.type === 'dropped') return { reason: 'dropped', detail: fact.detail };
  return fact.type === 'bounced' ? { reason: `bounce_${fact.bounceClass ?? 'soft'}`, detail: fact.detail } : null;
}

function worse(a: BadEnd | null, b: BadEnd | null): BadEnd | null {
  if (!a || !b) return a ?? b;
  const difference = BAD_ENDS.indexOf(a.reason) - BAD_ENDS.indexOf(b.reason);
  if (difference !== 0) return difference > 0 ? a : b;
  return (a.detail ?? '') <= (b.detail ?? '') ? a : b;
}

function earlier(a: Date | null, b: Date): Date {
  return a !== null && a <= b ? a : b;
}
