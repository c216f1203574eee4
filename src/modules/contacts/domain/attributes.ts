import type { Problem } from '../../../shared/domain-error.js';
import { textFault } from './text.js';

export type AttributeScalar = string | number | boolean;
export type AttributeValue = AttributeScalar | AttributeScalar[];
export type Attributes = Record<string, AttributeValue>;
/** What a PATCH may say: null removes the key. */
export type AttributesPatch = Record<string, AttributeValue | null>;

export const MAX_ATTRIBUTES = 100;
export const MAX_ATTRIBUTE_NAME = 100;
/** Of one value, as JSON in UTF-8. */
export const MAX_ATTRIBUTE_BYTES = 10_240;

/** Letters of any script, digits, `_`, `-`, `.` and spaces; begins with a letter or `_`. What rules can name, an attribute can be called. */
const NAME = /^[\p{L}_][\p{L}\p{N}_ .-]*$/u;
/** Rules and templates mean the contact's own field by these, so an attribute of that name could never be reached. */
const BUILTIN = new Set(['email', 'firstName', 'lastName', 'timezone', 'createdAt']);
const DANGEROUS = new Set(['__proto__', 'constructor', 'prototype']);

/** Why a string cannot name a custom attribute, or null. */
export function attributeNameFault(name: string): string | null {
  if (name.length > MAX_ATTRIBUTE_NAME) return `is longer than ${MAX_ATTRIBUTE_NAME} characters`;
  if (DANGEROUS.has(name) || !NAME.test(name)) {
    return 'cannot name an attribute: use letters, digits, "_", "-", "." and spaces, beginning with a letter';
  }
  return BUILTIN.has(name) ? 'is a field of the contact itself, not a custom attribute' : null;
}

/** Why something cannot be the value of a custom attribute, or null. */
export function attributeValueFault(value: unknown): string | null {
  if (!isScalar(value) && !(Array.isArray(value) && value.every(isScalar))) {
    return 'must be a text, a number, true or false, or a list of these';
  }
  const texts = (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
  for (const text of texts) {
    const fault = textFault(text);
    if (fault) return fault;
  }
  return Buffer.byteLength(JSON.stringify(value)) > MAX_ATTRIBUTE_BYTES ? `is larger than ${MAX_ATTRIBUTE_BYTES} bytes` : null;
}

function isScalar(value: unknown): value is AttributeScalar {
  return typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}

/** Every fault of an attributes object. `null` values pass: they remove the key on PATCH and are ignored elsewhere. */
export function attributesProblems(value: unknown, path: string): Problem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ path, message: 'must be an object of names and values' }];
  }
  const entries = Object.entries(value);
  if (entries.length > MAX_ATTRIBUTES) return [{ path, message: `has more than ${MAX_ATTRIBUTES} attributes` }];
  return entries.flatMap(([name, item]) => {
    const fault = attributeNameFault(name) ?? (item === null ? null : attributeValueFault(item));
    return fault ? [{ path: `${path}.${name}`, message: fault }] : [];
  });
}

/** The attributes that are set, without the nulls. */
export function withoutNulls(patch: AttributesPatch): Attributes {
  return Object.fromEntries(Object.entries(patch).filter((entry): entry is [string, AttributeValue] => entry[1] !== null));
}

/** `patch` over `current`; null removes. */
export function mergeAttributes(current: Attributes, patch: AttributesPatch): Attributes {
  return withoutNulls({ ...current, ...patch });
}
