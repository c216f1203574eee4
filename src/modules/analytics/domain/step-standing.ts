/** How many messages or people are at a step in one state, for one reason. */
export interface StandingRow {
  stepId: string;
  kind: 'mail' | 'person';
  state: string;
  reason: string;
  count: number;
}

/** What became of the messages planned for a step, and of the people who came to it. */
export interface StepStanding {
  /** Rows in the ledger: contacts whose message of this step was planned. */
  planned: number;
  /** Still queued or with the provider. */
  pending: number;
  /** May or may not have been handed over. */
  unknown: number;
  skipped: number;
  failed: number;
  cancelled: number;
  dropped: number;
  skippedByReason: Record<string, number>;
  failedByReason: Record<string, number>;
  waiting: number;
  exited: number;
  contactsFailed: number;
  completed: number;
  exitedByReason: Record<string, number>;
  /** Of the people, those for whom no message of this step was planned (yet). Means something on email steps only. */
  unplanned: number;
  reentered: number;
}

/** The step of people who stand at none. */
export const NO_STEP = '00000000-0000-0000-0000-000000000000';

export function emptyStanding(): StepStanding {
  const mail = {
    planned: 0,
    pending: 0,
    unknown: 0,
    skipped: 0,
    failed: 0,
    cancelled: 0,
    dropped: 0,
    skippedByReason: {},
    failedByReason: {},
  };
  return { ...mail, waiting: 0, exited: 0, contactsFailed: 0, completed: 0, exitedByReason: {}, unplanned: 0, reentered: 0 };
}

type Count = { [Key in keyof StepStanding]: StepStanding[Key] extends number ? Key : never }[keyof StepStanding];
type Reasons = { [Key in keyof StepStanding]: StepStanding[Key] extends number ? never : Key }[keyof StepStanding];

const MAIL: Record<string, Count> = {
  queued: 'pending',
  sending: 'pending',
  unknown: 'unknown',
  skipped: 'skipped',
  failed: 'failed',
  cancelled: 'cancelled',
  dropped: 'dropped',
};
const PERSON: Record<string, Count> = {
  waiting: 'waiting',
  exited: 'exited',
  failed: 'contactsFailed',
  completed: 'completed',
  unplanned: 'unplanned',
  reentered: 'reentered',
};
const REASONS: Record<string, Reasons> = {
  'mail skipped': 'skippedByReason',
  'mail failed': 'failedByReason',
  'person exited': 'exitedByReason',
};

/** By step; people who stand at none are under `NO_STEP`. */
export function standingsOf(rows: Iterable<StandingRow>): Map<string, StepStanding> {
  const standings = new Map<string, StepStanding>();
  for (const { stepId, kind, state, reason, count } of rows) {
    const standing = standings.get(stepId) ?? emptyStanding();
    standings.set(stepId, standing);
    if (kind === 'mail') standing.planned += count;
    const name = (kind === 'mail' ? MAIL : PERSON)[state];
    if (name) standing[name] += count;
    const reasons = REASONS[`${kind} ${state}`];
    if (reasons) standing[reasons][reason] = (standing[reasons][reason] ?? 0) + count;
  }
  return standings;
}
