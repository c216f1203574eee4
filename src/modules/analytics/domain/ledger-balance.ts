/** One line of what the check reads: a count of rows of one campaign, by kind, state and reason; `ids` are a few of them where it helps. */
export interface LedgerFact {
  campaignId: string;
  kind: 'campaign' | 'enrollment' | 'email' | 'email_undecided' | 'call' | keyof typeof PROBLEMS;
  status: string | null;
  reason: string | null;
  count: number;
  ids: string[] | null;
}

export interface EnrollmentBalance {
  /** Rows of enrolments, whatever their state. */
  enrolled: number;
  inProgress: number;
  completed: number;
  exited: number;
  failed: number;
  exitedByReason: Record<string, number>;
  /** enrolled = inProgress + completed + exited + failed, and as many as the campaign says it has enrolled. */
  addsUp: boolean;
}

export interface EmailBalance {
  /** Rows of the ledger, whatever their state. */
  planned: number;
  queued: number;
  sending: number;
  /** Accepted by the provider, whatever came of it: delivered, bounced and dropped are among these. */
  sent: number;
  delivered: number;
  bounced: number;
  dropped: number;
  unknown: number;
  failed: number;
  skipped: number;
  cancelled: number;
  /** Why, for every state that has a reason. */
  byReason: Record<string, Record<string, number>>;
  /** planned = queued + sending + sent + unknown + failed + skipped + cancelled. */
  addsUp: boolean;
}

/** Of actions "webhook". */
export interface CallBalance {
  /** Rows, whatever their state: one for each contact that got to such a step, and for each entry. */
  recorded: number;
  pending: number;
  delivered: number;
  failed: number;
  cancelled: number;
  /** recorded = pending + delivered + failed + cancelled. */
  addsUp: boolean;
}

export interface LedgerProblem {
  code: string;
  message: string;
  count: number;
  /** A few of the rows, to look into. */
  sampleIds: string[];
}

export interface LedgerReport {
  campaignId: string;
  campaignStatus: string;
  enrollments: EnrollmentBalance;
  emails: EmailBalance;
  calls: CallBalance;
  problems: LedgerProblem[];
}

/** What must never be, found by looking at rows. Of enrolments the sample names enrolments, of emails messages. */
const PROBLEMS = {
  parked_without_email: 'enrolment(s) wait on an email step, but no message of that step is open in the ledger: they would wait for ever',
  stuck_without_due_time: 'enrolment(s) are under way without a due time and not on an email step: nothing would ever move them',
  open_email_of_departed: 'message(s) are open, but their contact has left the step',
  call_missing: 'enrolment(s) have come past a webhook step, but no call is recorded: the receiver would never be told',
  accepted_without_time: 'message(s) were accepted by the provider without a time of sending: they are missing from the analytics',
} as const;

const ACCEPTED = ['sent', 'delivered', 'bounced', 'dropped'];
const IN_PROGRESS = ['enrolled', 'active', 'paused'];

/** Balances each campaign (invariant I4). A campaign has a report if it has a `campaign` fact. */
export function balanceLedger(facts: readonly LedgerFact[]): LedgerReport[] {
  const byCampaign = new Map<string, LedgerFact[]>();
  for (const fact of facts) byCampaign.set(fact.campaignId, [...(byCampaign.get(fact.campaignId) ?? []), fact]);
  return [...byCampaign.values()].map(balance);
}

/** Rollups that are not what a recount finds (invariant I8). */
export function countsDiffer(count: number, example: string): LedgerProblem[] {
  const message = `${count} number(s) of the analytics differ from a recount, for example ${example}: \`cli analytics:rebuild\` makes them anew.`;
  return [{ code: 'counts_differ', count, message, sampleIds: [] }];
}

/** Nothing is lost and nothing contradicts: what `cli ledger:check` and the tests insist on. */
export function isSound({ enrollments, emails, calls, problems }: LedgerReport): boolean {
  return enrollments.addsUp && emails.addsUp && calls.addsUp && problems.length === 0;
}

