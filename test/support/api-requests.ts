import fc from 'fast-check';
import { type Operation, type Parameter, hostileValues, idOf, kindOf, valuesOf } from './openapi.js';

/** A request as it goes out, but for `id#kind#n` where an id of something that exists belongs. */
export interface FuzzedRequest {
  operation: Operation;
  route: string;
  headers: Record<string, string>;
  raw?: string;
}

const hostileTexts = hostileValues.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
/** An empty part of a path, or dots, would make it another path. */
const hostileParts = hostileTexts.filter((text) => !/^\.*$/.test(text) && text.length < 1000);

const CSV = [
  'email,first_name\nfuzz-1@example.com,Ada\n',
  'email\n"unclosed',
  '',
  '\u0000',
  'a,b\n1,2\n',
  'email;name\nx@example.com;y\n',
  '{"email":"n@example.com"}\n{"x":',
  '[]\n1\nnull\n',
];
const GARBAGE = [
  '',
  '{',
  'null',
  '[]',
  '"text"',
  '{"__proto__":{"admin":true}}',
  '{"a":1e999}',
  '{"constructor":{"prototype":{}}}',
  `${'['.repeat(3000)}${']'.repeat(3000)}`,
];
const TYPES = [
  'text/plain',
  'application/xml',
  'text/csv',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'nonsense',
  'application/json; charset=latin1',
];

/** Mostly requests as the document allows them, some with one fault, few that are plain nonsense. */
export function requestsOf(operation: Operation): fc.Arbitrary<FuzzedRequest> {
  const paths = fc.record(
    Object.fromEntries(ofPlace(operation, 'path').map((parameter) => [parameter.name, partsOf(operation, parameter)])),
  );
  const queries = optional(ofPlace(operation, 'query'), ({ schema, name }) => mostly(valuesOf(schema, name), hostileTexts));
  const headers = optional(ofPlace(operation, 'header'), ({ name }) =>
    name === 'Idempotency-Key' ? fc.constantFrom('fuzz', 'a'.repeat(256), 'ä', ' ') : fc.constantFrom('*', '"nope"', 'nonsense', ''),
  );
  return fc.record({ paths, queries, headers, body: bodiesOf(operation) }).map(({ paths: parts, queries: query, headers: given, body }) => {
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encode(String(parts[name])));
    const search = Object.entries(query).map(
      ([name, value]) => `${name}=${encode(typeof value === 'object' ? JSON.stringify(value) : String(value))}`,
    );
    return {
      operation,
      route: `${operation.method.toUpperCase()} ${path}${search.length > 0 ? `?${search.join('&')}` : ''}`,
      headers: { ...latin(given), ...(body?.type === undefined ? {} : { 'content-type': body.type }) },
      raw: body?.raw,
    };
  });
}

/** One body as the document asks for it. */
export function validBodies(operation: Operation): fc.Arbitrary<unknown> {
  const schema = operation.requestBody?.content['application/json']?.schema;
  return schema ? valuesOf(schema) : fc.constant(undefined);
}

const ofPlace = ({ parameters }: Operation, place: Parameter['in']) => parameters.filter((parameter) => parameter.in === place);

const mostly = <T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>) => fc.oneof({ weight: 6, arbitrary: good }, { weight: 1, arbitrary: bad });

function optional(
  parameters: Parameter[],
  valueOf: (parameter: Parameter) => fc.Arbitrary<unknown>,
): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(Object.fromEntries(parameters.map((parameter) => [parameter.name, valueOf(parameter)])), { requiredKeys: [] });
}

function partsOf({ path }: Operation, { name, schema }: Parameter): fc.Arbitrary<unknown> {
  if (schema.format === 'uuid') {
    const parent = path.split('/')[path.split('/').indexOf(`{${name}}`) - 1];
    return mostly<unknown>(fc.oneof({ weight: 4, arbitrary: idOf(kindOf(parent)) }, { weight: 1, arbitrary: fc.uuid() }), hostileParts);
  }
  return mostly(
    valuesOf(schema, name).filter((value) => !/^\.*$/.test(String(value))),
    hostileParts,
  );
}

type Body = { type?: string; raw?: string } | undefined;

function bodiesOf({ method, requestBody }: Operation): fc.Arbitrary<Body> {
  if (method === 'get') return fc.constant(undefined);
  const types = Object.keys(requestBody?.content ?? {});
  const nonsense = fc.record({ type: fc.constantFrom('application/json', ...TYPES), raw: fc.constantFrom(...GARBAGE) });
  if (types.length === 0) return fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: nonsense });
  if (types[0] !== 'application/json')
    return fc.oneof(fc.record({ type: fc.constantFrom(...types), raw: fc.constantFrom(...CSV) }), nonsense);
  const good = valuesOf(requestBody!.content['application/json'].schema ?? {});
  const json = (values: fc.Arbitrary<unknown>) => values.map((value) => ({ type: 'application/json', raw: JSON.stringify(value) }));
  const broken = fc.tuple(good, hostileValues, fc.nat()).map(([body, bad, at]) => spoiled(body, bad, at));
  return fc.oneof(
    { weight: 8, arbitrary: json(good) },
    { weight: 5, arbitrary: json(broken) },
    { weight: 1, arbitrary: nonsense },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

/** The body with a hostile value at one place, or with a field nobody knows. */
function spoiled(body: unknown, bad: unknown, at: number): unknown {
  const places: [Record<string, unknown>, string][] = [];
  const copy = structuredClone(body);
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      places.push([value as Record<string, unknown>, name]);
      visit(inner);
    }
    if (!Array.isArray(value)) places.push([value as Record<string, unknown>, 'tenantId']);
  };
  visit(copy);
  if (places.length === 0) return bad;
  const [owner, name] = places[at % places.length];
  owner[name] = bad;
  return copy;
}

/** Lone surrogates have no form in a URL. */
function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString()).replaceAll('%23', '#');
}

function latin(headers: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}
