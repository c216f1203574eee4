import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import fc from 'fast-check';

// The document as it is committed: the Swagger plugin works in compiled code only, not in what jest runs. `check:openapi` keeps it current.
export type Schema = {
  [keyword: string]: unknown;
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  allOf?: Schema[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  example?: unknown;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
};
export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}
export type Content = Record<string, { schema?: Schema; example?: unknown }>;
export interface Operation {
  operationId: string;
  method: string;
  path: string;
  parameters: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, Response>;
  security: unknown[];
  'x-permission'?: string;
}
type Response = { $ref?: string; content?: Content; headers?: Record<string, unknown> };
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; responses: Record<string, Response> };
}

export const document = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8')) as Document;

export const operations: Operation[] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => {
    const responses = Object.entries(operation.responses).map(([status, response]) => [status, referred(response)] as const);
    return { ...operation, parameters: operation.parameters ?? [], responses: Object.fromEntries(responses), path, method };
  }),
);

function referred(response: Response): Response {
  return response.$ref ? document.components.responses[response.$ref.split('/').at(-1)!] : response;
}

export function resolve({ $ref, ...beside }: Schema): Schema {
  return $ref ? { ...resolve(document.components.schemas[$ref.split('/').at(-1)!]), ...beside } : beside;
}

function without(schema: Schema, ...keywords: string[]): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !keywords.includes(keyword)));
}

/** The schema closed: a field that the document does not name is a fault of the document. */
function closed(schema: Schema): Schema {
  const { properties, additionalProperties: more } = schema;
  const choice = schema.oneOf ?? schema.anyOf;
  const converted: Schema = {
    ...without(schema, 'example', 'discriminator', 'description', 'default', 'deprecated'),
    ...(schema.allOf ? { allOf: schema.allOf.map(closed) } : {}),
    ...(choice ? { anyOf: choice.map(closed) } : {}),
    ...(schema.items ? { items: closed(schema.items) } : {}),
    ...(typeof more === 'object' ? { additionalProperties: closed(more) } : properties ? { additionalProperties: more ?? false } : {}),
  };
  if (properties) converted.properties = Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, closed(one)]));
  return without(converted, 'oneOf');
}

const ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false });
ajv.addFormat('uuid', /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i);
ajv.addFormat('date', (text: string) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)));
ajv.addFormat('date-time', (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text));
ajv.addFormat('email', /^[^\s@<>,]+@[^\s@<>,]+$/);
ajv.addFormat('uri', (text: string) => URL.canParse(text));
ajv.addFormat('binary', true);
ajv.addSchema({
  $id: 'api',
  components: { schemas: Object.fromEntries(Object.entries(document.components.schemas).map(([k, v]) => [k, closed(v)])) },
});

const validators = new Map<Schema, ValidateFunction>();

/** What of a value does not fit a schema of the document; nothing when it fits. */
export function misfit(schema: Schema, value: unknown): string | null {
  let validate = validators.get(schema);
  if (!validate) {
    const text = JSON.stringify(closed(schema)).replaceAll('"#/components', '"api#/components');
    validators.set(schema, (validate = ajv.compile(JSON.parse(text) as Schema)));
  }
  if (validate(value)) return null;
  return ajv.errorsText(validate.errors?.slice(0, 4)) + ` (${JSON.stringify(validate.errors?.[0].params)})`;
}

/** A placeholder for an id: replaced by one that exists when the request is made. */
export const idOf = (kind: string) => fc.nat(99).map((n) => `id#${kind}#${n}`);

/** `providerAccountId`, `accountIds` and `/provider-accounts/` are all of `accounts`. */
export function kindOf(name: string): string {
  const word = name
    .replace(/(?:Ids?|s)$/, '')
    .split(/[-_]|(?=[A-Z])/)
    .at(-1)!;
  return `${word.toLowerCase()}s`;
}

/** Values as a schema asks for them: half of the time its example, where it has one. */
export function valuesOf(given: Schema, name = '', depth = 0): fc.Arbitrary<unknown> {
  // Rules hold rules.
  if (depth > 6) return fc.constant({});
  if (given.$ref && given.example === undefined) return valuesOf(document.components.schemas[given.$ref.split('/').at(-1)!], name, depth);
  const byName = known.get(given) ?? new Map<string, fc.Arbitrary<unknown>>();
  known.set(given, byName);
  const values = byName.get(`${depth} ${name}`) ?? makeValues(given, name, depth);
  byName.set(`${depth} ${name}`, values);
  return values;
}

