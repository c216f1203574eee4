import type { Problem } from '../../../shared/domain-error.js';
import { abTestProblems } from './ab-test.js';
import { actionProblems } from './action-config.js';
import { splitProblems } from './split.js';
import { EMPTY_STEP, LONGEST_WAIT, STEP_LIMITS, WAIT_UNITS, type StepSettings, type StepType } from './step.js';
import { waitUntilProblems } from './wait-config.js';

/** What a caller sent for one step: a field that is absent stays as it is. */
export type StepInput = Partial<StepSettings>;

type TypedField = Exclude<keyof StepSettings, 'stepName' | 'stepType'>;
/** Which fields a step has beside its name and type. */
export const FIELDS: Record<StepType, readonly TypedField[]> = {
  email: ['templateId', 'subjectLine', 'emailContent', 'contentFormat', 'abTest', 'nextStepId', 'isEnd'],
  wait: ['waitDuration', 'waitUntil', 'nextStepId', 'isEnd'],
  condition: ['conditionRules', 'splitConfig', 'trueNextStepId', 'falseNextStepId'],
  action: ['actionConfig', 'nextStepId', 'isEnd'],
  wait_for: ['waitEvent', 'conditionRules', 'waitDuration', 'trueNextStepId', 'falseNextStepId'],
};
const TYPED_FIELDS = Object.keys(EMPTY_STEP).filter((field): field is TypedField => field !== 'stepName');

/** Fields that were given although the type of the step has no use for them. `at` is the path of the step, empty or ending in a dot. */
export function foreignFields(stepType: StepType, input: StepInput, at: string): Problem[] {
  const own = FIELDS[stepType];
  return TYPED_FIELDS.filter((field) => !own.includes(field) && input[field] !== undefined && input[field] !== EMPTY_STEP[field]).map(
    (field) => ({
      path: `${at}${field}`,
      code: 'foreign_field',
      message: `A step of type "${stepType}" has no ${field}; it has ${own.join(', ')}.`,
    }),
  );
}

/**
 * The step as it will stand: `input` over `base` (a new step without one). What does not belong to the type is dropped, so that a step whose
 * type changes keeps nothing of its former self.
 */
export function mergeStep(base: StepSettings | null, input: StepInput & { stepType: StepType }): StepSettings {
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  const merged = { ...EMPTY_STEP, ...base, ...given } as StepSettings;
  const own = FIELDS[merged.stepType];
  for (const field of TYPED_FIELDS) if (!own.includes(field)) Object.assign(merged, { [field]: EMPTY_STEP[field] });
  if (merged.stepType === 'email') merged.contentFormat = formatOf(merged);
  return merged;
}

/** MJML announces itself; everything else is HTML. A template brings its own format. */
function formatOf({ templateId, emailContent, contentFormat }: StepSettings): StepSettings['contentFormat'] {
  if (templateId !== null || emailContent === null) return null;
  return contentFormat ?? (/^\s*<mjml[\s>]/i.test(emailContent) ? 'mjml' : 'html');
}

/** What is wrong with a step in itself; rules, content and references are checked elsewhere. */
export function shapeProblems(step: StepSettings, at: string): Problem[] {
  switch (step.stepType) {
    case 'email':
      return [...emailProblems(step, at), ...abTestProblems(step.abTest, at), ...endProblems(step, at)];
    case 'wait':
      return [...waitProblems(step, at), ...endProblems(step, at)];
    case 'condition':
      return conditionProblems(step, at);
    case 'wait_for':
      return [...waitForProblems(step, at), ...durationProblems(step.waitDuration, at)];
    case 'action':
      return [...actionProblems(step.actionConfig, `${at}actionConfig`), ...endProblems(step, at)];
  }
}

