import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { rememberingSendTime } from '../../shared/send-window.js';
import { isTimeZone } from '../../shared/time-zone.js';
import { allocate, domainLimit, idOf, limitsOf, type Allocation, type Grant, type Limit } from './domain/budget.js';
import { applyCap, windowStart } from './domain/frequency-cap.js';
import type { ClaimedEmail, SendingCampaign, Settlement } from './delivery.types.js';
import { PacingQueries } from './pacing.queries.js';

/** What is over the budget is given times of its own in steps of so many. */
const SPREAD_ROWS = 5_000;
const DAY_MS = 24 * 3_600_000;

export interface Paced {
  allowed: ClaimedEmail[];
  /** Rows that wait or are left out, to be settled in the same transaction. */
  held: Settlement[];
  /** The campaign's budget is used up: further rows would only be held too. */
  isExhausted: boolean;
  /** To be called with the rows that were fired after all, in the same transaction. */
  settle(tx: Tx, fired: Set<string>): Promise<void>;
}

/** When and how fast: send windows, frequency caps and budgets. A campaign without any of them costs nothing here. */
@Injectable()
export class Pacer {
  constructor(private readonly queries: PacingQueries) {}

  /** The largest group worth claiming and rendering at once under the campaign's rates; Infinity without one. */
  largestGroup(campaign: SendingCampaign, accountKey: string, now: Date): number {
    return Math.max(10, Math.min(...limitsOf(campaign, accountKey, now).map(({ capacity }) => Math.ceil(capacity)), Infinity));
  }

  /** Parts the rows whose contacts may get mail at this hour from those who wait for theirs. Reads nothing. */
  byWindow(campaign: SendingCampaign, emails: ClaimedEmail[], now: Date): { open: ClaimedEmail[]; held: Settlement[] } {
    const quiet = campaign.category === 'marketing' ? (campaign.settings?.quietHours ?? null) : null;
    if (!campaign.sendWindow && !quiet) return { open: emails, held: [] };
    const timeIn = rememberingSendTime(now, campaign.sendWindow, quiet);
    const open: ClaimedEmail[] = [];
    const held: Settlement[] = [];
    for (const email of emails) {
      const time = timeIn(isTimeZone(email.timezone) ? email.timezone : campaign.timezone);
      if (time?.getTime() === now.getTime()) open.push(email);
      // A window wholly inside quiet hours never opens: look again tomorrow, somebody may have changed one of them.
      else held.push(waiting(email, 'send_window', time ?? new Date(now.getTime() + DAY_MS), now));
    }
    return { open, held };
  }

  /** Windows, then the cap, then the budget, each for those whom the one before let pass. Inside the transaction that fires. */
  async pace(tx: Tx, campaign: SendingCampaign, accountKey: string, group: ClaimedEmail[], now: Date): Promise<Paced> {
    const { open, held } = this.byWindow(campaign, group, now);
    const uncapped = await this.byCap(tx, campaign, open, held, now);
    const allocation = await this.byBudget(tx, campaign, accountKey, uncapped, now);
    if (!allocation) return { allowed: uncapped, held, isExhausted: false, settle: async () => undefined };
    for (const { item, dueAt, reason } of allocation.deferred) held.push(waiting(item, reason, dueAt, now));
    return {
      allowed: allocation.allowed,
      held,
      isExhausted: allocation.exhausted !== null,
      settle: (inner, fired) => this.settleBudget(inner, campaign, accountKey, allocation, fired, now),
    };
  }

  private async byCap(tx: Tx, campaign: SendingCampaign, emails: ClaimedEmail[], held: Settlement[], now: Date): Promise<ClaimedEmail[]> {
    const cap = campaign.category === 'marketing' ? (campaign.frequencyCap ?? campaign.settings?.frequencyCap) : null;
    if (!cap || emails.length === 0) return emails;
    const contactIds = [...new Set(emails.map(({ contactId }) => contactId))];
    await this.queries.lockContacts(tx, campaign.tenantId, contactIds);
    const found = await this.queries.mailSince(tx, campaign.tenantId, contactIds, windowStart(cap, now));
    const { allowed, over } = applyCap(emails, new Map(found.map(({ contactId, times }) => [contactId, times])), cap, now);
    for (const { item, dueAt } of over) {
      if (cap.policy === 'skip') held.push({ ...refOf(item), status: 'skipped', reason: 'frequency_cap', detail: null, at: now });
      else held.push(waiting(item, 'frequency_cap', dueAt, now));
    }
    return allowed;
  }

