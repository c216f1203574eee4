import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import { ContactEffects } from '../contacts/index.js';
import { EnrollmentService } from '../enrollment/index.js';
import { Waits } from '../triggers/index.js';
import {
  HitInbox,
  TrackingService,
  WebhookInbox,
  type AppliedEvent,
  type EventStore,
  type JudgedEvent,
  type TenantEvent,
  type UnappliedEvent,
} from '../tracking/index.js';
import { withFact } from './domain/facts.js';
import { CampaignGuard } from './campaign-guard.service.js';
import { EventQueries, type TouchedEmail } from './event.queries.js';
import { MailCounters } from './mail-counters.js';
import { HitJudge, type Verdict } from './hit-judge.js';

interface AddressFact {
  email: string;
  at: Date;
}

interface Judged<E extends UnappliedEvent = UnappliedEvent> {
  tenantId: string;
  event: E;
  email: TouchedEmail;
  isMachine: boolean;
  machineReason: string | null;
}

/** Applies facts from outside to the ledger, in sets, and draws the consequences: who bounced or complained gets no more mail. */
@Injectable()
export class EventApplier {
  constructor(
    private readonly db: Database,
    private readonly queries: EventQueries,
    private readonly tracking: TrackingService,
    private readonly judge: HitJudge,
    private readonly enrollments: EnrollmentService,
    private readonly contacts: ContactEffects,
    private readonly inbox: WebhookInbox,
    private readonly hits: HitInbox,
    private readonly clock: Clock,
    private readonly guard: CampaignGuard,
    private readonly waits: Waits,
    private readonly ids: Ids,
    private readonly counters: MailCounters,
  ) {}

  /** Returns how many events were applied. Events of messages that do not exist (yet) stay where they are. */
  async applyEvents(limit: number): Promise<number> {
    const judged = await this.db.asSystem(async (tx) => {
      const events = await this.tracking.claimUnapplied(tx, limit);
      if (events.length === 0) return [];
      const before = await this.lockEmails(tx, events);
      const verdict = await this.judge.judge(tx, events, before);
      const judged = judge(events, before, verdict);
      await this.tracking.markApplied(tx, judged.map(appliedOf));
      await this.conclude(tx, before, judged, verdict);
      return judged;
    });
    this.noteFailures(judged);
    return judged.length;
  }

  /** Takes one stored webhook call apart and applies its events in the same transaction. False if none waits. */
  applyNextBatch(): Promise<boolean> {
    return this.storing((store) => this.inbox.processNext(store));
  }

  /** Applies hits on pixels and links; true while there may be more. */
  applyNextHits(): Promise<boolean> {
    return this.storing((store) => this.hits.processNext(store));
  }

  private async storing<T>(process: (store: EventStore) => Promise<T>): Promise<T> {
    const applied: Judged[] = [];
    const result = await process(async (tx, events) => {
      const { fresh, stored } = await this.store(tx, events);
      applied.push(...fresh);
      return stored;
    });
    this.noteFailures(applied);
    return result;
  }

  /** Once they are committed, so that whoever looks finds them. */
  private noteFailures(judged: Judged[]): void {
    this.counters.countFeedback(judged.map(({ event }) => event));
    for (const { event, email } of judged) {
      if (event.type === 'bounced' || event.type === 'complained') this.guard.note(email.tenantId, email.campaignId);
    }
  }

  private async store(tx: Tx, events: TenantEvent[]): Promise<{ fresh: Judged[]; stored: number }> {
    const incoming = events.map((event) => asUnapplied(event, this.ids.uuid()));
    const before = await this.lockEmails(tx, incoming);
    const verdict = await this.judge.judge(tx, incoming, before);
    const judged = judge(incoming, before, verdict);
    const parked = incoming.filter(({ tenantId, emailId }) => !before.has(keyOf(tenantId, emailId)));
    const isNew = await this.tracking.appendJudged(tx, [
      ...judged.map((one) => ({ event: one.event, applied: appliedOf(one) })),
      ...parked.map((event) => ({ event, applied: null })),
    ]);
    const fresh = judged.filter(({ event }) => isNew.has(event.id));
    await this.conclude(tx, before, fresh, verdict);
    return { fresh, stored: isNew.size };
  }

