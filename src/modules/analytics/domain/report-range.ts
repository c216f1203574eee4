import { Temporal } from 'temporal-polyfill';
import { InvalidReportRange } from '../analytics.errors.js';

/** A report is of at most so many days. */
export const MAX_REPORT_DAYS = 366;

/** And of so many where it has a row for every hour. */
export const MAX_HOURLY_DAYS = 31;

const DAY_MS = 86_400_000;

/** Calendar days of a zone, both ends included, and the instants they begin and end at. */
export interface ReportRange {
  startDate: string;
  endDate: string;
  timezone: string;
  /** The first instant of the first day. */
  from: Date;
  /** The first instant after the last day. */
  to: Date;
}

export interface RangeRequest {
  startDate?: string;
  endDate?: string;
  timezone: string;
  /** The most days, both ends included; 366 if not given. */
  maxDays?: number;
}

/**
 * The days to report on. Without dates: from the day of the launch to today, the last 366 days of it (or as many as there may be) if that is longer.
 * Days are checked calendar days and the zone a known one; a day is as long as it is there, 23 to 25 hours and at times less.
 */
export function resolveRange(asked: RangeRequest, campaign: { launchedAt: Date | null }, now: Date): ReportRange {
  const { timezone, maxDays = MAX_REPORT_DAYS } = asked;
  const today = dayOf(now, timezone);
  const launch = campaign.launchedAt ? dayOf(campaign.launchedAt, timezone) : today;
  const end = asked.endDate ? Temporal.PlainDate.from(asked.endDate) : later(today, asked.startDate);
  const start = asked.startDate ? Temporal.PlainDate.from(asked.startDate) : defaultStart(launch, end, maxDays);
  const days = start.until(end, { largestUnit: 'days' }).days + 1;
  if (days < 1) {
    const message = `must not be before query.startDate (${start.toString()})`;
    throw new InvalidReportRange({ path: 'query.endDate', message, code: 'range_reversed' });
  }
  if (days > maxDays) {
    const message = `must be at most ${maxDays} days after query.startDate, both days included (these are ${days})`;
    throw new InvalidReportRange({ path: 'query.endDate', message, code: 'range_too_long' });
  }
  return {
    startDate: start.toString(),
    endDate: end.toString(),
    timezone,
    from: firstInstant(start, timezone),
    to: firstInstant(end.add({ days: 1 }), timezone),
  };
}

/** Every day of the range, in order. */
export function daysOf({ startDate, endDate }: Pick<ReportRange, 'startDate' | 'endDate'>): string[] {
  const days: string[] = [];
  for (let day = Date.parse(startDate); day <= Date.parse(endDate); day += DAY_MS) days.push(textOf(day));
  return days;
}

/** The Mondays of all weeks that have a day in the range. */
export function weeksOf({ startDate, endDate }: Pick<ReportRange, 'startDate' | 'endDate'>): string[] {
  const weeks: string[] = [];
  const start = Date.parse(startDate);
  const sinceMonday = (new Date(start).getUTCDay() + 6) % 7;
  for (let day = start - sinceMonday * DAY_MS; day <= Date.parse(endDate); day += 7 * DAY_MS) weeks.push(textOf(day));
  return weeks;
}

/**
 * The first instant of each of these days (in order), which is not always midnight. Asking the zone takes long, so a week whose days all have 24 hours
 * is asked about at its two ends only: no zone changes its clocks there and back within a week.
 */
export function startsOf(dates: readonly string[], timezone: string): Date[] {
  const startOf = (date: string) => firstInstant(Temporal.PlainDate.from(date), timezone);
  const starts: Date[] = [];
  for (let from = 0; from < dates.length; from += 7) {
    const week = dates.slice(from, from + 8);
    const first = startOf(week[0]);
    const days = week.map((date) => (Date.parse(date) - Date.parse(week[0])) / DAY_MS);
    const isEven = startOf(week.at(-1)!).getTime() - first.getTime() === days.at(-1)! * DAY_MS && days.at(-1)! <= 7;
    starts.push(...week.slice(0, 7).map((date, place) => (isEven ? new Date(first.getTime() + days[place] * DAY_MS) : startOf(date))));
  }
  return starts;
}

function defaultStart(launch: Temporal.PlainDate, end: Temporal.PlainDate, maxDays: number): Temporal.PlainDate {
  const earliest = end.subtract({ days: maxDays - 1 });
  if (Temporal.PlainDate.compare(launch, end) > 0) return end;
  return Temporal.PlainDate.compare(launch, earliest) < 0 ? earliest : launch;
}

/** A range that begins in the future ends there too, instead of being reversed. */
function later(today: Temporal.PlainDate, startDate: string | undefined): Temporal.PlainDate {
  if (!startDate) return today;
  const start = Temporal.PlainDate.from(startDate);
  return Temporal.PlainDate.compare(start, today) > 0 ? start : today;
}

function dayOf(at: Date, zone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone).toPlainDate();
}

/** Not always midnight: where clocks go forward at 00:00 the day begins at 01:00. */
function firstInstant(day: Temporal.PlainDate, zone: string): Date {
  return new Date(day.toZonedDateTime(zone).startOfDay().epochMilliseconds);
}

/** Of a calendar day, given as the beginning of that day in UTC. */
function textOf(day: number): string {
  return new Date(day).toISOString().slice(0, 10);
}
