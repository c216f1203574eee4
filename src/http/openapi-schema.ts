import type { Type } from '@nestjs/common';
import { type OpenAPIObject, type SchemaObject, getSchemaPath } from '@nestjs/swagger';

interface Schema {
  $ref?: string;
  type?: unknown;
  enum?: string[];
  allOf?: Schema[];
  oneOf?: Schema[];
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

/** What the document needs beside what the controllers name. */
export const unionModels = (): Type[] => [...unions.values()].flatMap(({ models }) => models);
export const unionSchemas = (): Record<string, SchemaObject> =>
  Object.fromEntries([...unions].map(([name, { schema }]) => [name, structuredClone(schema)]));

/** Nest wraps one reference into `allOf`, or what was written into `oneOf`: in OpenAPI 3.1 it stands beside its description as it is. */
export function simplify(document: OpenAPIObject): void {
  document.paths = unwrapped(document.paths) as OpenAPIObject['paths'];
  const schemas = unwrapped(document.components?.schemas) as Record<string, Schema>;
  if (document.components) document.components.schemas = schemas as Record<string, SchemaObject>;
  for (const { discriminator, oneOf } of Object.values(schemas)) {
    if (discriminator) discriminator.mapping = mappingOf(discriminator.propertyName, oneOf!, schemas);
  }
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
