import type { Type } from '@nestjs/common';
import { describeKinds } from '../../../http/index.js';
import { FIELDS } from '../domain/step-shape.js';
import { STEP_TYPES, type StepType } from '../domain/step.js';

const REQUIRED: Partial<Record<StepType, string[]>> = { action: ['actionConfig'], wait_for: ['waitDuration'] };

/** Describes a class of steps as a choice among the types of steps: `FlowStepDto` becomes `FlowEmailStepDto`, `FlowWaitStepDto` … */
export function describeStepKinds(model: Type): void {
  const kinds = STEP_TYPES.map((type) => {
    const refs = FIELDS[type].map((field) => field.replace(/StepId$/, 'Ref'));
    return [type, { fields: [...FIELDS[type], ...refs, ...(type === 'email' ? ['variants'] : [])], required: REQUIRED[type] }] as const;
  });
  describeKinds(model, 'stepType', Object.fromEntries(kinds), (type) => model.name.replace('Step', `${pascal(type)}Step`));
}

function pascal(type: string): string {
  return type.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
