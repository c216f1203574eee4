import type { Problem } from '../../../shared/domain-error.js';
import type { RampDay } from '../../../shared/pacing.js';
import { minutesOfDay, type SendWindow } from '../../../shared/send-window.js';

export type { SendWindow };
export type { FrequencyCap, PauseThresholds, RampDay } from '../../../shared/pacing.js';

export const MAX_RATE_PER_MINUTE = 1_000_000;

export const PAUSE_REASONS = ['bounce_rate', 'complaint_rate'] as const;
export type PauseReason = (typeof PAUSE_REASONS)[number];

/** Faults a DTO cannot see: parts that contradict each other. */
export function pacingProblems(settings: { rampPlan: RampDay[] | null; sendWindow: SendWindow | null }): Problem[] {
  return [...rampProblems(settings.rampPlan ?? []), ...windowProblems(settings.sendWindow)];
}

function rampProblems(plan: RampDay[]): Problem[] {
  return plan.flatMap(({ day, messages, percent }, i): Problem[] => {
    const path = `rampPlan.${i}`;
    const found: Problem[] = [];
    if ((messages === undefined) === (percent === undefined)) {
      found.push({ path, code: 'ramp_limit', message: 'A day of the ramp plan has either messages or percent.' });
    }
    if (i > 0 && day <= plan[i - 1].day) {
      found.push({ path: `${path}.day`, code: 'ramp_order', message: 'The days of the ramp plan must ascend.' });
    }
    return found;
  });
}

function windowProblems(window: SendWindow | null): Problem[] {
  if (!window || minutesOfDay(window.from) < minutesOfDay(window.to)) return [];
  return [{ path: 'sendWindow.to', code: 'window_order', message: 'The send window must end after it begins, on the same day.' }];
}
