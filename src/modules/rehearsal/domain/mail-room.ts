import { applyCap, domainLimit, limitsOf, windowStart, type Limit } from '../../delivery/index.js';
import { rememberingSendTime } from '../../../shared/send-window.js';
import { isTimeZone } from '../../../shared/time-zone.js';
import { Budgets } from './budgets.js';
import type { Person } from './person.js';
import type { RehearsalPlan } from './plan.js';

export type HeldBy = 'send_window' | 'frequency_cap' | 'rate_limited' | 'ramp_limited';

/** What became of messages that were due. */
export interface Sorted {
  sent: Person[];
  /** Left out by the frequency cap. */
  skipped: Person[];
  deferred: { person: Person; at: Date; by: HeldBy }[];
  /** The send window lies wholly inside the quiet hours: these never go out. */
  stuck: Person[];
}

/** When messages go out: windows, then the frequency cap, then rates, in the order and by the functions of the real pacer. */
export class MailRoom {
  private readonly budgets = new Budgets();
  private readonly isMarketing: boolean;
  private common: Limit[] = [];
  /** The ramp has another limit every day; everything else stays. */
  private commonUntil: Date | null = new Date(0);

  constructor(private readonly plan: RehearsalPlan) {
    this.isMarketing = plan.campaign.category === 'marketing';
  }

  sort(due: Person[], now: Date): Sorted {
    const sorted: Sorted = { sent: [], skipped: [], deferred: [], stuck: [] };
    const open = this.byWindow(due, now, sorted);
    sorted.sent = this.byBudget(this.byCap(open, now, sorted), now, sorted);
    return sorted;
  }

  private byWindow(due: Person[], now: Date, { deferred, stuck }: Sorted): Person[] {
    const { campaign, quietHours } = this.plan;
    const quiet = this.isMarketing ? quietHours : null;
    if (!campaign.sendWindow && !quiet) return due;
    const timeIn = rememberingSendTime(now, campaign.sendWindow, quiet);
    return due.filter((person) => {
      const zone = person.facts.timezone;
      const at = timeIn(isTimeZone(zone) ? zone : campaign.timezone);
      if (at?.getTime() === now.getTime()) return true;
      if (at) deferred.push({ person, at, by: 'send_window' });
      else stuck.push(person);
      return false;
    });
  }

  private byCap(due: Person[], now: Date, { deferred, skipped }: Sorted): Person[] {
    const cap = this.isMarketing ? (this.plan.campaign.frequencyCap ?? this.plan.pace.settings?.frequencyCap) : null;
    if (!cap || due.length === 0) return due;
    const since = windowStart(cap, now);
    const items = due.map((person) => ({ contactId: person.id, person }));
    const history = new Map(due.map(({ id, mailTimes }) => [id, mailTimes.filter((at) => at > since)]));
    const { allowed, over } = applyCap(items, history, cap, now);
    for (const { item, dueAt } of over) {
      if (cap.policy === 'skip') skipped.push(item.person);
      else deferred.push({ person: item.person, at: dueAt, by: 'frequency_cap' });
    }
    return allowed.map(({ person }) => person);
  }

  private byBudget(due: Person[], now: Date, { deferred }: Sorted): Person[] {
    const { pace } = this.plan;
    const common = this.commonAt(now);
    if (due.length === 0 || (common.length === 0 && !pace.settings?.domainRates?.length)) return due;
    const items = due.map((person) => {
      const domain = domainLimit(pace, person.facts.email);
      return { item: person, limits: domain ? [...common, domain] : common };
    });
    const allocation = this.budgets.share(items, now);
    deferred.push(...allocation.deferred.map(({ item, dueAt, reason }) => ({ person: item, at: dueAt, by: reason })));
    return allocation.allowed;
  }

  private commonAt(now: Date): Limit[] {
    if (this.commonUntil === null || now < this.commonUntil) return this.common;
    this.common = limitsOf(this.plan.pace, 'account', now);
    this.commonUntil = this.common.find(({ resumesAt }) => resumesAt !== null)?.resumesAt ?? null;
    return this.common;
  }
}
