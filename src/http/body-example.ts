export interface Schema {
  [keyword: string]: unknown;
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  items?: Schema;
  required?: string[];
  properties?: Record<string, Schema>;
  minimum?: number;
  example?: unknown;
}

const ID = '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';

/**
 * A body that can be sent as it is: what is required, and whatever of the rest has an example. Without it pages make one up that holds every field there is,
 * with "string" as text, which no validation lets pass.
 */
export function bodyExample(given: Schema, schemas: Record<string, Schema>): unknown {
  const { $ref, ...beside } = given;
  const schema = $ref ? { ...schemas[$ref.split('/').at(-1)!], ...beside } : given;
  const { example, oneOf, anyOf, type, properties = {}, required = [] } = schema;
  if (example !== undefined) return example;
  const choice = oneOf ?? anyOf;
  if (choice) return bodyExample(choice[0], schemas);
  if (type === 'array') return [bodyExample(schema.items ?? {}, schemas)];
  if (type !== 'object') return scalarExample(schema);
  // An id that is not asked for would only name what the reader has not got.
  const shown = Object.entries(properties).filter(
    ([name, property]) => required.includes(name) || (property.example !== undefined && property.format !== 'uuid'),
  );
  return Object.fromEntries(shown.map(([name, property]) => [name, bodyExample(property, schemas)]));
}

function scalarExample({ type, format, enum: values, default: usual, minimum }: Schema): unknown {
  if (usual !== undefined) return usual;
  if (values) return values[0];
  if (type === 'boolean') return true;
  if (type === 'integer' || type === 'number') return minimum ?? 1;
  return format === 'uuid' ? ID : format === 'date-time' ? '2030-03-29T09:00:00Z' : 'text';
}
