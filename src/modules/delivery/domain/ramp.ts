import type { RampDay } from '../../../shared/pacing.js';

/** How much a campaign may send on this day of its ramp (1: the day of the launch); null when there is no limit (any more). */
export function rampLimit(plan: RampDay[], day: number, audience: number): number | null {
  if (plan.length === 0 || day > plan[plan.length - 1].day) return null;
  let current: RampDay | undefined;
  for (const entry of plan) if (entry.day <= day) current = entry;
  if (!current) return 0;
  return current.messages ?? Math.ceil((audience * (current.percent ?? 0)) / 100);
}
