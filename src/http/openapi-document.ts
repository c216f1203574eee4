import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { OperationObject, PathItemObject, SchemaObject } from '@nestjs/swagger';
import { problemComponents, problemResponse, sharedProblem } from './api-problems.js';
import type { ProblemStatus } from './problem.js';
import { simplify, unionModels, unionSchemas } from './openapi-schema.js';
import { type Schema, bodyExample } from './body-example.js';
import { ProblemDto } from './problem.dto.js';
import { RATE_LIMIT_HEADERS, headerRefs } from './rate-limit-headers.js';

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'options', 'head'] as const;
const WRITES = new Set<string>(['put', 'post', 'delete', 'patch']);

const DESCRIPTION = `
Email campaigns for many tenants: steps with branches and waits, audiences, approvals, delivery, tracking and analytics.

## Quick start

\`\`\`sh
export KEY=$(cat .data/api-key)          # the first start prints and keeps it
curl -s -H "Authorization: Bearer $KEY" http://127.0.0.1:3000/api/me
curl -s -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"name":"Main office"}' http://127.0.0.1:3000/api/workspaces
\`\`\`

In this page, **Authorize** takes the same key.

## Conventions

- JSON in camelCase; ids are UUIDs; instants are ISO 8601 with an offset (answers are in UTC).
- Every request to \`/api\` carries \`Authorization: Bearer <API key>\`. What belongs to another tenant does not exist (404).
- Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`; \`errors[]\` names every fault by its path.
- Lists take \`limit\` and \`cursor\` and answer \`{ data, nextCursor }\`, the newest first; pass \`nextCursor\` on until it is null.
- Writes take \`Idempotency-Key\`: the same key with the same request gets the first answer again, for 24 hours.
- Requests are limited by credential: \`RateLimit-Remaining\` says how many are left, 429 comes with \`Retry-After\`.
- One resource comes with an \`ETag\`; a change with \`If-Match\` fails with 412 if somebody else was faster.
`.trim();

/** The OpenAPI 3.1 document of an application; the same source gives the same bytes. */
export function buildDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Campaign engine')
    .setVersion('1.0')
    .setDescription(DESCRIPTION)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key: `ce_…`.' })
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (_controller, method) => method,
    extraModels: [ProblemDto, ...unionModels()],
  });
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, ...unionSchemas() },
    responses: problemComponents(),
  };
  simplify(document);
  document.paths = sorted(document.paths);
  document.tags = TAGS.map(([name, description]) => ({ name, description }));
  document.components.schemas = sorted(document.components.schemas!);
  // Refusals carry members of their own: `currentStatus`, `usedBy`, `existingId` (RFC 9457 §3.2).
  (document.components.schemas?.ProblemDto as SchemaObject).additionalProperties = true;
  document.components.headers = {
    ...HEADERS,
    ...Object.fromEntries(
      Object.entries(RATE_LIMIT_HEADERS).map(([name, description]) => [name, { description, schema: { type: 'integer', minimum: 0 } }]),
    ),
  };
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = (item as PathItemObject)[method];
      if (!operation) continue;
      complete(operation, path, method);
      exemplify(operation, document.components.schemas as Record<string, Schema>);
    }
  }
  return document;
}

/** In the order in which somebody who is new needs them. */
const TAGS = [
  ['Campaigns', 'From the draft to the end: settings, preflight, rehearsal, launch, pause, copies, files'],
  ['Steps', 'The flow of a campaign: emails and their variants, waits, conditions, actions'],
  ['Versions', 'Another flow for a campaign that is under way'],
  ['Contacts', 'The people: one by one, or imported'],
  ['Segments', 'Audiences, by rules or by list'],
  ['Templates', 'Content for many campaigns, in versions'],
  ['Events', 'What contacts did: starts triggered campaigns and feeds rules'],
  ['Enrolments', 'Contacts in a campaign'],
  ['Analytics', 'What became of it: reports, exports, timelines, the ledger'],
  ['Approvals', 'Who has to agree before a campaign goes out'],
  ['Pacing', 'How fast, when, and how often'],
  ['Suppressions', 'Addresses that get no mail'],
  ['Senders', 'Provider accounts and sender domains'],
  ['Webhooks', 'Calls to your programs, and from mail providers'],
  ['Identity', 'Users, roles, API keys, workspaces, the audit log'],
  ['Public', 'Links in messages: without a credential'],
  ['Operations', 'Health and metrics of a process'],
] as const;

