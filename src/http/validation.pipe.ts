import { Readable } from 'node:stream';
import { type ArgumentMetadata, Injectable, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import type { Problem } from '../shared/domain-error.js';
import { InvalidRequestError, UnsupportedMediaTypeError } from './http.errors.js';
import { findJsonFault, joinPath } from './text.js';

/** Faults shown in one answer; a body of thousands of faulty items need not be echoed in full. */
const MAX_PROBLEMS = 100;
const PREFIX: Partial<Record<ArgumentMetadata['type'], string>> = { query: 'query', param: 'params' };
const NO_NUMBER = 'must be a number';
const UNTYPED: unknown[] = [String, Number, Boolean, Array, Object, Buffer, undefined];

/**
 * Turns input into the class its parameter names, or refuses it with the path of every fault. Unknown fields are faults, and nothing is
 * converted silently: `"5"` is no number. Streams and buffers pass untouched where a route takes them.
 */
@Injectable()
export class RequestValidationPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      stopAtFirstError: true,
      transform: true,
      transformOptions: { enableImplicitConversion: false, exposeDefaultValues: true },
      validationError: { target: false, value: true },
      exceptionFactory: (errors) => new InvalidRequestError(flatten(errors)),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type === 'custom') return value;
    if (value instanceof Readable || Buffer.isBuffer(value)) return assertTaken(value, metadata);
    const prefix = PREFIX[metadata.type];
    if (prefix) assertStorable(value, metadata.data ? `${prefix}.${metadata.data}` : prefix);
    else if (!UNTYPED.includes(metadata.metatype)) assertObject(value);
    // Primitives are checked by their own pipes: Nest's conversion would turn "abc" into NaN.
    if (UNTYPED.includes(metadata.metatype)) return value;
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      if (!prefix || !(error instanceof InvalidRequestError)) throw error;
      throw new InvalidRequestError(error.problems.map((problem) => inPart(prefix, problem)));
    }
  }
}

/** Numbers in addresses are whole ones; what is not stays a text. */
function inPart(prefix: string, { path, message, ...problem }: Problem): Problem {
  return { ...problem, path: joinPath(prefix, path), message: message === NO_NUMBER ? 'must be a whole number' : message };
}

/** An import sent to a route that takes JSON would reach it unchecked, with none of the fields it relies on. */
function assertTaken(value: Readable | Buffer, { metatype }: ArgumentMetadata): Readable | Buffer {
  if (UNTYPED.includes(metatype) || (metatype !== undefined && value instanceof metatype)) return value;
  throw new UnsupportedMediaTypeError('text/csv or application/x-ndjson');
}

function assertStorable(value: unknown, path: string): void {
  const fault = findJsonFault(value);
  if (fault) throw new InvalidRequestError([{ ...fault, path: fault.path === '' ? path : joinPath(path, fault.path) }]);
}

function assertObject(value: unknown): void {
  if (value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value))) return;
  throw new InvalidRequestError([{ path: '', message: 'must be a JSON object', code: 'isObject' }], 'The body must be a JSON object.');
}

function flatten(errors: ValidationError[]): Problem[] {
  const problems: Problem[] = [];
  const visit = (error: ValidationError, parent: string, inArray: boolean): void => {
    if (problems.length >= MAX_PROBLEMS) return;
    const path = joinPath(parent, inArray && /^\d+$/.test(error.property) ? Number(error.property) : error.property);
    for (const [code, message] of Object.entries(error.constraints ?? {})) problems.push(problemOf(path, error, code, message));
    for (const child of error.children ?? []) visit(child, path, true);
  };
  errors.forEach((error) => visit(error, '', false));
  return problems;
}

/** class-validator's messages begin with the property's name; ours are read after the path. */
function problemOf(path: string, { property, value }: ValidationError, code: string, message: string): Problem {
  // Of what is no list, nothing else need be said: neither how long it may be nor what may stand in it.
  if (!Array.isArray(value) && (/^(array|isArray$)/.test(code) || message.startsWith('each value in '))) {
    return { path, message: 'must be a list', code: 'isArray' };
  }
  // Of what is no number, its bounds need not be said.
  if (typeof value !== 'number' && (code === 'min' || code === 'max')) return { path, message: NO_NUMBER, code: 'isNumber' };
  if (code === 'whitelistValidation') return { path, message: 'is not a known field', code: 'unknown_field' };
  if (code === 'nestedValidation') return { path, message: 'must be an object, or a list of objects where a list is expected', code };
  return { path, message: message.startsWith(`${property} `) ? message.slice(property.length + 1) : message, code };
}
