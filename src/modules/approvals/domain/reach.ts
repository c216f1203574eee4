/** How much larger an audience may be than it was when approval was asked for: people sign up meanwhile. */
const GROWTH = 1.1;

/** Whether so many people are more than were approved. An approval of a number that could not be counted covers any. */
export function hasOutgrown(approved: number | null, present: number | null): boolean {
  return approved !== null && present !== null && present > Math.ceil(approved * GROWTH);
}
