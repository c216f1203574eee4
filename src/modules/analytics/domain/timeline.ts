export interface TimelineEnrollment {
  id: string;
  status: string;
  currentStepId: string | null;
  entryNumber: number;
  enrolledAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;
  exitedAt: Date | null;
  exitReason: string | null;
  lastError: string | null;
  stepEnteredAt: Date | null;
  nextEmailScheduledAt: Date | null;
  campaignStatus: string;
  /** Stands at an email under test, with the others who get its winner. */
  waitsForTest?: boolean;
}

export interface TimelineEmail {
  id: string;
  stepId: string;
  status: string;
  reason: string | null;
  detail: string | null;
  dueAt: Date;
  createdAt: Date;
  sendingAt: Date | null;
  sentAt: Date | null;
  settledAt: Date | null;
  toEmail: string | null;
  /** The variant it was drawn, by name. */
  variant?: string | null;
}

export interface TimelineEvent {
  emailId: string;
  type: string;
  occurredAt: Date;
  source: string;
  isMachine: boolean;
  machineReason: string | null;
  bounceClass: string | null;
  url: string | null;
  linkUrl: string | null;
  detail: string | null;
}

export const TIMELINE_TYPES = [
  'enrolled',
  'started',
  'planned',
  'sent',
  'skipped',
  'cancelled',
  'failed',
  'unknown',
  'processed',
  'deferred',
  'delivered',
  'bounced',
  'dropped',
  'opened',
  'clicked',
  'replied',
  'auto_replied',
  'complained',
  'unsubscribe_viewed',
  'unsubscribed',
  'resubscribed',
  'completed',
  'exited',
  'enrollment_failed',
  'waiting',
] as const;
export type TimelineType = (typeof TIMELINE_TYPES)[number];

/** Only what the type has: see the API's description. */
export interface TimelineDetail {
  emailId?: string;
  to?: string | null;
  reason?: string | null;
  message?: string | null;
  dueAt?: Date;
  source?: string;
  isMachine?: boolean;
  machineReason?: string | null;
  bounceClass?: string | null;
  url?: string | null;
  since?: Date | null;
  until?: Date | null;
  because?: 'due_time' | 'message_under_way' | 'ab_test' | 'held' | 'campaign_paused';
  variant?: string;
  entryNumber?: number;
}

export interface TimelineEntry {
  at: Date;
  type: TimelineType;
  stepId: string | null;
  stepName: string | null;
  detail: TimelineDetail;
}

interface Placed {
  entry: Omit<TimelineEntry, 'stepName'>;
  /** Where it belongs in time: not before what must have come before it, whatever another machine's clock said. */
  order: [time: number, message: number, rank: number];
}

const LAST = Number.MAX_SAFE_INTEGER;
const RANK = new Map(TIMELINE_TYPES.map((type, index) => [type as string, index]));

/** What happened to a person in a campaign, in order; for one still under way the last entry says what it waits for. */
export function buildTimeline(
  enrollment: TimelineEnrollment,
  emails: readonly TimelineEmail[],
  events: readonly TimelineEvent[],
  nameOfStep: (stepId: string) => string | null,
): TimelineEntry[] {
  const messages = new Map(emails.map((email, index) => [email.id, { email, index }]));
  const placed = [
    ...beginnings(enrollment),
    ...emails.flatMap((email, index) => lifeOf(email, index)),
    ...events.flatMap((event) => {
      const message = messages.get(event.emailId);
      return message ? [returned(event, message.email, message.index)] : [];
    }),
    ...endings(enrollment),
  ].sort((a, b) => compare(a.order, b.order));
  const entries = [...placed.map(({ entry }) => entry), ...present(enrollment, placed.at(-1)!.entry.at)];
  return entries.map(({ at, type, stepId, detail }) => ({ at, type, stepId, stepName: stepId && nameOfStep(stepId), detail }));
}

function beginnings({ enrolledAt, startedAt, entryNumber }: TimelineEnrollment): Placed[] {
  const detail = { entryNumber };
  const enrolled = place({ at: enrolledAt, type: 'enrolled', stepId: null, detail }, -1);
  return startedAt ? [enrolled, place({ at: startedAt, type: 'started', stepId: null, detail: {} }, -1)] : [enrolled];
}

function lifeOf(email: TimelineEmail, index: number): Placed[] {
  const { id: emailId, stepId, reason, detail: message } = email;
  const variant = email.variant ? { variant: email.variant } : {};
  const planned = place({ at: email.createdAt, type: 'planned', stepId, detail: { emailId, dueAt: email.dueAt, ...variant } }, index);
  if (email.sentAt) return [planned, place({ at: email.sentAt, type: 'sent', stepId, detail: { emailId, to: email.toEmail } }, index)];
  const { status: type } = email;
  if (type !== 'skipped' && type !== 'cancelled' && type !== 'failed' && type !== 'unknown') return [planned];
  const at = email.settledAt ?? email.sendingAt ?? email.createdAt;
  return [planned, place({ at, type, stepId, detail: { emailId, reason, message } }, index)];
}

function returned(event: TimelineEvent, email: TimelineEmail, index: number): Placed {
  const { type, source, isMachine, machineReason, bounceClass, occurredAt } = event;
  const detail: TimelineDetail = { emailId: email.id, source };
  if (type === 'opened' || type === 'clicked' || type === 'auto_replied') Object.assign(detail, { isMachine, machineReason });
  if (type === 'clicked') detail.url = event.url ?? event.linkUrl;
  if (type === 'bounced') detail.bounceClass = bounceClass;
  if (event.detail !== null) detail.message = event.detail;
  // Providers tell whole seconds: a delivery may seem to come before the sending.
  return place({ at: occurredAt, type: type as TimelineType, stepId: email.stepId, detail }, index, email.sentAt);
}

function endings({ completedAt, exitedAt, exitReason, currentStepId: stepId }: TimelineEnrollment): Placed[] {
  if (completedAt) return [place({ at: completedAt, type: 'completed', stepId, detail: {} }, LAST)];
  if (exitedAt) return [place({ at: exitedAt, type: 'exited', stepId, detail: { reason: exitReason } }, LAST)];
  return [];
}

/** How things stand, behind all that happened. When an enrolment failed is not recorded: it is the last thing that happened to it. */
function present(enrollment: TimelineEnrollment, lastAt: Date): Placed['entry'][] {
  const { status, nextEmailScheduledAt: until, stepEnteredAt: since, currentStepId: stepId, campaignStatus, lastError } = enrollment;
  if (status === 'failed') return [{ at: lastAt, type: 'enrollment_failed', stepId, detail: { message: lastError } }];
  if (status !== 'enrolled' && status !== 'active' && status !== 'paused') return [];
  const running = until === null ? 'message_under_way' : enrollment.waitsForTest ? 'ab_test' : 'due_time';
  const because = status === 'paused' ? 'held' : campaignStatus === 'paused' ? 'campaign_paused' : running;
  const at = since !== null && since > lastAt ? since : lastAt;
  return [{ at, type: 'waiting', stepId, detail: { since, until, because } }];
}

function place(entry: Placed['entry'], message: number, notBefore: Date | null = null): Placed {
  const time = Math.max(entry.at.getTime(), notBefore?.getTime() ?? 0);
  return { entry, order: [time, message, RANK.get(entry.type) ?? 0] };
}

function compare(a: Placed['order'], b: Placed['order']): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
