import { sameWallClock } from '../../../shared/zoned-time.js';
import type { Campaign } from '../../campaigns/index.js';

/**
 * When the first step of an enrolment is due (specification lines 485–505), for a contact in `zone` (null: it has none, the campaign's counts): at
 * once, or at the start of the campaign, by the contact's own clock if the campaign wants that. Never in the past. `optimized` is no matter of the
 * enrolment: it moves every message by itself, when its step is reached.
 */
export function firstDue(
  { startDate, startInContactZone, timezone }: Pick<Campaign, 'startDate' | 'startInContactZone' | 'timezone'>,
  now: Date,
  zone: string | null,
): Date {
  if (!startDate) return now;
  const start = startInContactZone && zone !== null ? sameWallClock(startDate, timezone, zone) : startDate;
  return start > now ? start : now;
}

/** The same for all `zones` that have a due time of their own: what set-based enrolment looks up. */
export function firstDueByZone(campaign: Parameters<typeof firstDue>[0], now: Date, zones: readonly string[]): Map<string, Date> {
  if (!campaign.startDate || !campaign.startInContactZone) return new Map();
  return new Map(zones.map((zone) => [zone, firstDue(campaign, now, zone)]));
}