type Open = OperationObject & { 'x-public'?: boolean; 'x-unlimited'?: boolean; 'x-no-idempotency'?: boolean; 'x-etag'?: boolean };

const HEADERS = {
  ETag: { description: 'Names this state of the resource, for `If-Match`.', schema: { type: 'string' as const } },
  'Idempotency-Replayed': {
    description: 'This is the answer of the first request with this `Idempotency-Key`; nothing was done again.',
    schema: { type: 'string' as const, enum: ['true'] },
  },
};

/** What holds for whole groups of operations is said here once, not at each of them. */
function complete(operation: Open, path: string, method: string): void {
  // The modules write tags as they like; a reader sees one list.
  operation.tags = operation.tags?.map((tag) => tag[0].toUpperCase() + tag.slice(1));
  const isPublic = operation['x-public'] === true;
  const isLimited = operation['x-unlimited'] !== true;
  delete operation['x-public'];
  delete operation['x-unlimited'];
  // Nest writes a wildcard as `{path}`, but names its parameter `*`.
  for (const parameter of operation.parameters ?? []) if ('name' in parameter && parameter.name === '*') parameter.name = 'path';
  operation.security = isPublic ? [] : [{ bearer: [] }];
  const isWrite = WRITES.has(method);
  if (isPublic) {
    const statuses = [...(isWrite ? OF_PUBLIC_WRITES : []), ...(isLimited ? OF_LIMITS : [])];
    for (const status of statuses) operation.responses[String(status)] ??= problemResponse(status);
    operation.responses = shared(operation.responses);
    if (isLimited) tell(operation, Object.keys(RATE_LIMIT_HEADERS));
    return;
  }
  const hasReplay = isWrite && path.startsWith('/api/') && operation['x-no-idempotency'] === undefined;
  delete operation['x-no-idempotency'];
  const statuses = [...ALWAYS, ...(isWrite ? OF_BODIES : []), ...(hasReplay ? OF_IDEMPOTENCY : [])];
  for (const status of statuses) operation.responses[String(status)] ??= problemResponse(status);
  operation.responses = shared(operation.responses);
  if (operation['x-etag']) tell(operation, ['ETag']);
  delete operation['x-etag'];
  if (hasReplay) tell(operation, ['Idempotency-Replayed']);
  tell(operation, Object.keys(RATE_LIMIT_HEADERS));
  if (hasReplay) operation.parameters = [...(operation.parameters ?? []), IDEMPOTENCY_KEY];
}

/** Adds headers to the answers of success. */
function tell({ responses }: OperationObject, headers: string[]): void {
  for (const [status, response] of Object.entries(responses)) {
    if (!status.startsWith('2') || !response || '$ref' in response) continue;
    response.headers = { ...response.headers, ...headerRefs(headers) };
  }
}

/** What every operation with a credential can answer: a malformed URL is 400, `Accept` without JSON 406. */
const ALWAYS: ProblemStatus[] = [400, 401, 403, 406, 429, 503];
const OF_LIMITS: ProblemStatus[] = [429];
/** Wherever a body may be sent, also one that nobody asked for. */
const OF_BODIES: ProblemStatus[] = [413, 415];
/** Providers and mail clients call these: they must know that 503 is worth another try. */
const OF_PUBLIC_WRITES: ProblemStatus[] = [...OF_BODIES, 503];
/** The first request with a key is still under way (409), or was another one (422). */
const OF_IDEMPOTENCY: ProblemStatus[] = [409, 422];

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header' as const,
  required: false,
  description:
    'Up to 255 visible ASCII characters, made up by the client for this request. A repetition within 24 hours gets the first answer, marked with `Idempotency-Replayed: true`, and does nothing.',
  schema: { type: 'string', maxLength: 255, example: '5f0c9a1e-2c8f-4f5e-9a55-3b7f7e0a1c11' },
};

/** Gives a JSON body without an example one. */
function exemplify({ requestBody }: OperationObject, schemas: Record<string, Schema>): void {
  const json = requestBody && 'content' in requestBody ? requestBody.content['application/json'] : undefined;
  if (json?.schema && json.example === undefined && json.examples === undefined) json.example = bodyExample(json.schema as Schema, schemas);
}

/** A refusal that says nothing of its own is described once for all operations: clients then have one type for it. */
function shared(responses: OperationObject['responses']): OperationObject['responses'] {
  return sorted(Object.fromEntries(Object.entries(responses).map(([status, response]) => [status, sharedProblem(status, response)])));
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
