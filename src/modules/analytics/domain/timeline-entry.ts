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
  /** What was decided about it: see `shared/trace.ts`. */
  trace: string;
  campaignType: string;
}

export const TIMELINE_TYPES = [
  'enrolled',
  'started',
  'condition',
  'branch',
  'wait_began',
  'wait_ended',
  'acted',
  'handed_over',
  'called',
  'call_result',
  'moved',
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
  because?: 'due_time' | 'message_under_way' | 'message_deferred' | 'ab_test' | 'held' | 'campaign_paused';
  variant?: string;
  entryNumber?: number;
  cause?: 'audience' | 'event' | 'segment' | 'hand' | 'campaign';
  event?: string;
  campaignId?: string;
  outcome?: string;
  isTrue?: boolean;
  rule?: object;
  path?: string;
  branch?: string;
  action?: object;
  callId?: string;
  attempts?: number;
  statusCode?: number | null;
}

export interface TimelineEntry {
  at: Date;
  type: TimelineType;
  stepId: string | null;
  stepName: string | null;
  detail: TimelineDetail;
  /** Why, in a sentence for people. */
  explanation: string | null;
}

export interface Placed {
  entry: Omit<TimelineEntry, 'stepName' | 'explanation'> & { explanation?: string | null };
  /** Where it belongs in time: not before what must have come before it, whatever another machine's clock said. */
  order: [time: number, message: number, rank: number, sequence: number];
}

/** Behind every message of the same instant. */
export const LAST = Number.MAX_SAFE_INTEGER;
const RANK = new Map(TIMELINE_TYPES.map((type, index) => [type as string, index]));

/** `message`: the place among the messages that it belongs to. `sequence` orders what was decided at one instant. */
export function place(
  entry: Placed['entry'],
  message: number,
  { notBefore = null, sequence = 0 }: { notBefore?: Date | null; sequence?: number } = {},
): Placed {
  const time = Math.max(entry.at.getTime(), notBefore?.getTime() ?? 0);
  return { entry, order: [time, message, sequence > 0 ? 0 : (RANK.get(entry.type) ?? 0), sequence] };
}

export function inOrder(placed: readonly Placed[]): Placed[] {
  return [...placed].sort(({ order: a }, { order: b }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3]);
}
