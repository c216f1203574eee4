import { registerDecorator, type ValidationArguments } from 'class-validator';
import { addressFault } from '../domain/address.js';
import { attributesProblems } from '../domain/attributes.js';
import { LEAD_SCORE, lineFault, MAX_NAME_LENGTH, MAX_TAGS, tagFault } from '../domain/text.js';

/** The address of a contact (`addressFault`); say what is wrong, not only that it is. */
export function IsContactAddress(): PropertyDecorator {
  return rule('isContactAddress', (value) => (typeof value === 'string' ? addressFault(value) : 'must be a text'));
}

/** One line for a name; null takes it away. */
export function IsContactName(): PropertyDecorator {
  return rule('isContactName', (value) => {
    if (value === null) return null;
    if (typeof value !== 'string') return 'must be a text';
    return value.trim() === '' ? 'must not be blank; null takes it away' : lineFault(value, MAX_NAME_LENGTH);
  });
}

export function IsLeadScore(): PropertyDecorator {
  const { min, max } = LEAD_SCORE;
  return rule('isLeadScore', (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max ? null : `must be a whole number from ${min} to ${max}`,
  );
}

/** Custom attributes by name. The first fault is named with its attribute. */
export function IsAttributes(): PropertyDecorator {
  return rule('isAttributes', (value) => {
    const [fault] = attributesProblems(value, '');
    if (!fault) return null;
    return fault.path === '' ? fault.message : `have ${JSON.stringify(fault.path.slice(1, 101))}, which ${fault.message}`;
  });
}

export function IsTags(): PropertyDecorator {
  return rule('isTags', (value) => {
    if (!Array.isArray(value)) return 'must be a list of tags';
    if (value.length > MAX_TAGS) return `must be at most ${MAX_TAGS} tags`;
    for (const tag of value as unknown[]) {
      const fault = typeof tag === 'string' ? tagFault(tag.trim()) : 'is not a text';
      if (fault) return `have one that ${fault}`;
    }
    return null;
  });
}

function rule(name: string, fault: (value: unknown) => string | null): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: property as string,
      validator: {
        validate: (value) => fault(value) === null,
        defaultMessage: (args?: ValidationArguments) => `${args?.property} ${fault(args?.value)}`,
      },
    });
}
