import type { Problem } from '../../../shared/domain-error.js';
import type { Standing, StepMove } from '../../enrollment/index.js';
import { stepLabel, type CampaignStep } from '../../steps/index.js';
import { canonical } from './substance.js';

/** In place of a step: people leave the campaign. */
export const EXIT = 'exit';

export interface Situation {
  /** The steps of all versions that are or were live, and of the one that shall be. */
  steps: readonly CampaignStep[];
  /** The version that shall be live. */
  target: number;
  standing: readonly Standing[];
  /** The lines of the variants of each step under test: see `StepVersions.testLines`. */
  tests: ReadonlyMap<string, readonly string[]>;
}

/** A step that people are at, and what the other version has in its place. */
export interface Place {
  step: CampaignStep;
  contacts: number;
  /** Null if the other version does not have it. */
  becomes: CampaignStep | null;
}

export interface MovePlan {
  moves: StepMove[];
  /** Waits that last for another time now: the due times of who is at them are worked out anew. */
  rewaits: { from: CampaignStep; to: CampaignStep }[];
  /** Steps from which people leave the campaign. */
  exits: string[];
  /** Steps that go on, with those they go on as; and steps that do not: for messages that wait to be sent. */
  kept: { from: string; to: string }[];
  removed: string[];
}

/** Where people are, the order of versions and steps; with the steps of other versions that are no more, if `withEmpty`. */
export function placesOf({ steps, target, standing }: Situation): Place[] {
  const contacts = new Map(standing.map((row) => [row.stepId, row.contacts]));
  const present = new Map(steps.filter(({ version }) => version === target).map((step) => [step.lineageId, step]));
  return steps
    .filter(({ version }) => version !== target)
    .map((step) => ({ step, contacts: contacts.get(step.id) ?? 0, becomes: present.get(step.lineageId) ?? null }));
}

/** Steps with people at them that the other version does not have and nobody has said a word about. */
export function unplaced(places: readonly Place[], placements: ReadonlyMap<string, string>): Place[] {
  return places.filter(({ step, contacts, becomes }) => contacts > 0 && becomes === null && !placements.has(step.id));
}

/** Placements that are no text: the body of a request says only that they are an object. */
export function placementTypeProblems(placements: Readonly<Record<string, unknown>>): Problem[] {
  return Object.entries(placements).flatMap(([from, to]): Problem[] =>
    typeof to === 'string' ? [] : [{ path: `placements.${from}`, code: 'placement_type', message: `is the id of a step, or "${EXIT}"` }],
  );
}

/** What is wrong with the placements in themselves. */
export function placementProblems(
  { steps, target }: Situation,
  places: readonly Place[],
  placements: ReadonlyMap<string, string>,
): Problem[] {
  const targets = new Set(steps.filter(({ version }) => version === target).map(({ id }) => id));
  return [...placements].flatMap(([from, to]): Problem[] => {
    const path = `placements.${from}`;
    const place = places.find(({ step }) => step.id === from);
    if (!place) return [{ path, code: 'placement_unknown_step', message: 'No step of another version of this campaign has this id.' }];
    if (place.becomes !== null) {
      const message = `Version ${target} still has ${stepLabel(place.step)}: its contacts go on there, and need no other place.`;
      return [{ path, code: 'placement_not_needed', message }];
    }
    if (to === EXIT || targets.has(to)) return [];
    return [
      {
        path,
        code: 'placement_target',
        message: `Version ${target} has no step with this id; "exit" lets the contacts leave the campaign.`,
      },
    ];
  });
}

/** How everybody gets to the other version. Needs placements without problems, for every step with people that is no more. */
export function planMoves(situation: Situation, places: readonly Place[], placements: ReadonlyMap<string, string>): MovePlan {
  const plan: MovePlan = { moves: [], rewaits: [], exits: [], kept: [], removed: [] };
  for (const { step, becomes } of places) {
    if (becomes !== null) {
      plan.kept.push({ from: step.id, to: becomes.id });
      plan.moves.push({ from: step.id, to: becomes.id, kind: goesOn(step, becomes, situation.tests) ? 'keep' : 'hasten' });
      if (!waitsAlike(step, becomes)) plan.rewaits.push({ from: step, to: becomes });
      continue;
    }
    plan.removed.push(step.id);
    const to = placements.get(step.id);
    if (to === EXIT) plan.exits.push(step.id);
    else if (to !== undefined) plan.moves.push({ from: step.id, to, kind: 'place' });
  }
  return plan;
}

/** Whether who waits at an email for the winner of its test still waits for the same. */
function goesOn(from: CampaignStep, to: CampaignStep, tests: Situation['tests']): boolean {
  return to.stepType !== 'email' || canonical(tests.get(from.id) ?? []) === canonical(tests.get(to.id) ?? []);
}

/** Whether a wait lasts as long, and for the same. */
export function waitsAlike(from: CampaignStep, to: CampaignStep): boolean {
  if (to.stepType !== 'wait' && to.stepType !== 'wait_for') return true;
  const terms = ({ waitDuration, waitUntil }: CampaignStep): unknown => ({ waitDuration, waitUntil });
  return canonical(terms(from)) === canonical(terms(to)) && asksAlike(from, to);
}

/** Whether a step waits for the same event or condition. The steps that a condition names have other ids in every version, so that counts as another. */
export function asksAlike(from: CampaignStep, to: CampaignStep): boolean {
  const asked = ({ waitEvent, conditionRules }: CampaignStep): unknown => ({ waitEvent, conditionRules });
  return to.stepType !== 'wait_for' || canonical(asked(from)) === canonical(asked(to));
}

/** When a wait ends that has another length now: counted from when it began, but never before now, so that what follows counts from now. */
export function newEnd(until: Date, now: Date): Date {
  return until > now ? until : now;
}