  /** The messages of these events by `tenant/id`, locked in one order. */
  private async lockEmails(tx: Tx, events: UnappliedEvent[]): Promise<Map<string, TouchedEmail>> {
    const emails = await this.queries.lockEmails(tx, distinctEmails(events));
    return new Map(emails.map((email) => [keyOf(email.tenantId, email.id), email]));
  }

  /** What events that have just been written mean for their messages and for people. */
  private async conclude(tx: Tx, before: Map<string, TouchedEmail>, judged: Judged[], { exposed, exposedEmails }: Verdict): Promise<void> {
    const after = new Map(before);
    for (const { event, email, isMachine } of judged) {
      const key = keyOf(email.tenantId, email.id);
      const current = after.get(key) as TouchedEmail;
      after.set(key, { ...current, ...withFact(current, { ...event, isMachine }) });
    }
    await this.save(tx, before, [...after.values()]);
    for (const [tenantId, own] of byTenant(judged)) await this.drawConsequences(tx, tenantId, own);
    if (exposed.length > 0) {
      await this.tracking.markMachine(tx, exposed);
      await this.queries.recountPeople(tx, exposedEmails);
    }
  }

  /** A row that was open and of which we now know that it was handed over lets its contact go on. */
  private async save(tx: Tx, before: Map<string, TouchedEmail>, after: TouchedEmail[]): Promise<void> {
    const now = this.clock.now();
    const changed = after.filter((email) => email !== before.get(keyOf(email.tenantId, email.id)));
    const settled = changed.filter((email) => isOpen(before.get(keyOf(email.tenantId, email.id)) as TouchedEmail) && !isOpen(email));
    for (const email of settled) email.settledAt ??= now;
    if (changed.length > 0) await this.queries.saveFates(tx, changed);
    for (const [tenantId, emails] of byTenant(settled)) {
      const results = emails.map(({ enrollmentId, stepId, entryNumber, sentAt }) => ({
        enrollmentId,
        stepId,
        entryNumber,
        outcome: 'sent' as const,
        at: sentAt ?? now,
      }));
      await this.enrollments.leaveEmailStep(tx, tenantId, results);
    }
  }

  private async drawConsequences(tx: Tx, tenantId: string, judged: Judged[]): Promise<void> {
    const of = (wanted: (event: UnappliedEvent) => boolean) => judged.filter(({ event }) => wanted(event));
    const bounced = of(({ type, bounceClass }) => type === 'bounced' && bounceClass === 'hard');
    await this.suppress(tx, tenantId, bounced, 'hard_bounce');
    await this.suppress(
      tx,
      tenantId,
      of(({ type }) => type === 'complained'),
      'complaint',
    );
    const soft = of(({ type, bounceClass }) => type === 'bounced' && bounceClass === 'soft');
    const arrived = of(({ type }) => ARRIVED.has(type));
    await this.recordSoftBounces(tx, tenantId, soft.flatMap(addressed), arrived.flatMap(addressed));
    await this.unsubscribe(
      tx,
      tenantId,
      of(({ type }) => type === 'unsubscribed'),
    );
    await this.endByReply(
      tx,
      tenantId,
      of(({ type }) => type === 'replied'),
    );
    const engaged = of(({ type }) => type === 'opened' || type === 'clicked' || type === 'replied');
    await this.waits.wakeEngaged(
      tx,
      tenantId,
      engaged.map(({ email }) => email),
      this.clock.now(),
    );
  }

  /** A bounce may be told after an arrival that came after it, in a batch of its own: the ledger still knows of that. */
  private async recordSoftBounces(tx: Tx, tenantId: string, bounces: AddressFact[], arrivals: AddressFact[]): Promise<void> {
    const addresses = bounces.map(({ email }) => email);
    const known = addresses.length === 0 ? [] : await this.queries.arrivalsAt(tx, tenantId, addresses);
    await this.contacts.recordSoftBounces(tx, tenantId, { bounces, arrivals: [...arrivals, ...known] });
  }

