/** What is counted of one hour of the week. */
export interface HourCounts {
  emailsSent: number;
  emailsDelivered: number;
  uniqueOpens: number;
  uniqueClicks: number;
}

export interface HourCell extends HourCounts {
  /** 1 is Monday, 7 Sunday. */
  weekday: number;
  /** 0 to 23, by the clock of the zone. */
  hour: number;
}

/** All 168 hours of the week in order, Monday first; those of which nothing is counted are zeros. An hour that is told twice is added up. */
export function wholeWeek(cells: Iterable<HourCell>): HourCell[] {
  const week = Array.from({ length: 168 }, (_, index): HourCell => {
    return { weekday: Math.floor(index / 24) + 1, hour: index % 24, emailsSent: 0, emailsDelivered: 0, uniqueOpens: 0, uniqueClicks: 0 };
  });
  for (const { weekday, hour, ...counts } of cells) {
    const cell = week[(weekday - 1) * 24 + hour];
    for (const name of Object.keys(counts) as (keyof HourCounts)[]) cell[name] += counts[name];
  }
  return week;
}
