import type { Assumptions } from './assumptions.js';
import type { End, Reaction, Visit } from './person.js';
import type { Simulation } from './simulation.js';
import { increase, type StepTally } from './tally.js';
import type { RehearsalWarning } from './warnings.js';

/** Why contacts of the segment do not take part; the reasons of the preflight, and `notInSegment` for contacts that were asked for by id. */
export type Excluded = Record<'noAddress' | 'suppressed' | 'unsubscribed' | 'alreadyEnrolled' | 'notInSegment', number>;

export interface RehearsedAudience {
  /** In the segment, or asked for by id. */
  total: number;
  /** Of these, who would be enrolled. */
  reachable: number;
  sampled: number;
  excluded: Excluded;
}

export interface RehearsedContact {
  contactId: string;
  visits: Visit[];
  /** Custom events that the person caused, by the assumptions. */
  events: Reaction[];
  /** Null: still waiting when nothing more was to come. */
  end: End | null;
}

export interface Rehearsal {
  seed: string;
  startedAt: Date;
  /** The last thing that happened. */
  endedAt: Date | null;
  audience: RehearsedAudience;
  ends: Record<string, number>;
  steps: StepTally[];
  contacts: RehearsedContact[];
  nextContact: string | null;
  assumptions: Assumptions;
  warnings: RehearsalWarning[];
}

/** How people ended, by reason; `waiting` for those who did not. */
export function endsOf({ people }: Simulation): Record<string, number> {
  const ends: Record<string, number> = {};
  for (const { end } of people) increase(ends, end?.reason ?? 'waiting');
  return ends;
}

export function lastEnd({ people }: Simulation): Date | null {
  let last: Date | null = null;
  for (const { end } of people) if (end && (last === null || end.at > last)) last = end.at;
  return last;
}

export function contactsOf({ people }: Simulation): RehearsedContact[] {
  return people.filter(({ isFollowed }) => isFollowed).map(({ id, visits, events, end }) => ({ contactId: id, visits, events, end }));
}
