export const ENROLLMENT_STATUSES = ['enrolled', 'active', 'paused', 'completed', 'exited', 'failed'] as const;
export type EnrollmentStatus = (typeof ENROLLMENT_STATUSES)[number];

export const EXIT_REASONS = [
  'unsubscribed',
  'bounced',
  'complained',
  'replied',
  'goal',
  'left_segment',
  'removed',
  'campaign_ended',
  'campaign_cancelled',
  'contact_deleted',
  'suppressed',
  'step_removed',
] as const;
/** Why an enrolment left the flow before its end. An `exit` action may give a reason of its own beside these. */
export type ExitReason = (typeof EXIT_REASONS)[number];

/** A claimed enrolment: locked by the transaction that claimed it. */
export interface DueEnrollment {
  id: string;
  contactId: string;
  status: 'enrolled' | 'active';
  stepId: string;
  entryNumber: number;
  stepsCompleted: number;
  /** The due time it was claimed for: waits are anchored on it, not on the worker's clock, so that they do not drift. */
  dueAt: Date;
  /** Set while the contact is inside its step (a wait that has begun); null when the step is still to be begun. */
  stepEnteredAt: Date | null;
  /** The contact's own zone, where it has one. */
  timezone: string | null;
}

/** Where an advance leaves an enrolment. Exactly one of these is written per claimed row. */
export interface EnrollmentMove {
  id: string;
  status: 'active' | 'completed' | 'exited';
  stepId: string | null;
  stepsCompleted: number;
  /** Null parks the contact: on an email step until the ledger says how it went. */
  dueAt: Date | null;
  stepEnteredAt: Date | null;
  exitReason: string | null;
  /** What was decided about it in this run: marks of `shared/trace.ts`. */
  trace?: string;
}

/** How the message of an email step went, as the ledger reports it. */
export interface EmailStepResult {
  enrollmentId: string;
  stepId: string;
  entryNumber: number;
  /** `sent` and `skipped` go on to the next step, `failed` ends the enrolment as failed, `exited` as exited. */
  outcome: 'sent' | 'skipped' | 'failed' | 'exited';
  /** When it happened: the anchor of what follows. */
  at: Date;
  exitReason?: ExitReason;
  error?: string;
}

export interface EnrollmentSelection {
  /** Only in marketing campaigns. */
  marketingOnly?: boolean;
  campaignId?: string;
  contactIds?: string[];
  enrollmentIds?: string[];
}
