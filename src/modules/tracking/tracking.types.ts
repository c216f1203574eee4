import type { MessageHit } from './domain/machine.js';
import type { BounceClass, EmailEventType } from './entities/email-event.entity.js';

/** A fact to append. `occurredAt` and `dedupeKey` together say what is "the same event": a repeated delivery of it changes nothing. */
export interface NewEmailEvent {
  emailId: string;
  type: EmailEventType;
  /** `pixel`, `link`, `page`, `one_click`, `inbound`, or the provider's name. */
  source: string;
  occurredAt: Date;
  /** Derived from what happened (type, message, second, address), not from a provider's event id: providers change ids when they retry. */
  dedupeKey: string;
  isMachine?: boolean;
  machineReason?: string | null;
  bounceClass?: BounceClass | null;
  linkId?: string | null;
  url?: string | null;
  userAgent?: string | null;
  detail?: string | null;
  providerEventId?: string | null;
}

/** A request for a pixel, a link or the unsubscribe page, as it is kept until it is applied. */
export interface TrackedHit {
  tenantId: string;
  emailId: string;
  type: 'opened' | 'clicked' | 'unsubscribe_viewed';
  /** Milliseconds since 1970. */
  at: number;
  linkId: string | null;
  url: string | null;
  userAgent: string | null;
  /** Why it is a machine's, as far as the request admits it. */
  machineReason: string | null;
}

/** An event that waits to be applied to its message; locked by the transaction that claimed it. */
export interface UnappliedEvent {
  tenantId: string;
  id: string;
  occurredAt: Date;
  emailId: string;
  type: EmailEventType;
  source: string;
  isMachine: boolean;
  machineReason: string | null;
  bounceClass: BounceClass | null;
  detail: string | null;
  linkId: string | null;
  url: string | null;
  userAgent: string | null;
}

/** An event on its way in: judged against its message, or `null` where its message is not known (yet). */
export interface JudgedEvent {
  event: UnappliedEvent & { dedupeKey: string; providerEventId: string | null };
  applied: { campaignId: string; isMachine: boolean; machineReason: string | null } | null;
}

/** An open, a click or a look at the unsubscribe page that has been applied. */
export interface AppliedHit extends MessageHit {
  tenantId: string;
  emailId: string;
}

/** A hit that turns out to have been a machine's after it was applied. */
export interface HitRef {
  tenantId: string;
  id: string;
  occurredAt: Date;
  machineReason: string;
}

/** The verdict on one claimed event. */
export interface AppliedEvent {
  tenantId: string;
  id: string;
  occurredAt: Date;
  campaignId: string;
  isMachine: boolean;
  machineReason: string | null;
}
