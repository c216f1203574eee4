export const DURATION_UNITS = ['minutes', 'hours', 'days', 'weeks'] as const;

/** A length of time that does not depend on calendars or zones: a day is 24 hours. */
export interface Duration {
  value: number;
  unit: (typeof DURATION_UNITS)[number];
}

const UNIT_MS: Record<Duration['unit'], number> = { minutes: 60_000, hours: 3_600_000, days: 86_400_000, weeks: 604_800_000 };

export function durationMs({ value, unit }: Duration): number {
  return value * UNIT_MS[unit];
}
