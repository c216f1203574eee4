import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';

/** Both hemispheres, a change of half an hour, and zones without any change. */
export const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Sydney',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'UTC',
];
const FROM = Temporal.Instant.from('2026-01-01T00:00:00Z');
const UNTIL = Temporal.Instant.from('2029-01-01T00:00:00Z');
const DAY = 86_400_000;

export interface ZonedInstant {
  zone: string;
  at: Date;
}

const anywhere = fc.integer({ min: FROM.epochMilliseconds, max: UNTIL.epochMilliseconds });
/** Exactly at the change, a breath, minutes or days before and after it. */
const distance = fc.oneof(
  fc.constantFrom(0, -1, 1, -1_000, 1_000),
  fc.integer({ min: -7_200_000, max: 7_200_000 }),
  fc.integer({ min: -3 * DAY, max: 3 * DAY }),
);

/** Instants of three years, most of them around the changes of the clock in their zone. */
export const zonedInstant: fc.Arbitrary<ZonedInstant> = fc.constantFrom(...ZONES).chain((zone) => {
  const changes = changesOf(zone);
  const near = changes.length === 0 ? anywhere : fc.tuple(fc.constantFrom(...changes), distance).map(([change, offset]) => change + offset);
  return fc.oneof({ weight: 3, arbitrary: near }, { weight: 1, arbitrary: anywhere }).map((ms) => ({ zone, at: new Date(ms) }));
});

export function localOf({ at, zone }: ZonedInstant): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone);
}

/** Whether the wall clock in `zone` ever shows this. */
export function exists(local: Temporal.PlainDateTime, zone: string): boolean {
  return local.toZonedDateTime(zone).toPlainDateTime().equals(local);
}

function changesOf(zone: string): number[] {
  const found: number[] = [];
  let at = FROM.toZonedDateTimeISO(zone).getTimeZoneTransition('next');
  while (at && at.epochMilliseconds < UNTIL.epochMilliseconds) {
    found.push(at.epochMilliseconds);
    at = at.getTimeZoneTransition('next');
  }
  return found;
}
