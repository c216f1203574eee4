// What was decided about one person on their way through a campaign, in the order in which it was decided: kept on the enrolment's own row, so that an
// advance writes it with the update it makes anyway. Short, because a million rows carry it: a run of the engine is `@` and its time, then one mark for
// each decision, `;` behind each. A step is named by the end of its id (48 random bits), times and places are in base 36.
//
//   @mk3j2h1a;+9f8e7d6c5b4a0;a0123456789ab;w1122334455667mk5…;    #2;@…;>eorder_placed;…

/** Longer traces lose their beginning. */
export const MOST_TRACE_CHARACTERS = 16_000;

/** What let somebody into a campaign. Without one it was the audience at the launch. */
export type EntryCause = { by: 'event'; name: string } | { by: 'segment' } | { by: 'hand' } | { by: 'campaign'; campaignId: string };

/** What a trace tells, read back. `step` is the end of a step's id: see `isStep`. */
export type TraceMark = { at: Date | null; entryNumber: number } & (
  | { kind: 'entered'; cause: EntryCause }
  /** A condition, or a step that waits for something: true when it holds, or has happened. `part`: which part of a group decided it. */
  | { kind: 'answered'; step: string; isTrue: boolean; part: number | null }
  | { kind: 'branched'; step: string; branch: number }
  | { kind: 'waited'; step: string; until: Date }
  /** Waits for the winner of an A/B test. */
  | { kind: 'held'; step: string; until: Date }
  | { kind: 'acted'; step: string }
  /** Came to an email step: the ledger tells the rest. */
  | { kind: 'mailed'; step: string }
  /** An edit of the campaign moved the contact to this step, or (`isSame`) to the newer version of the one where it was. */
  | { kind: 'moved'; step: string; isSame: boolean }
);

const TAIL = 12;
const time = (at: Date): string => at.getTime().toString(36);

export const mark = {
  answered: (stepId: string, isTrue: boolean, part: number | null): string =>
    `${isTrue ? '+' : '-'}${stepId.slice(-TAIL)}${part === null ? '' : part.toString(36)};`,
  branched: (stepId: string, branch: number): string => `b${stepId.slice(-TAIL)}${branch.toString(36)};`,
  waited: (stepId: string, until: Date): string => `w${stepId.slice(-TAIL)}${time(until)};`,
  held: (stepId: string, until: Date): string => `h${stepId.slice(-TAIL)}${time(until)};`,
  acted: (stepId: string): string => `a${stepId.slice(-TAIL)};`,
  mailed: (stepId: string): string => `m${stepId.slice(-TAIL)};`,
  moved: (stepId: string, isSame: boolean): string => `v${stepId.slice(-TAIL)}${isSame ? 's' : ''};`,
};

/** Marks as they are appended: with the moment of the decisions. Nothing if there are none. */
export function traceOf(at: Date, marks: string): string {
  return marks === '' ? '' : `@${time(at)};${marks}`;
}

/** The beginning of a trace. */
export function entryTrace(at: Date, cause: EntryCause): string {
  return `@${time(at)};>${CAUSES[cause.by].code}${cause.by === 'event' ? encodeURIComponent(cause.name) : cause.by === 'campaign' ? cause.campaignId : ''};`;
}

const CAUSES: { [By in EntryCause['by']]: { code: string } } = {
  event: { code: 'e' },
  segment: { code: 's' },
  hand: { code: 'h' },
  campaign: { code: 'c' },
};

export function isStep(stepId: string, step: string): boolean {
  return stepId.endsWith(step);
}

/** What a trace tells, in order. What cannot be read (the rest of a beginning that was cut off) is left out. */
export function readTrace(trace: string): TraceMark[] {
  const marks: TraceMark[] = [];
  let at: Date | null = null;
  let entryNumber = 1;
  for (const token of trace.split(';')) {
    const [code, rest] = [token[0], token.slice(1)];
    if (code === '@') at = instant(rest);
    else if (code === '#') [entryNumber, at] = [Number(rest), null];
    else {
      const told = code === '>' ? entered(rest) : decided(code, rest.slice(0, TAIL), rest.slice(TAIL));
      if (told) marks.push({ at, entryNumber, ...told });
    }
  }
  return marks;
}

type Told<M> = M extends unknown ? Omit<M, 'at' | 'entryNumber'> : never;

function entered(text: string): Told<TraceMark> | null {
  const rest = text.slice(1);
  switch (text[0]) {
    case 'e':
      return { kind: 'entered', cause: { by: 'event', name: decodeURIComponent(rest) } };
    case 's':
      return { kind: 'entered', cause: { by: 'segment' } };
    case 'h':
      return { kind: 'entered', cause: { by: 'hand' } };
    case 'c':
      return { kind: 'entered', cause: { by: 'campaign', campaignId: rest } };
    default:
      return null;
  }
}

function decided(code: string, step: string, argument: string): Told<TraceMark> | null {
  if (step.length !== TAIL) return null;
  const until = instant(argument);
  switch (code) {
    case '+':
    case '-':
      return { kind: 'answered', step, isTrue: code === '+', part: argument === '' ? null : parseInt(argument, 36) };
    case 'b':
      return { kind: 'branched', step, branch: parseInt(argument, 36) };
    case 'w':
      return until && { kind: 'waited', step, until };
    case 'h':
      return until && { kind: 'held', step, until };
    case 'a':
      return { kind: 'acted', step };
    case 'm':
      return { kind: 'mailed', step };
    case 'v':
      return { kind: 'moved', step, isSame: argument === 's' };
    default:
      return null;
  }
}

function instant(text: string): Date | null {
  const at = new Date(parseInt(text, 36));
  return Number.isNaN(at.getTime()) ? null : at;
}