  private async byBudget(
    tx: Tx,
    campaign: SendingCampaign,
    accountKey: string,
    emails: ClaimedEmail[],
    now: Date,
  ): Promise<Allocation<ClaimedEmail> | null> {
    const common = limitsOf(campaign, accountKey, now);
    if (emails.length === 0 || (common.length === 0 && !campaign.settings?.domainRates?.length)) return null;
    const asked = new Map<string, { limit: Limit; wanted: number }>();
    const items = emails.map((item) => {
      const domain = domainLimit(campaign, item.email);
      const limits = domain ? [...common, domain] : common;
      for (const limit of limits) {
        const ask = asked.get(idOf(limit));
        if (ask) ask.wanted++;
        else asked.set(idOf(limit), { limit, wanted: 1 });
      }
      return { item, limits };
    });
    return allocate(items, await this.take(tx, campaign.tenantId, [...asked.values()], now), now);
  }

  private async take(tx: Tx, tenantId: string, asked: { limit: Limit; wanted: number }[], now: Date): Promise<Map<string, Grant>> {
    const grants = new Map<string, Grant>();
    const limits = new Map(asked.map(({ limit }) => [idOf(limit), limit]));
    let open = asked;
    for (let round = 0; open.length > 0 && round < 3; round++) {
      if (round > 0)
        await this.queries.open(
          tx,
          tenantId,
          now,
          open.map(({ limit }) => limit),
        );
      for (const { scope, key, ...taken } of await this.queries.take(tx, tenantId, now, open)) {
        const id = idOf({ scope, key });
        grants.set(id, { ...taken, limit: limits.get(id)! });
      }
      open = open.filter(({ limit }) => !grants.has(idOf(limit)));
    }
    for (const { limit } of open) grants.set(idOf(limit), { limit, granted: 0, tokens: 0, spreadUntil: null });
    return grants;
  }

  /** Tokens of rows that the gate refused for other reasons go back; what else is due and cannot go is spread over the time to come. */
  private async settleBudget(
    tx: Tx,
    campaign: SendingCampaign,
    accountKey: string,
    allocation: Allocation<ClaimedEmail>,
    fired: Set<string>,
    now: Date,
  ): Promise<void> {
    const { changes, exhausted } = allocation;
    for (const email of allocation.allowed) {
      if (fired.has(email.id)) continue;
      const domain = domainLimit(campaign, email.email);
      for (const limit of [...limitsOf(campaign, accountKey, now), ...(domain ? [domain] : [])]) {
        const change = changes.get(idOf(limit)) ?? { limit, back: 0, spreadUntil: null };
        changes.set(idOf(limit), { ...change, back: change.back + 1 });
      }
    }
    if (exhausted) await this.spread(tx, campaign, exhausted.limit, changes, now);
    if (changes.size > 0) await this.queries.adjust(tx, campaign.tenantId, [...changes.values()]);
  }

  private async spread(tx: Tx, campaign: SendingCampaign, limit: Limit, changes: Allocation<unknown>['changes'], now: Date): Promise<void> {
    const change = changes.get(idOf(limit));
    const base = limit.resumesAt ?? change?.spreadUntil ?? now;
    const seconds = limit.perSecond > 0 ? 1 / limit.perSecond : 0;
    const reason = limit.scope === 'ramp' ? 'ramp_limited' : 'rate_limited';
    const request = { campaignId: campaign.campaignId, now, base, seconds, reason, limit: SPREAD_ROWS };
    const count = await this.queries.spreadDue(tx, campaign.tenantId, request);
    if (change?.spreadUntil) change.spreadUntil = new Date(Math.ceil(base.getTime() + count * seconds * 1000));
  }
}

function refOf({ id, token, stepId, enrollmentId, entryNumber }: ClaimedEmail) {
  return { id, token, stepId, enrollmentId, entryNumber };
}

function waiting(email: ClaimedEmail, reason: string, dueAt: Date, at: Date): Settlement {
  return { ...refOf(email), status: 'queued', reason, detail: null, at, dueAt };
}
