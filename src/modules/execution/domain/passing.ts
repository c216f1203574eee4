import { bestSendTime } from '../../../shared/best-hour.js';
import { seededFraction, weightedIndex } from '../../../shared/seeded.js';
import { mark } from '../../../shared/trace.js';
import { rememberingEndOfWaitStep } from '../../../shared/wait-until.js';
import type { FlowStep, SplitConfig } from '../../steps/index.js';
import { note, type Traveller, type Walk } from './walk.js';

// What steps decide once the facts are there. The engine asks the database for the facts, a rehearsal its simulated people: the decisions are these.

export interface Passing {
  walk: Walk;
  /** Zone of contacts that have none of their own. */
  campaignZone: string;
  now: Date;
}

/**
 * A wait is anchored on the due time of the step; one that has already passed (after a pause, say) is over at once. `dateOf` gives the contact's
 * value of the attribute that is waited for; null if the step waits for none.
 */
export function passWait(
  { walk, campaignZone, now }: Passing,
  step: FlowStep,
  group: Traveller[],
  dateOf: ((traveller: Traveller) => unknown) | null,
): void {
  const endOfWait = rememberingEndOfWaitStep({ duration: step.wait, until: step.waitUntil });
  const over: Traveller[] = [];
  for (const traveller of group) {
    // A wait that has begun is over when it is due, but a date kept with the contact may have been moved to a later day meanwhile.
    if (traveller.enteredAt && !dateOf) {
      over.push(traveller);
      continue;
    }
    const until = endOfWait(traveller.at, traveller.enrollment.timezone ?? campaignZone, dateOf?.(traveller));
    if (until > now) {
      note(traveller, mark.waited(step.id, until));
      walk.stay(traveller, step.id, until);
    } else {
      traveller.at = until;
      over.push(traveller);
    }
  }
  walk.goOn(over, step.next, step.id);
}

/** Those for whom it has happened go on at once; the others stay, at most as long as the step says. */
export function passWaitFor(
  { walk, campaignZone, now }: Passing,
  step: FlowStep,
  group: Traveller[],
  hasHappened: (traveller: Traveller) => boolean,
): void {
  const endOfWait = rememberingEndOfWaitStep({ duration: step.wait, until: null });
  const [happened, late]: Traveller[][] = [[], []];
  for (const traveller of group) {
    if (hasHappened(traveller)) {
      note(traveller, mark.answered(step.id, true, null));
      happened.push(traveller);
      continue;
    }
    // The wait counts from when it began, however often it has been looked at.
    const isNew = traveller.enteredAt === null;
    traveller.at = waitingSince(traveller);
    const until = endOfWait(traveller.at, traveller.enrollment.timezone ?? campaignZone);
    if (until > now) {
      if (isNew) note(traveller, mark.waited(step.id, until));
      walk.stay(traveller, step.id, until);
    } else {
      note(traveller, mark.answered(step.id, false, null));
      // Made due later than its end (an edit has shortened the wait): what follows counts from then, not from the past.
      traveller.at = traveller.enteredAt && traveller.enrollment.dueAt > until ? traveller.enrollment.dueAt : until;
      late.push(traveller);
    }
  }
  walk.goOn(happened, step.trueNext, step.id);
  walk.goOn(late, step.falseNext, step.id);
}

/** Since when somebody waits at the step. */
export function waitingSince({ enteredAt, at }: Traveller): Date {
  return enteredAt ?? at;
}

/**
 * `branchOf`: the place of the branch in a split, `else` behind the others; without a split 0 if the rule holds and 1 if not. `partOf`: which part of
 * the rule has decided, where it is known.
 */
export function passCondition(
  walk: Walk,
  step: FlowStep,
  group: Traveller[],
  branchOf: (traveller: Traveller) => number,
  partOf?: (traveller: Traveller) => number | null,
): void {
  const ways = new Map<number, Traveller[]>();
  for (const traveller of group) {
    const branch = branchOf(traveller);
    note(traveller, step.split ? mark.branched(step.id, branch) : mark.answered(step.id, branch === 0, partOf?.(traveller) ?? null));
    const way = ways.get(branch);
    if (way) way.push(traveller);
    else ways.set(branch, [traveller]);
  }
  const edges = step.split ? step.branches : [step.trueNext, step.falseNext];
  for (const [branch, travellers] of ways) walk.goOn(travellers, edges[branch], step.id);
}

/** A lot that falls on the same branch of the same step for the same contact every time, in every version of the step (`lineOf`). */
export function branchByLot(stepId: string, branches: Extract<SplitConfig, { type: 'random' }>['branches'], contactId: string): number {
  return weightedIndex(
    branches.map(({ weight }) => weight),
    seededFraction(stepId, contactId),
  );
}

/** `optimized`: every message waits for its contact's next best moment, also the first one, and also after a wait that ended late. */
export function bestMessageTime({ at, enrollment }: Traveller, now: Date, campaignZone: string, opens: readonly number[]): Date {
  return bestSendTime(at > now ? at : now, enrollment.timezone ?? campaignZone, opens, enrollment.contactId);
}
