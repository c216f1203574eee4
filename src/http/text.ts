/** What no text of ours may hold: PostgreSQL stores no NUL, and a lone surrogate is no character (UTF-8 cannot write it). */
const UNSTORABLE = /\0|\p{Surrogate}/u;

/** Deepest nesting of a JSON body. Recursion in what comes after (validation, jsonb) stays far below its limits. */
export const MAX_DEPTH = 32;

export interface JsonFault {
  path: string;
  message: string;
  code: string;
}

/** Says why this text cannot be stored, or null. */
export function textFault(text: string): string | null {
  if (!UNSTORABLE.test(text)) return null;
  return text.includes('\0') ? 'must not contain the NUL character (U+0000)' : 'must not contain half of a surrogate pair';
}

/** `steps[2].name`: how a place in a JSON body is written in `errors[].path`. */
export function joinPath(parent: string, key: string | number): string {
  if (typeof key === 'number') return `${parent}[${key}]`;
  return parent === '' ? key : `${parent}.${key}`;
}

interface Node {
  value: object;
  key: string | number;
  parent: Node | null;
  depth: number;
}

/**
 * Looks through a parsed JSON body for what nothing further down can digest: nesting deeper than `MAX_DEPTH`, texts (keys too) that cannot be
 * stored, names that reach for a prototype, numbers beyond a double. Returns the first fault found. Walks without recursion, so that no body can overflow the stack.
 */
export function findJsonFault(body: unknown): JsonFault | null {
  const whole = scalarFault(body);
  if (whole) return { path: '', message: whole, code: 'invalid_value' };
  if (!isContainer(body)) return null;
  const pending: Node[] = [{ value: body, key: '', parent: null, depth: 1 }];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (node.depth > MAX_DEPTH) return { path: pathOf(node), message: `is nested deeper than ${MAX_DEPTH} levels`, code: 'too_deep' };
    const fault = visit(node, pending);
    if (fault) return fault;
  }
  return null;
}

function visit(node: Node, pending: Node[]): JsonFault | null {
  const isArray = Array.isArray(node.value);
  for (const [name, element] of Object.entries(node.value)) {
    const key = isArray ? Number(name) : name;
    const badName = isArray ? null : textFault(name);
    if (badName) return { path: pathOf(node), message: `has a field whose name ${badName}`, code: 'invalid_name' };
    if (!isArray && poisonsPrototype(name, element))
      return { path: pathOf(node), message: `has a field named ${name}, which is not allowed`, code: 'invalid_name' };
    const message = scalarFault(element);
    if (message) return { path: joinPath(pathOf(node), key), message, code: 'invalid_value' };
    if (isContainer(element)) pending.push({ value: element, key, parent: node, depth: node.depth + 1 });
  }
  return null;
}

/** Copied carelessly, such a field would change the prototype of an object instead of the object. */
function poisonsPrototype(name: string, value: unknown): boolean {
  return name === '__proto__' || (name === 'constructor' && isContainer(value) && Object.hasOwn(value, 'prototype'));
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function pathOf(node: Node): string {
  return node.parent ? joinPath(pathOf(node.parent), node.key) : '';
}

function scalarFault(value: unknown): string | null {
  if (typeof value === 'string') return textFault(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return 'is a number too large to be represented';
  return null;
}