function emailProblems({ templateId, subjectLine, emailContent }: StepSettings, at: string): Problem[] {
  if (templateId !== null) {
    if (emailContent === null) return [];
    const message = 'An email step has either templateId or emailContent: with both it would not be clear which is sent.';
    return [{ path: `${at}emailContent`, code: 'ambiguous_content', message }];
  }
  const problems: Problem[] = [];
  if (!subjectLine?.trim()) {
    problems.push({
      path: `${at}subjectLine`,
      code: 'required',
      message: 'An email step needs a subjectLine, or a templateId that has one.',
    });
  }
  if (!emailContent?.trim()) {
    problems.push({ path: `${at}emailContent`, code: 'required', message: 'An email step needs emailContent, or a templateId.' });
  }
  return problems;
}

/** What an event must look like is for the module of campaigns to say (`eventProblems`). */
function waitForProblems({ waitEvent, conditionRules }: StepSettings, at: string): Problem[] {
  if (waitEvent !== null && conditionRules !== null) {
    const message = 'A step waits either for an event (waitEvent) or for a condition (conditionRules), not for both.';
    return [{ path: `${at}conditionRules`, code: 'ambiguous_wait', message }];
  }
  if (waitEvent !== null || conditionRules !== null) return [];
  const message = 'A step that waits for something needs waitEvent: { name, filter } or conditionRules.';
  return [{ path: `${at}waitEvent`, code: 'required', message }];
}

/** Either one rule with two branches, or a split. */
function conditionProblems({ conditionRules, splitConfig, trueNextStepId, falseNextStepId }: StepSettings, at: string): Problem[] {
  if (splitConfig === null) {
    const message = 'A condition needs conditionRules, or splitConfig for more than two ways.';
    return conditionRules === null ? [{ path: `${at}conditionRules`, code: 'required', message }] : [];
  }
  const others = Object.entries({ conditionRules, trueNextStepId, falseNextStepId }).filter(([, value]) => value !== null);
  const message = 'A condition has either conditionRules with its two branches, or splitConfig, which has its own.';
  return [
    ...others.map(([field]) => ({ path: `${at}${field}`, code: 'ambiguous_condition', message })),
    ...splitProblems(splitConfig, `${at}splitConfig`),
  ];
}

function waitProblems({ waitDuration, waitUntil }: StepSettings, at: string): Problem[] {
  const until = waitUntil === null ? [] : waitUntilProblems(waitUntil, waitDuration !== null, `${at}waitUntil`);
  return waitDuration === null && waitUntil !== null ? until : [...until, ...durationProblems(waitDuration, at)];
}

function durationProblems(waitDuration: StepSettings['waitDuration'], at: string): Problem[] {
  if (waitDuration === null) {
    return [{ path: `${at}waitDuration`, code: 'required', message: 'A wait needs waitDuration: { value, unit }, or waitUntil.' }];
  }
  const { value, unit } = waitDuration;
  if (!WAIT_UNITS.includes(unit)) {
    return [{ path: `${at}waitDuration.unit`, code: 'unknown_unit', message: `The unit of a wait is one of ${WAIT_UNITS.join(', ')}.` }];
  }
  if (Number.isInteger(value) && value >= 1 && value <= LONGEST_WAIT[unit]) return [];
  const message = `A wait in ${unit} is a whole number from 1 to ${LONGEST_WAIT[unit]} (ten years).`;
  return [{ path: `${at}waitDuration.value`, code: 'wait_out_of_range', message }];
}

function endProblems({ isEnd, nextStepId }: StepSettings, at: string): Problem[] {
  if (!isEnd || nextStepId === null) return [];
  return [
    { path: `${at}nextStepId`, code: 'ambiguous_end', message: 'A step either ends the flow (isEnd) or leads on (nextStepId), not both.' },
  ];
}

/** An upper bound for the texts of a step, by field. */
export const TEXT_LIMITS = {
  stepName: STEP_LIMITS.name,
  subjectLine: STEP_LIMITS.subject,
  emailContent: STEP_LIMITS.content,
} as const;