const known = new Map<Schema, Map<string, fc.Arbitrary<unknown>>>();

function makeValues(given: Schema, name: string, depth: number): fc.Arbitrary<unknown> {
  const schema = resolve(given);
  const choice = schema.oneOf ?? schema.anyOf;
  const options: fc.Arbitrary<unknown>[] = choice ? choice.map((one) => valuesOf(one, name, depth)) : [byType(schema, name, depth)];
  if (schema.example !== undefined && schema.format !== 'uuid') options.push(fc.constant(schema.example));
  const values = fc.oneof(...options);
  const isNullable = schema.type?.includes('null') && Array.isArray(schema.type);
  return isNullable ? fc.oneof({ weight: 9, arbitrary: values }, { weight: 1, arbitrary: fc.constant(null) }) : values;
}

function byType(schema: Schema, name: string, depth: number): fc.Arbitrary<unknown> {
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type;
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (type === 'null') return fc.constant(null);
  if (type === 'string') return textsOf(schema, name);
  if (type === 'integer') return fc.integer({ min: schema.minimum ?? -5, max: Math.min(schema.maximum ?? 1e6, 2 ** 31 - 1) });
  if (type === 'number') return fc.double({ min: schema.minimum ?? -5, max: schema.maximum ?? 1e6, noNaN: true });
  if (type === 'boolean') return fc.boolean();
  if (type === 'array') {
    const max = depth > 5 ? 0 : Math.min(schema.maxItems ?? 3, 3);
    return fc.array(valuesOf(schema.items ?? {}, name, depth + 1), {
      minLength: Math.min(schema.minItems ?? 0, Math.max(max, 1)),
      maxLength: Math.max(max, 1),
    });
  }
  if (schema.properties) return objectsOf(schema, depth);
  if (type === 'object') return fc.dictionary(fc.constantFrom('plan', 'city', 'a b', ''), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 });
  return fc.jsonValue({ maxDepth: 2 });
}

function objectsOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const required = schema.required ?? [];
  const entries = Object.entries(schema.properties ?? {}).filter(([name]) => required.includes(name) || depth < 5);
  const fields = Object.fromEntries(entries.map(([name, property]) => [name, valuesOf(property, name, depth + 1)]));
  return fc.record(fields, { requiredKeys: required.filter((name) => name in fields), noNullPrototype: true });
}

function textsOf(schema: Schema, name: string): fc.Arbitrary<unknown> {
  if (schema.format === 'uuid') return fc.oneof({ weight: 5, arbitrary: idOf(kindOf(name)) }, { weight: 1, arbitrary: fc.uuid() });
  if (schema.format === 'date')
    return fc
      .date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((d) => d.toISOString().slice(0, 10));
  if (schema.format === 'date-time')
    return fc.date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }).map((d) => d.toISOString());
  if (schema.format === 'uri')
    return fc.constantFrom('https://acme.example/hooks/mail', 'http://127.0.0.1/x', 'https://10.0.0.1:8443/', 'mailto:ada@example.com');
  if (schema.format === 'email') return fc.nat(9999).map((n) => `fuzz-${n}@example.com`);
  return fc.string({ unit: 'grapheme', minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 40, 40) });
}

const DEEP = JSON.parse(`${'{"all":['.repeat(14)}1${']}'.repeat(14)}`) as unknown;

/** Values that nobody asked for. */
export const hostileValues: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  ...[
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    Number.MAX_SAFE_INTEGER,
    -2147483649,
    '',
    ' ',
    '\u0000',
    'a\r\nBcc: x@example.com',
    'x'.repeat(256),
    'x'.repeat(5000),
  ],
  ...[
    "' OR 1=1 --",
    '{{ contact | nope }}',
    '{% for %}',
    '<mj-include path="/etc/passwd" />',
    '\ud800',
    '\u202e',
    '../../etc/passwd',
    '2026-02-30',
    'NaN',
  ],
  ...[
    'undefined',
    'Mars/Olympus',
    'javascript:alert(1)',
    'http://169.254.169.254/',
    'a@b',
    '9999-12-31T23:59:59Z',
    '+275760-09-13T00:00:00.000Z',
    '-000001-01-01T00:00:00Z',
  ],
  ...[[], {}, [[]], [null], { type: 'nope' }, { length: 1e9 }, { toString: 1 }, DEEP, Array(300).fill('x')],
);
