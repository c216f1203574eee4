import { dayNumber, startOfNextDay } from '../../../shared/send-window.js';
import type { PacedCampaign } from '../delivery.types.js';
import { ANY_DOMAIN, type BudgetScope } from './pacing-settings.js';
import { rampLimit } from './ramp.js';

/** One token bucket a message must pay. */
export interface Limit {
  scope: BudgetScope;
  key: string;
  perSecond: number;
  capacity: number;
  /** When a bucket that does not refill is replaced by the next one. */
  resumesAt: Date | null;
}

/** A bucket after it was asked: whole tokens granted, what is left, and up to when waiting messages have their times. */
export interface Grant {
  limit: Limit;
  granted: number;
  tokens: number;
  spreadUntil: Date | null;
}

export interface Allocation<T> {
  allowed: T[];
  deferred: { item: T; dueAt: Date; reason: 'rate_limited' | 'ramp_limited' }[];
  /** Tokens to be put back, and how far messages are spread now: by `idOf(limit)`. */
  changes: Map<string, { limit: Limit; back: number; spreadUntil: Date | null }>;
  /** The bucket of all of the campaign's messages that is empty: trying further ones is of no use. */
  exhausted: Grant | null;
}

/** A burst is at most so many seconds' worth of the rate. */
const BURST_SECONDS = 5;
/** Buckets shared by campaigns: a message is asked to come back within this, because room may be made by another campaign that ends. */
const SHARED_HORIZON_MS = 10 * 60_000;

export const idOf = ({ scope, key }: Pick<Limit, 'scope' | 'key'>): string => `${scope}|${key}`;

export function rateLimit(scope: BudgetScope, key: string, perMinute: number): Limit {
  const perSecond = perMinute / 60;
  return { scope, key, perSecond, capacity: Math.max(1, perSecond * BURST_SECONDS), resumesAt: null };
}

/** The buckets that every message of the campaign pays; none for a campaign without rates. */
export function limitsOf(campaign: PacedCampaign, accountKey: string, now: Date): Limit[] {
  const { campaignId, sendRatePerMinute, rampPlan, launchedAt, timezone, audience, settings } = campaign;
  const limits: Limit[] = [];
  if (rampPlan && launchedAt) {
    const { day, date } = dayNumber(launchedAt, now, timezone);
    const capacity = rampLimit(rampPlan, day, audience);
    const resumesAt = startOfNextDay(now, timezone);
    if (capacity !== null) limits.push({ scope: 'ramp', key: `${campaignId}:${date}`, perSecond: 0, capacity, resumesAt });
  }
  if (sendRatePerMinute) limits.push(rateLimit('campaign', campaignId, sendRatePerMinute));
  if (settings?.accountRatePerMinute) limits.push(rateLimit('account', accountKey, settings.accountRatePerMinute));
  return limits;
}

/** The bucket of an address's domain, if the tenant limits it. */
export function domainLimit(campaign: Pick<PacedCampaign, 'settings'>, address: string): Limit | null {
  const rates = campaign.settings?.domainRates;
  if (!rates?.length) return null;
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  const rate = rates.find((entry) => entry.domain === domain) ?? rates.find((entry) => entry.domain === ANY_DOMAIN);
  return rate ? rateLimit('domain', domain, rate.perMinute) : null;
}

/**
 * Shares granted tokens out in the order of the items: an item needs one of each of its buckets. Whoever gets none is given the moment at which
 * the bucket that stopped it will have one, each a moment of its own, so that they come back one by one and not as a herd.
 */
export function allocate<T>(items: { item: T; limits: Limit[] }[], grants: Map<string, Grant>, now: Date): Allocation<T> {
  const left = new Map([...grants].map(([id, { granted }]) => [id, granted]));
  const nextTime = new Map([...grants].map(([id, grant]) => [id, firstWait(grant, now)]));
  const result: Allocation<T> = { allowed: [], deferred: [], changes: new Map(), exhausted: null };
  const stopped = new Set<string>();
  for (const { item, limits } of items) {
    const empty = limits.filter((limit) => left.get(idOf(limit))! < 1);
    if (empty.length === 0) {
      for (const limit of limits) left.set(idOf(limit), left.get(idOf(limit))! - 1);
      result.allowed.push(item);
      continue;
    }
    const times = empty.map((limit) => {
      const id = idOf(limit);
      const at = nextTime.get(id)!;
      stopped.add(id);
      if (limit.perSecond > 0) nextTime.set(id, at + 1000 / limit.perSecond);
      return at;
    });
    const reason = empty.some(({ scope }) => scope === 'ramp') ? 'ramp_limited' : 'rate_limited';
    result.deferred.push({ item, dueAt: new Date(Math.ceil(Math.max(...times))), reason });
    const whole = empty.filter(({ scope }) => scope !== 'domain').map((limit) => grants.get(idOf(limit))!);
    result.exhausted ??= whole.find(({ limit }) => limit.perSecond === 0) ?? whole[0] ?? null;
  }
  for (const [id, { limit }] of grants) {
    const back = left.get(id)!;
    const spreadUntil = stopped.has(id) && limit.perSecond > 0 ? new Date(Math.ceil(nextTime.get(id)!)) : null;
    if (back > 0 || spreadUntil) result.changes.set(id, { limit, back, spreadUntil });
  }
  return result;
}

function firstWait({ limit, tokens, spreadUntil }: Grant, now: Date): number {
  if (limit.perSecond === 0) return limit.resumesAt!.getTime();
  const refilled = now.getTime() + (Math.max(0, 1 - tokens) / limit.perSecond) * 1000;
  const behind = spreadUntil?.getTime() ?? 0;
  const isTooFar = limit.scope !== 'campaign' && behind > now.getTime() + SHARED_HORIZON_MS;
  return isTooFar ? refilled : Math.max(refilled, behind);
}
