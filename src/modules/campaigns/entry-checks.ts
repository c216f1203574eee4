import type { Problem } from '../../shared/domain-error.js';
import { stepReferences, validateEventFilter, validateRule, type Rule } from '../segments/index.js';
import { COOLDOWN_UNITS, LONGEST_COOLDOWN_MS, UNIT_MS, type CooldownUnit } from './domain/entry.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MAX_EVENT_NAME = 100;

/** What is wrong with the shape of these settings, with paths. Takes anything a client may have sent for them. */
export function entryShapeProblems(given: { trigger?: unknown; reentry?: unknown; goal?: unknown }): Problem[] {
  return [
    ...(given.trigger ? triggerProblems(given.trigger as Fields) : []),
    ...(given.reentry ? reentryProblems(given.reentry as Fields) : []),
    ...(given.goal ? goalProblems(given.goal as Fields) : []),
  ];
}

type Fields = Record<string, unknown>;

/** `event` and `segment_entry` have their own fields; everything else is a slip. */
function triggerProblems(trigger: Fields): Problem[] {
  if (trigger.type === 'event') return eventProblems(trigger, 'trigger', ['type', 'name', 'filter']);
  if (trigger.type !== 'segment_entry') return [fault('trigger.type', 'is one of event, segment_entry')];
  const problems = unknownFields(trigger, 'trigger', ['type', 'segmentId', 'includeExisting']);
  if (typeof trigger.segmentId !== 'string' || !UUID.test(trigger.segmentId))
    problems.push(fault('trigger.segmentId', 'must be the id of a segment'));
  if (trigger.includeExisting !== undefined && typeof trigger.includeExisting !== 'boolean')
    problems.push(fault('trigger.includeExisting', 'must be true or false'));
  return problems;
}

function goalProblems(goal: Fields): Problem[] {
  if (goal.type === 'event') return eventProblems(goal, 'goal', ['type', 'name', 'filter']);
  if (goal.type !== 'rule') return [fault('goal.type', 'is one of event, rule')];
  const problems = [...unknownFields(goal, 'goal', ['type', 'rules']), ...validateRule(goal.rules, 'goal.rules')];
  if (problems.length > 0) return problems;
  return stepReferences(goal.rules as Rule, 'goal.rules').map(({ path }) =>
    fault(path, 'must be left out: a goal looks at every email of the campaign, and outlives its steps'),
  );
}

function reentryProblems(reentry: Fields): Problem[] {
  const { policy, cooldown } = reentry;
  if (policy !== 'never' && policy !== 'after_exit' && policy !== 'after_cooldown')
    return [fault('reentry.policy', 'is one of never, after_exit, after_cooldown')];
  const problems = unknownFields(reentry, 'reentry', policy === 'after_cooldown' ? ['policy', 'cooldown'] : ['policy']);
  return policy === 'after_cooldown' ? [...problems, ...cooldownProblems(cooldown)] : problems;
}

function cooldownProblems(cooldown: unknown): Problem[] {
  if (typeof cooldown !== 'object' || cooldown === null) return [fault('reentry.cooldown', 'is needed: { value, unit }')];
  const { value, unit } = cooldown as Fields;
  const problems = unknownFields(cooldown as Fields, 'reentry.cooldown', ['value', 'unit']);
  if (!COOLDOWN_UNITS.includes(unit as CooldownUnit))
    return [...problems, fault('reentry.cooldown.unit', `is one of ${COOLDOWN_UNITS.join(', ')}`)];
  const ms = Number.isInteger(value) ? (value as number) * UNIT_MS[unit as CooldownUnit] : 0;
  if (ms <= 0 || ms > LONGEST_COOLDOWN_MS)
    problems.push(fault('reentry.cooldown.value', 'is a whole number from 1, at most ten years in all'));
  return problems;
}

/** What is wrong with `{ name, filter }`, the description of an event, with paths below `path`. */
export function eventProblems(event: Fields, path: string, fields: string[]): Problem[] {
  const { name, filter } = event;
  const problems = unknownFields(event, path, fields);
  if (typeof name !== 'string' || name.trim() === '' || name.length > MAX_EVENT_NAME)
    problems.push(fault(`${path}.name`, `is the name of an event, 1 to ${MAX_EVENT_NAME} characters`));
  if (filter !== undefined && filter !== null) problems.push(...validateEventFilter(filter, `${path}.filter`));
  return problems;
}

function unknownFields(fields: Fields, path: string, known: string[]): Problem[] {
  return Object.keys(fields)
    .filter((field) => !known.includes(field))
    .map((field) => ({
      path: `${path}.${field.slice(0, 100)}`,
      code: 'unknown_field',
      message: `is not a field here; there are ${known.join(', ')}`,
    }));
}

function fault(path: string, message: string): Problem {
  return { path, code: 'bad_value', message };
}
