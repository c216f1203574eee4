/**
 * The states of a ledger row and the only ways between them. `queries.ts` repeats these conditions in SQL, where they are decided; the table is
 * here so that they can be read, and so that a test can hold the two together.
 */
export type LedgerStatus =
  | 'queued' // waits for its due time; may be claimed (leased), which is still `queued`
  | 'sending' // on its way to the provider; committed before the provider is called
  | 'sent' // accepted by the provider
  | 'delivered'
  | 'bounced'
  | 'dropped' // accepted, then not sent by the provider
  | 'failed' // definitely not sent, and not tried again
  | 'unknown' // may or may not have been handed over
  | 'skipped' // the gate said no
  | 'cancelled';

export const LEDGER_STATUSES: readonly LedgerStatus[] = [
  'queued',
  'sending',
  'sent',
  'delivered',
  'bounced',
  'dropped',
  'failed',
  'unknown',
  'skipped',
  'cancelled',
];

/** What our own workers do. Nothing leads back from `sent`: a message once accepted is never sent again. */
const WORK: Record<LedgerStatus, readonly LedgerStatus[]> = {
  queued: ['sending', 'skipped', 'failed', 'cancelled'],
  sending: ['sent', 'queued', 'failed', 'unknown'],
  // A worker slower than its lease may still report success; otherwise the campaign's policy decides.
  unknown: ['sent', 'queued', 'failed'],
  sent: [],
  delivered: [],
  bounced: [],
  dropped: [],
  failed: [],
  skipped: [],
  cancelled: [],
};

/** How much a state says about the fate of the message. Facts from outside only ever raise it: the order in which they come does not matter. */
const FATE: Record<LedgerStatus, number> = {
  skipped: -1,
  cancelled: -1,
  queued: 0,
  sending: 0,
  unknown: 0,
  failed: 0,
  sent: 1,
  delivered: 2,
  dropped: 3,
  bounced: 4,
};

export function canMove(from: LedgerStatus, to: LedgerStatus): boolean {
  return WORK[from].includes(to);
}

/**
 * The state after a fact says that the message reached `fate`. A row that was never handed over cannot learn anything (`skipped`, `cancelled`);
 * for all others the higher fate wins: commutative, associative and idempotent.
 */
export function afterFact(current: LedgerStatus, fate: 'sent' | 'delivered' | 'dropped' | 'bounced'): LedgerStatus {
  return FATE[current] >= 0 && FATE[fate] > FATE[current] ? fate : current;
}

/** Nothing will happen to the row by our own doing. (`unknown` is open until it is settled: see `settled_at`.) */
export function isTerminal(status: LedgerStatus): boolean {
  return WORK[status].length === 0;
}

/** For a person: how many rows are in which state. `queued + sending` is what is still to come. */
export type LedgerCounts = Record<LedgerStatus, number> & { total: number };
