import type { Problem } from '../../../shared/domain-error.js';
import { ACTION_TYPES, STEP_LIMITS, type ActionConfig } from './step.js';
import { webhookProblems } from './webhook-action.js';

const KEYS: Record<ActionConfig['type'], readonly string[]> = {
  set_attribute: ['type', 'attribute', 'value'],
  add_tag: ['type', 'tag'],
  remove_tag: ['type', 'tag'],
  adjust_lead_score: ['type', 'by'],
  add_to_segment: ['type', 'segmentId'],
  remove_from_segment: ['type', 'segmentId'],
  exit: ['type', 'reason'],
  enroll: ['type', 'campaignId'],
  webhook: ['type', 'url', 'secret', 'hasSecret'],
};
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Columns of a contact that an action must not write: the address is an identity, the score has its own action. */
const READ_ONLY = ['id', 'email', 'leadScore', 'createdAt', 'updatedAt', 'subscribed', 'tags', '__proto__', 'constructor', 'prototype'];

/** What is wrong with the configuration of an action step as callers give it. Accepts anything that JSON can hold. */
export function actionProblems(config: unknown, path: string): Problem[] {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    return [{ path, code: 'required', message: 'An action needs actionConfig: an object with a type.' }];
  }
  const action = config as Record<string, unknown>;
  const type = ACTION_TYPES.find((known) => known === action.type);
  if (!type)
    return [{ path: `${path}.type`, code: 'unknown_action', message: `The type of an action is one of ${ACTION_TYPES.join(', ')}.` }];
  const unknown = Object.keys(action)
    .filter((key) => !KEYS[type].includes(key))
    .map((key) => ({ path: `${path}.${key}`, code: 'unknown_field', message: `An action "${type}" has ${KEYS[type].join(', ')} only.` }));
  return [...unknown, ...valueProblems(type, action, path)];
}

function valueProblems(type: ActionConfig['type'], action: Record<string, unknown>, path: string): Problem[] {
  switch (type) {
    case 'set_attribute':
      return attributeProblems(action, path);
    case 'add_tag':
    case 'remove_tag':
      return textProblem(action.tag, STEP_LIMITS.tag, `${path}.tag`, 'A tag');
    case 'adjust_lead_score': {
      const { by } = action;
      if (Number.isInteger(by) && by !== 0 && Math.abs(by as number) <= STEP_LIMITS.leadScore) return [];
      const message = `"by" is a whole number other than 0, up to ${STEP_LIMITS.leadScore} either way.`;
      return [{ path: `${path}.by`, code: 'out_of_range', message }];
    }
    case 'add_to_segment':
    case 'remove_from_segment':
      if (typeof action.segmentId === 'string' && UUID.test(action.segmentId)) return [];
      return [{ path: `${path}.segmentId`, code: 'required', message: 'segmentId is the id of a static segment.' }];
    case 'enroll': {
      const { campaignId } = action;
      if (typeof campaignId === 'string' && UUID.test(campaignId)) return [];
      return [{ path: `${path}.campaignId`, code: 'invalid_id', message: 'campaignId is the id of another campaign (a UUID).' }];
    }
    case 'webhook':
      return webhookProblems(action, path);
    case 'exit':
      return action.reason === undefined ? [] : textProblem(action.reason, STEP_LIMITS.exitReason, `${path}.reason`, 'A reason');
  }
}

/** What may be written to a contact, names and values, is for the contacts module to say (`setAttributeProblems`). */
function attributeProblems({ attribute, value }: Record<string, unknown>, path: string): Problem[] {
  const problems = textProblem(attribute, STEP_LIMITS.attribute, `${path}.attribute`, 'An attribute name');
  if (READ_ONLY.includes(attribute as string)) {
    problems.push({
      path: `${path}.attribute`,
      code: 'read_only_attribute',
      message: `"${String(attribute)}" cannot be set by an action.`,
    });
  }
  if (value === undefined) {
    problems.push({ path: `${path}.value`, code: 'required', message: 'A value is needed; null takes the attribute away.' });
  }
  return problems;
}

function textProblem(value: unknown, limit: number, path: string, what: string): Problem[] {
  if (typeof value === 'string' && value.trim() !== '' && [...value].length <= limit) return [];
  return [{ path, code: 'invalid_text', message: `${what} is a text of 1 to ${limit} characters.` }];
}
