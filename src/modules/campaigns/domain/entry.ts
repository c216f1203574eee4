import type { Problem } from '../../../shared/domain-error.js';

/** What lets a contact into a `triggered` campaign. `filter` is an `EventFilter` of the segments module, checked before it gets here. */
export type EntryTrigger =
  | { type: 'event'; name: string; filter?: unknown }
  /** `includeExisting`: those who are in the segment at launch enter too. */
  | { type: 'segment_entry'; segmentId: string; includeExisting?: boolean };

export const COOLDOWN_UNITS = ['minutes', 'hours', 'days', 'weeks'] as const;
export type CooldownUnit = (typeof COOLDOWN_UNITS)[number];

/** Whether somebody who is through may enter again. A cooldown counts from the former entry; days are 24 hours. Null: never. */
export type Reentry =
  { policy: 'never' } | { policy: 'after_exit' } | { policy: 'after_cooldown'; cooldown: { value: number; unit: CooldownUnit } };

/** What ends a contact's way with the reason `goal`. `rules` is a `Rule` of the segments module. */
export type Goal = { type: 'event'; name: string; filter?: unknown } | { type: 'rule'; rules: unknown };

export const UNIT_MS: Record<CooldownUnit, number> = { minutes: 60_000, hours: 3_600_000, days: 86_400_000, weeks: 604_800_000 };
export const LONGEST_COOLDOWN_MS = 3_650 * UNIT_MS.days;

/** The settings of a campaign that this is about. */
interface EntrySettings {
  campaignType: string;
  segmentId: string | null;
  trigger: EntryTrigger | null;
  reentry: Reentry | null;
  goal: Goal | null;
  keepEnrolling: boolean;
}

/** How long after an entry the next one is possible; null: never again. */
export function cooldownMs(reentry: Reentry | null): number | null {
  if (reentry === null || reentry.policy === 'never') return null;
  return reentry.policy === 'after_exit' ? 0 : reentry.cooldown.value * UNIT_MS[reentry.cooldown.unit];
}

/** Whether the campaign lets people in as long as it runs: it does not end by itself, until its enrolment is closed. */
export function isOpenEnded({ campaignType, keepEnrolling }: Pick<EntrySettings, 'campaignType' | 'keepEnrolling'>): boolean {
  return campaignType === 'triggered' || keepEnrolling;
}

/** The segment whose members "leave": the one that lets people in, or else the audience. */
export function homeSegment({ trigger, segmentId }: Pick<EntrySettings, 'trigger' | 'segmentId'>): string | null {
  return trigger?.type === 'segment_entry' ? trigger.segmentId : segmentId;
}

/** What contradicts each other; what is merely missing is asked for at launch. */
export function entryContradictions(settings: EntrySettings): Problem[] {
  const { campaignType, trigger, reentry, keepEnrolling, goal } = settings;
  const problems: Problem[] = [];
  const only = (path: string, message: string) => problems.push({ path, code: 'not_for_this_type', message });
  if (trigger !== null && campaignType !== 'triggered') only('trigger', `A campaign of type "${campaignType}" has no trigger.`);
  if (keepEnrolling && campaignType !== 'drip') only('keepEnrolling', 'Only a drip campaign can keep enrolling.');
  if (cooldownMs(reentry) !== null && !isOpenEnded(settings)) {
    only('reentry', 'People enter again only where a campaign is triggered, or is a drip that keeps enrolling.');
  }
  if (trigger?.type === 'event' && goal?.type === 'event' && JSON.stringify(eventOf(trigger)) === JSON.stringify(eventOf(goal))) {
    const message = 'The event that lets people in is also the one that ends their way: nobody would get anything.';
    problems.push({ path: 'goal', code: 'goal_is_trigger', message });
  }
  return problems;
}

function eventOf({ name, filter }: { name: string; filter?: unknown }): unknown {
  return [name, filter ?? null];
}
