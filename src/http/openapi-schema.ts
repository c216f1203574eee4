import type { Type } from '@nestjs/common';
import { type OpenAPIObject, type SchemaObject, getSchemaPath } from '@nestjs/swagger';

interface Schema {
  $ref?: string;
  type?: unknown;
  enum?: string[];
  allOf?: Schema[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  description?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  discriminator?: { propertyName: string; mapping?: Record<string, string> };
}

interface Union {
  models: Type[];
  schema: SchemaObject;
}
const unions = new Map<string, Union>();

/**
 * A choice among these classes under a name of its own, which no class can express: one type with this name for clients. Returns the schema for a property of any
 * DTO; with `nullable: true` beside it null is possible too. `discriminator` names the property that tells the alternatives apart, where one does.
 */
export function namedUnion(name: string, models: Type[], discriminator?: string): { oneOf: { $ref: string }[] } {
  const oneOf = models.map((model) => ({ $ref: getSchemaPath(model) }));
  unions.set(name, { models, schema: { oneOf, ...(discriminator ? { discriminator: { propertyName: discriminator } } : {}) } });
  return { oneOf: [{ $ref: getSchemaPath(name) }] };
}

/** One kind of thing that a class stands for: which fields it has beside those that all kinds have, and which of its own are never missing or null. */
interface Kind {
  fields: readonly string[];
  required?: readonly string[];
}

interface Kinds {
  property: string;
  kinds: Record<string, Kind>;
  nameOf: (kind: string) => string;
}
const models = new Map<string, Kinds>();

/**
 * Describes a class that stands for several kinds of thing, told apart by `property`, as a choice among these: clients get types that narrow, and no way to write
 * down what would be refused. A field of another kind is null where answers always have it, and does not exist otherwise.
 */
export function describeKinds(model: Type, property: string, kinds: Record<string, Kind>, nameOf: (kind: string) => string): void {
  models.set(model.name, { property, kinds, nameOf });
}

/** What the document needs beside what the controllers name. */
export const unionModels = (): Type[] => [...unions.values()].flatMap(({ models }) => models);
export const unionSchemas = (): Record<string, SchemaObject> =>
  Object.fromEntries([...unions].map(([name, { schema }]) => [name, structuredClone(schema)]));

/** Nest wraps one reference into `allOf`, or what was written into `oneOf`: in OpenAPI 3.1 it stands beside its description as it is. */
export function simplify(document: OpenAPIObject): void {
  document.paths = unwrapped(document.paths) as OpenAPIObject['paths'];
  const schemas = unwrapped(document.components?.schemas) as Record<string, Schema>;
  for (const [name, kinds] of models) if (schemas[name]) Object.assign(schemas, split(name, schemas[name], kinds));
  if (document.components) document.components.schemas = schemas as Record<string, SchemaObject>;
  for (const { discriminator, oneOf } of Object.values(schemas)) {
    if (discriminator) discriminator.mapping = mappingOf(discriminator.propertyName, oneOf!, schemas);
  }
}

/** The schema of a class as a choice among one schema for each kind. */
function split(name: string, model: Schema, { property, kinds, nameOf }: Kinds): Record<string, Schema> {
  const ofKinds = new Set(Object.values(kinds).flatMap(({ fields }) => fields));
  const parts = Object.entries(kinds).map(([kind, { fields, required = [] }]): [string, Schema] => {
    const properties = Object.entries({ [property]: {}, ...model.properties }).flatMap(([field, schema]): [string, Schema][] => {
      if (field === property) return [[field, { type: 'string', enum: [kind] }]];
      if (required.includes(field)) return [[field, withoutNull(schema)]];
      if (!ofKinds.has(field) || fields.includes(field)) return [[field, schema]];
      if (!model.required?.includes(field)) return [];
      return [[field, isNullable(schema) ? { type: 'null' } : schema]];
    });
    const names = [...new Set([...(model.required ?? []), ...required])];
    return [nameOf(kind), { type: 'object', properties: Object.fromEntries(properties), required: names }];
  });
  const oneOf = parts.map(([part]) => ({ $ref: getSchemaPath(part) }));
  const { description } = model;
  return {
    ...Object.fromEntries(parts),
    [name]: { ...(description ? { description } : {}), oneOf, discriminator: { propertyName: property } },
  };
}

function isNullable({ type, anyOf }: Schema): boolean {
  return (Array.isArray(type) && type.includes('null')) || Boolean(anyOf?.some((one) => one.type === 'null'));
}

function withoutNull({ anyOf, ...beside }: Schema): Schema {
  const [only] = anyOf?.filter(({ type }) => type !== 'null') ?? [];
  return only ? { ...beside, ...only } : beside;
}

function unwrapped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrapped);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, key === 'example' ? inner : unwrapped(inner)]);
  const { allOf, oneOf, type: _type, ...beside } = Object.fromEntries(entries) as Schema;
  const sole = [allOf, oneOf].find((choice) => Array.isArray(choice) && choice.length === 1)?.[0];
  return sole?.$ref && !beside.properties ? { ...beside, ...sole } : Object.fromEntries(entries);
}

/** Which value of the property stands for which alternative. */
function mappingOf(property: string, oneOf: Schema[], schemas: Record<string, Schema>): Record<string, string> {
  const refs = oneOf.map(({ $ref }) => $ref!);
  const valuesOf = (ref: string) => schemas[ref.split('/').at(-1)!].properties![property].enum!;
  return Object.fromEntries(refs.flatMap((ref) => valuesOf(ref).map((value) => [value, ref])));
}