function balance(facts: LedgerFact[]): LedgerReport {
  const campaign = facts.find(({ kind }) => kind === 'campaign')!;
  const enrollments = balanceEnrollments(facts, campaign.count);
  const emails = balanceEmails(facts);
  const undecided = sumOf(facts, ({ kind }) => kind === 'email_undecided');
  return {
    campaignId: campaign.campaignId,
    campaignStatus: campaign.status!,
    enrollments,
    emails,
    calls: balanceCalls(facts.filter(({ kind }) => kind === 'call')),
    problems: [...contradictions(campaign, enrollments, emails, undecided), ...facts.flatMap(toProblem)],
  };
}

function balanceEnrollments(facts: LedgerFact[], total: number): EnrollmentBalance {
  const rows = facts.filter(({ kind }) => kind === 'enrollment');
  const count = (...states: string[]) => sumOf(rows, ({ status }) => states.includes(status!));
  const enrolled = sumOf(rows, () => true);
  const states = { inProgress: count(...IN_PROGRESS), completed: count('completed'), exited: count('exited'), failed: count('failed') };
  const sum = states.inProgress + states.completed + states.exited + states.failed;
  const exitedByReason = byReason(rows.filter(({ status }) => status === 'exited'));
  return { enrolled, ...states, exitedByReason, addsUp: sum === enrolled && enrolled === total };
}

function balanceEmails(facts: LedgerFact[]): EmailBalance {
  const rows = facts.filter(({ kind }) => kind === 'email' || kind === 'email_undecided');
  const count = (...states: string[]) => sumOf(rows, ({ status }) => states.includes(status!));
  const planned = sumOf(rows, () => true);
  const states = {
    queued: count('queued'),
    sending: count('sending'),
    sent: count(...ACCEPTED),
    unknown: count('unknown'),
    failed: count('failed'),
    skipped: count('skipped'),
    cancelled: count('cancelled'),
  };
  const explained = [...new Set(rows.filter(({ reason }) => reason !== null).map(({ status }) => status!))];
  return {
    planned,
    ...states,
    delivered: count('delivered'),
    bounced: count('bounced'),
    dropped: count('dropped'),
    byReason: Object.fromEntries(explained.map((state) => [state, byReason(rows.filter(({ status }) => status === state))])),
    addsUp: Object.values(states).reduce((sum, n) => sum + n, 0) === planned,
  };
}

function balanceCalls(rows: LedgerFact[]): CallBalance {
  const count = (state: string) => sumOf(rows, ({ status }) => status === state);
  const recorded = sumOf(rows, () => true);
  const states = { pending: count('pending'), delivered: count('delivered'), failed: count('failed'), cancelled: count('cancelled') };
  return { recorded, ...states, addsUp: Object.values(states).reduce((sum, n) => sum + n, 0) === recorded };
}

function contradictions(campaign: LedgerFact, enrollments: EnrollmentBalance, emails: EmailBalance, undecided: number): LedgerProblem[] {
  const problems: LedgerProblem[] = [];
  const found = (code: string, count: number, message: string) => problems.push({ code, count, message, sampleIds: [] });
  const missing = campaign.count - enrollments.enrolled;
  if (missing !== 0) {
    const message = `The campaign says it has enrolled ${campaign.count}, but has ${enrollments.enrolled} enrolment(s).`;
    found('enrolled_differs', Math.abs(missing), message);
  }
  if (campaign.status === 'completed') {
    const open = enrollments.inProgress + emails.queued + emails.sending + undecided;
    const what = `${enrollments.inProgress} enrolment(s) are under way and ${emails.queued + emails.sending + undecided} message(s) undecided`;
    if (open > 0) found('completed_with_open', open, `The campaign is completed, but ${what}.`);
  }
  return problems;
}

function toProblem({ kind, count, ids }: LedgerFact): LedgerProblem[] {
  if (!(kind in PROBLEMS)) return [];
  return [{ code: kind, message: `${count} ${PROBLEMS[kind as keyof typeof PROBLEMS]}.`, count, sampleIds: ids ?? [] }];
}

function byReason(rows: LedgerFact[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason, count } of rows) if (reason !== null) counts[reason] = (counts[reason] ?? 0) + count;
  return counts;
}

function sumOf(facts: LedgerFact[], wanted: (fact: LedgerFact) => boolean): number {
  return facts.filter(wanted).reduce((sum, { count }) => sum + count, 0);
}
