import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { burstReasons, TrackingService, type HitRef, type MessageHit, type UnappliedEvent } from '../tracking/index.js';
import { EventQueries, type TouchedEmail } from './event.queries.js';

const CACHE_SIZE = 5_000;

export interface Verdict {
  /** Of the events to be applied, those that their company gives away, by id. */
  reasons: Map<string, string>;
  /** Hits that were applied as a person's before that company came. */
  exposed: HitRef[];
  /** The messages of those. */
  exposedEmails: TouchedEmail[];
}

interface Suspect {
  email: TouchedEmail;
  hits: (MessageHit & { isApplied: boolean })[];
  /** Some of the hits came to our own pixel and links. */
  isOurTracking: boolean;
}

/** Tells people from machines by what one hit alone does not show: how soon it came and what came with it. */
@Injectable()
export class HitJudge {
  private readonly linkCounts = new Map<string, number>();

  constructor(
    private readonly queries: EventQueries,
    private readonly tracking: TrackingService,
  ) {}

  /** Looks at all hits of each message that these events click on, also at those applied before. `emails` by `tenant/id`, locked. */
  async judge(tx: Tx, events: readonly UnappliedEvent[], emails: ReadonlyMap<string, TouchedEmail>): Promise<Verdict> {
    const suspects = suspectsOf(events, emails);
    const verdict: Verdict = { reasons: new Map(), exposed: [], exposedEmails: [] };
    if (suspects.size === 0) return verdict;
    const messages = [...suspects.values()].map(({ email }) => email);
    const withHistory = [...suspects.values()].filter(mayHaveHistory).map(({ email }) => email);
    for (const hit of await this.tracking.appliedHits(tx, withHistory)) {
      suspects.get(keyOf(hit.tenantId, hit.emailId))!.hits.push({ ...hit, isApplied: true });
    }
    await this.learnLinkCounts(tx, messages);
    for (const suspect of suspects.values()) this.judgeOne(suspect, verdict);
    return verdict;
  }

  private judgeOne({ email, hits }: Suspect, { reasons, exposed, exposedEmails }: Verdict): void {
    const { tenantId, stepId } = email;
    const linkCount = this.linkCounts.get(keyOf(tenantId, stepId)) ?? 0;
    const found = burstReasons(hits, { acceptedAt: email.sentAt ?? email.sendingAt, linkCount });
    const before = exposed.length;
    for (const { id, at, isApplied } of hits) {
      const machineReason = found.get(id);
      if (machineReason === undefined) continue;
      if (isApplied) exposed.push({ tenantId, id, occurredAt: at, machineReason });
      else reasons.set(id, machineReason);
    }
    if (exposed.length > before) exposedEmails.push(email);
  }

  /** Content is frozen when a campaign is launched, so a number once known stays. */
  private async learnLinkCounts(tx: Tx, emails: readonly TouchedEmail[]): Promise<void> {
    const steps = new Map(emails.map(({ tenantId, stepId }) => [keyOf(tenantId, stepId), { tenantId, stepId }]));
    if ([...steps.keys()].every((key) => this.linkCounts.has(key))) return;
    if (this.linkCounts.size > CACHE_SIZE) this.linkCounts.clear();
    for (const { tenantId, stepId, count } of await this.queries.countLinks(tx, [...steps.values()])) {
      this.linkCounts.set(keyOf(tenantId, stepId), count);
    }
  }
}

/** A look at the unsubscribe page leaves no mark on the message; a provider that tracks for us never sees that page. */
function mayHaveHistory({ email, isOurTracking }: Suspect): boolean {
  return email.firstOpenedAt !== null || email.firstClickedAt !== null || isOurTracking;
}

/** Messages with a click among the events; an open alone says nothing unless the message was clicked before. */
function suspectsOf(events: readonly UnappliedEvent[], emails: ReadonlyMap<string, TouchedEmail>): Map<string, Suspect> {
  const suspects = new Map<string, Suspect>();
  for (const event of events) {
    const key = keyOf(event.tenantId, event.emailId);
    const email = emails.get(key);
    const isTelling = event.type === 'clicked' || event.type === 'unsubscribe_viewed' || (event.type === 'opened' && email?.firstClickedAt);
    if (email && isTelling) suspects.set(key, { email, hits: [], isOurTracking: false });
  }
  for (const event of events) {
    const { id, type, occurredAt: at, linkId, url, userAgent, machineReason } = event;
    if (type !== 'opened' && type !== 'clicked' && type !== 'unsubscribe_viewed') continue;
    const hit = { id, type, at, link: linkId ?? url, userAgent, machineReason, isApplied: false };
    const suspect = suspects.get(keyOf(event.tenantId, event.emailId));
    suspect?.hits.push(hit);
    if (suspect && event.source !== 'sendgrid') suspect.isOurTracking = true;
  }
  return suspects;
}

const keyOf = (tenantId: string, id: string): string => `${tenantId}/${id}`;
