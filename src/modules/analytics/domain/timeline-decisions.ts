import { isStep, readTrace, type EntryCause, type TraceMark } from '../../../shared/trace.js';
import type { Rule } from '../../segments/index.js';
import type { ShownAction, SplitConfig, WaitDuration } from '../../steps/index.js';
import { ruleInWords, type Names } from './rule-words.js';
import { LAST, place, type Placed, type TimelineEnrollment } from './timeline-entry.js';

/** A step of any version of the campaign, as far as explanations need it. */
export interface TimelineStep {
  id: string;
  name: string | null;
  type: string;
  rules: Rule | null;
  split: SplitConfig | null;
  action: ShownAction | null;
  event: { name: string } | null;
  wait: WaitDuration | null;
  waitsForDate: boolean;
}

export interface TimelineHandover {
  stepId: string;
  entryNumber: number;
  campaignId: string;
  outcome: string;
  at: Date;
}

export interface TimelineCall {
  id: string;
  stepId: string;
  entryNumber: number;
  occurredAt: Date;
  status: string;
  attempts: number;
  lastAttemptAt: Date | null;
  statusCode: number | null;
  error: string | null;
}

/** What decisions are explained with. */
export interface DecisionFacts {
  steps: readonly TimelineStep[];
  handovers: readonly TimelineHandover[];
  calls: readonly TimelineCall[];
  /** In order of creation. */
  emails: readonly { stepId: string; entryNumber: number }[];
  names: Names & { campaign(id: string): string | null };
}

const HANDOVERS: Record<string, string> = {
  enrolled: 'The contact was enrolled there.',
  already_inside: 'The contact was inside it already.',
  may_not_enter: 'Its rules of re-entry did not let the contact in again.',
  not_mailable: 'The contact may not be mailed.',
  not_open: 'It took nobody in at that time.',
  too_many_hops: 'Ten campaigns in a row had handed the contact on: this ends the circle.',
};

/** Behind the messages that came before them, before those that came later: places between those of messages are halves. */
const BEFORE_MESSAGES = -0.5;

/** What was decided about somebody, from the trace of their enrolment and from what actions have recorded. */
export function decisionsOf(enrollment: TimelineEnrollment, facts: DecisionFacts): Placed[] {
  const placed: Placed[] = [];
  let behind = BEFORE_MESSAGES;
  for (const [index, mark] of readTrace(enrollment.trace).entries()) {
    if (mark.kind === 'mailed') {
      const message = facts.emails.findIndex((email) => email.entryNumber === mark.entryNumber && isStep(email.stepId, mark.step));
      if (message >= 0) behind = message + 0.5;
    } else if (mark.at !== null && !(mark.kind === 'entered' && mark.entryNumber === enrollment.entryNumber)) {
      for (const entry of entriesOf(mark, mark.at, facts)) placed.push(place(entry, behind, { sequence: index + 1 }));
    }
  }
  return [...placed, ...facts.calls.flatMap(endOfCall)];
}

/** What let the contact in for this entry. */
export function causeOf({ trace, entryNumber, campaignType }: TimelineEnrollment): EntryCause | { by: 'audience' } | null {
  for (const mark of readTrace(trace)) if (mark.kind === 'entered' && mark.entryNumber === entryNumber) return mark.cause;
  // Only what is not the audience at the launch leaves a mark.
  return campaignType !== 'triggered' && entryNumber === 1 ? { by: 'audience' } : null;
}

export function entryOf(at: Date, entryNumber: number, cause: ReturnType<typeof causeOf>, facts: DecisionFacts): Placed['entry'] {
  const detail = {
    entryNumber,
    ...(cause ? { cause: cause.by } : {}),
    ...(cause?.by === 'event' ? { event: cause.name } : {}),
    ...(cause?.by === 'campaign' ? { campaignId: cause.campaignId } : {}),
  };
  return { at, type: 'enrolled', stepId: null, detail, explanation: cause && causeInWords(cause, facts) };
}

function causeInWords(cause: NonNullable<ReturnType<typeof causeOf>>, { names }: DecisionFacts): string {
  switch (cause.by) {
    case 'audience':
      return 'Was in the audience at the launch.';
    case 'event':
      return `The event ${JSON.stringify(cause.name)} let the contact in.`;
    case 'segment':
      return 'Came into the segment of the campaign.';
    case 'hand':
      return 'Was enrolled by hand.';
    case 'campaign':
      return `Was handed over by the campaign ${JSON.stringify(names.campaign(cause.campaignId) ?? cause.campaignId)}.`;
  }
}

type Entry = Placed['entry'];

function entriesOf(mark: TraceMark, at: Date, facts: DecisionFacts): Entry[] {
  if (mark.kind === 'entered') return [entryOf(at, mark.entryNumber, mark.cause, facts)];
  const step = facts.steps.find(({ id }) => isStep(id, mark.step));
  if (!step) return [];
  const stepId = step.id;
  switch (mark.kind) {
    case 'answered':
      return [{ at, stepId, ...(step.type === 'wait_for' ? endOfWaitFor(step, mark.isTrue, facts) : answer(step, mark, facts)) }];
    case 'branched':
      return [{ at, stepId, ...branch(step, mark.branch, facts) }];
    case 'waited':
      return [{ at, stepId, type: 'wait_began', detail: { until: mark.until }, explanation: waitInWords(step, facts) }];
    case 'held':
      return [
        {
          at,
          stepId,
          type: 'wait_began',
          detail: { until: mark.until, because: 'ab_test' },
          explanation: 'Gets the winner of the A/B test.',
        },
      ];
    case 'acted':
      return [{ at, stepId, ...act(step, mark.entryNumber, facts) }];
    case 'moved': {
      const explanation = mark.isSame
        ? 'The campaign was edited: the contact goes on at the same step in its new version.'
        : 'The campaign was edited, and the contact was put here.';
      return [{ at, stepId, type: 'moved', detail: {}, explanation }];
    }
    case 'mailed':
      return [];
  }
}

