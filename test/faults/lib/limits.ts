/**
 * How many messages one worker may have between `sending` and their recorded result: groups of one campaign in flight, times the size of a group (see
 * `Outlet` and `Pace`), and the results that are gathered and written (see `Finisher`). What a kill leaves in doubt is at most this, and as a rule far less.
 */
const GROUPS_IN_FLIGHT = 2;
const GROUP = 200;
const BEING_WRITTEN = 500;

export const inDoubtPerKill = (workers: number): number => workers * (GROUPS_IN_FLIGHT * GROUP + BEING_WRITTEN);