  private async suppress(tx: Tx, tenantId: string, judged: Judged[], reason: 'hard_bounce' | 'complaint'): Promise<void> {
    // The address, not the contact: one who has another by now does not inherit what happened to the old one.
    const entries = judged.flatMap(({ email, event }) =>
      email.toEmail === null ? [] : [{ email: email.toEmail, reason, source: event.source, detail: event.detail ?? undefined }],
    );
    await this.contacts.suppress(tx, tenantId, entries);
  }

  /** Somebody who answers is talking with people now: a sequence that is set so ends for them. */
  private async endByReply(tx: Tx, tenantId: string, judged: Judged[]): Promise<void> {
    if (judged.length === 0) return;
    const enrollmentIds = await this.queries.endedByReply(tx, tenantId, [...new Set(judged.map(({ email }) => email.enrollmentId))]);
    if (enrollmentIds.length > 0) await this.enrollments.exit(tx, tenantId, { enrollmentIds }, 'replied', this.clock.now());
  }

  private async unsubscribe(tx: Tx, tenantId: string, judged: Judged[]): Promise<void> {
    for (const { event, email } of judged) {
      // Through our own page the contact is unsubscribed already, and may have come back since.
      if (event.source === 'page' || event.source === 'one_click') continue;
      const how = { reason: `reported by ${event.source}`, at: event.occurredAt, source: 'provider' as const };
      await this.contacts.unsubscribe(tx, tenantId, email.contactId, how);
    }
  }
}

/** Events of messages that are not known drop out. */
function judge<E extends UnappliedEvent>(events: E[], emails: Map<string, TouchedEmail>, { reasons }: Verdict): Judged<E>[] {
  return events.flatMap((event) => {
    const email = emails.get(keyOf(event.tenantId, event.emailId));
    if (!email) return [];
    const reason = reasons.get(event.id);
    const isMachine = event.isMachine || reason !== undefined;
    const told = isForgotten(email) ? withoutPerson(event) : event;
    return [{ tenantId: event.tenantId, event: told, email, isMachine, machineReason: event.machineReason ?? reason ?? null }];
  });
}

/** It went out, and its contact has been erased since. */
function isForgotten({ sendingAt, toEmail }: TouchedEmail): boolean {
  return sendingAt !== null && toEmail === null;
}

/** What providers say about a message tends to quote its address. */
function withoutPerson<E extends UnappliedEvent>(event: E): E {
  return { ...event, detail: null, userAgent: null, url: null };
}

function asUnapplied(event: TenantEvent, id: string): JudgedEvent['event'] {
  const { isMachine = false, machineReason = null, bounceClass = null, linkId = null, url = null } = event;
  const { userAgent = null, detail = null, providerEventId = null } = event;
  return { ...event, id, isMachine, machineReason, bounceClass, linkId, url, userAgent, detail, providerEventId };
}

/** Whoever does something with a message has received it. */
const ARRIVED = new Set(['delivered', 'opened', 'clicked', 'replied', 'complained']);

function addressed({ email, event }: Judged): AddressFact[] {
  return email.toEmail === null ? [] : [{ email: email.toEmail, at: event.occurredAt }];
}

function appliedOf({ event, email, isMachine, machineReason }: Judged): AppliedEvent {
  const { tenantId, id, occurredAt } = event;
  return { tenantId, id, occurredAt, campaignId: email.campaignId, isMachine, machineReason };
}

function isOpen({ status, settledAt }: TouchedEmail): boolean {
  return status === 'queued' || status === 'sending' || (status === 'unknown' && settledAt === null);
}

function distinctEmails(events: UnappliedEvent[]): { tenantId: string; id: string }[] {
  const emails = events.map(({ tenantId, emailId }) => [keyOf(tenantId, emailId), { tenantId, id: emailId }] as const);
  return [...new Map(emails).values()];
}

function byTenant<T extends { tenantId: string }>(items: T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.tenantId);
    if (group) group.push(item);
    else groups.set(item.tenantId, [item]);
  }
  return groups;
}

const keyOf = (tenantId: string, id: string): string => `${tenantId}/${id}`;