type Told = Pick<Entry, 'type' | 'detail' | 'explanation'>;

function answer(step: TimelineStep, { isTrue, part }: { isTrue: boolean; part: number | null }, { names }: DecisionFacts): Told {
  const { rules } = step;
  if (rules === null) return { type: 'condition', detail: { isTrue }, explanation: null };
  const [group, parts] = 'all' in rules ? ['all' as const, rules.all] : 'any' in rules ? ['any' as const, rules.any] : [null, []];
  const decisive = part === null ? undefined : parts[part];
  const path = decisive ? `conditionRules.${group}[${part}]` : 'conditionRules';
  const words = ruleInWords(decisive ?? rules, names);
  const explanation = decisive ? decidedInWords(isTrue, words) : isTrue ? `It held: ${words}.` : `It did not hold: ${words}.`;
  return { type: 'condition', detail: { isTrue, path, rule: decisive ?? rules }, explanation };
}

/** A part of `all` decides by not holding, a part of `any` by holding. */
function decidedInWords(isTrue: boolean, words: string): string {
  return isTrue ? `One part was enough, and it held: ${words}.` : `All parts had to hold, and the first that did not: ${words}.`;
}

function branch(step: TimelineStep, index: number, { names }: DecisionFacts): Told {
  const { split } = step;
  const taken = split?.branches[index];
  const name = taken ? (taken.name ?? `branch ${index + 1}`) : 'else';
  const detail = { branch: name };
  if (!taken) return { type: 'branch', detail, explanation: 'No rule of the branches held.' };
  if ('weight' in taken) {
    const explanation = `By lot, which falls the same for this contact every time; ${taken.weight} % go this way.`;
    return { type: 'branch', detail, explanation };
  }
  const rule = taken.rules as Rule;
  const explanation = `The first branch whose rule held: ${ruleInWords(rule, names)}.`;
  return { type: 'branch', detail: { ...detail, rule, path: `splitConfig.branches[${index}].rules` }, explanation };
}

function endOfWaitFor(step: TimelineStep, isTrue: boolean, { names }: DecisionFacts): Told {
  const what = step.event
    ? `the event ${JSON.stringify(step.event.name)}`
    : step.rules
      ? ruleInWords(step.rules, names)
      : 'what it waits for';
  const detail = { isTrue, ...(step.event ? { event: step.event.name } : {}), ...(step.rules ? { rule: step.rules } : {}) };
  return { type: 'wait_ended', detail, explanation: isTrue ? `It has happened: ${what}.` : `The time was up without it: ${what}.` };
}

function waitInWords(step: TimelineStep, { names }: DecisionFacts): string {
  const duration = step.wait && `${step.wait.value} ${step.wait.unit}`;
  if (step.type === 'wait_for') {
    const what = step.event ? `the event ${JSON.stringify(step.event.name)}` : step.rules ? ruleInWords(step.rules, names) : 'something';
    return `Waits for it, at most ${duration ?? 'for a while'}: ${what}.`;
  }
  if (duration === null) return 'Waits for its date or time of day.';
  return step.waitsForDate ? `Waits ${duration}, and then for its time of day.` : `Waits ${duration}.`;
}

function act(step: TimelineStep, entryNumber: number, { handovers, calls, names }: DecisionFacts): Told {
  const { id, action } = step;
  const isThis = (row: { stepId: string; entryNumber: number }): boolean => row.stepId === id && row.entryNumber === entryNumber;
  if (action?.type === 'enroll') {
    const handover = handovers.find(isThis);
    const to = JSON.stringify(names.campaign(action.campaignId) ?? action.campaignId);
    const detail = { campaignId: action.campaignId, outcome: handover?.outcome };
    return {
      type: 'handed_over',
      detail,
      explanation: `To the campaign ${to}. ${(handover && HANDOVERS[handover.outcome]) ?? ''}`.trimEnd(),
    };
  }
  if (action?.type === 'webhook') {
    const call = calls.find(isThis);
    return {
      type: 'called',
      detail: { url: action.url, callId: call?.id },
      explanation: 'Recorded; it is made while the contact goes on.',
    };
  }
  return { type: 'acted', detail: action ? { action } : {}, explanation: null };
}

function endOfCall({ id, stepId, status, attempts, statusCode, error, lastAttemptAt, occurredAt }: TimelineCall): Placed[] {
  if (status === 'pending' && lastAttemptAt === null) return [];
  const detail = { callId: id, outcome: status, attempts, statusCode, message: error };
  const answered = statusCode === null ? (error ?? 'no answer') : `the answer was ${statusCode}`;
  const explanation = {
    delivered: `Taken at attempt ${attempts}.`,
    pending: `Attempt ${attempts} failed (${answered}): it is tried again.`,
    failed: `Given up: ${answered}.`,
    cancelled: error === 'campaign_cancelled' ? 'Not made: the campaign was cancelled.' : 'Not made: the contact was erased.',
  }[status];
  return [place({ at: lastAttemptAt ?? occurredAt, type: 'call_result', stepId, detail, explanation: explanation ?? null }, LAST - 1)];
}
