import { causeOf, decisionsOf, entryOf, type DecisionFacts } from './timeline-decisions.js';
import {
  inOrder,
  LAST,
  place,
  type Placed,
  type TimelineDetail,
  type TimelineEnrollment,
  type TimelineEntry,
  type TimelineType,
} from './timeline-entry.js';
import { explain } from './timeline-words.js';

export interface TimelineEmail {
  id: string;
  stepId: string;
  entryNumber: number;
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

/** What happened to a person in a campaign, in order; for one still under way the last entry says what it waits for. */
export function buildTimeline(
  enrollment: TimelineEnrollment,
  emails: readonly TimelineEmail[],
  events: readonly TimelineEvent[],
  facts: DecisionFacts,
): TimelineEntry[] {
  const messages = new Map(emails.map((email, index) => [email.id, { email, index }]));
  const placed = inOrder([
    ...beginnings(enrollment, facts),
    ...decisionsOf(enrollment, facts),
    ...emails.flatMap((email, index) => lifeOf(email, index)),
    ...events.flatMap((event) => {
      const message = messages.get(event.emailId);
      return message ? [returned(event, message.email, message.index)] : [];
    }),
    ...endings(enrollment),
  ]);
  const entries = [...placed.map(({ entry }) => entry), ...present(enrollment, emails, placed.at(-1)!.entry.at)];
  return entries.map(({ at, type, stepId, detail, explanation = explain(type, detail) }) => ({
    at,
    type,
    stepId,
    stepName: stepId && facts.names.step(stepId),
    detail,
    explanation,
  }));
}

function beginnings(enrollment: TimelineEnrollment, facts: DecisionFacts): Placed[] {
  const { enrolledAt, startedAt, entryNumber } = enrollment;
  const enrolled = place(entryOf(enrolledAt, entryNumber, causeOf(enrollment), facts), -1);
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
  return place({ at: occurredAt, type: type as TimelineType, stepId: email.stepId, detail }, index, { notBefore: email.sentAt });
}

function endings({ completedAt, exitedAt, exitReason, currentStepId: stepId }: TimelineEnrollment): Placed[] {
  if (completedAt) return [place({ at: completedAt, type: 'completed', stepId, detail: {} }, LAST)];
  if (exitedAt) return [place({ at: exitedAt, type: 'exited', stepId, detail: { reason: exitReason } }, LAST)];
  return [];
}

/** How things stand, behind all that happened. When an enrolment failed is not recorded: it is the last thing that happened to it. */
function present(enrollment: TimelineEnrollment, emails: readonly TimelineEmail[], lastAt: Date): Placed['entry'][] {
  const { status, nextEmailScheduledAt: dueAt, stepEnteredAt: since, currentStepId: stepId, campaignStatus, lastError } = enrollment;
  if (status === 'failed') return [{ at: lastAt, type: 'enrollment_failed', stepId, detail: { message: lastError } }];
  if (status !== 'enrolled' && status !== 'active' && status !== 'paused') return [];
  const deferred = dueAt === null ? emails.find((email) => email.status === 'queued' && email.reason !== null) : undefined;
  const until = deferred?.dueAt ?? dueAt;
  const running = deferred ? 'message_deferred' : dueAt === null ? 'message_under_way' : enrollment.waitsForTest ? 'ab_test' : 'due_time';
  const because = status === 'paused' ? 'held' : campaignStatus === 'paused' ? 'campaign_paused' : running;
  const at = since !== null && since > lastAt ? since : lastAt;
  return [{ at, type: 'waiting', stepId, detail: { since, until, because, ...(deferred ? { reason: deferred.reason } : {}) } }];
}
