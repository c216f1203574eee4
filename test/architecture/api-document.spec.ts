import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OperationObject } from '@nestjs/swagger';
import { AppModule } from '../../src/app/app.module.js';
import { loadConfig } from '../../src/config/index.js';
import { buildDocument, createHttpAdapter } from '../../src/http/index.js';
import { type Content, type Schema, operations as committed, document, misfit } from '../support/openapi.js';

interface Operation extends OperationObject {
  name: string;
}

describe('the API document of the whole application', () => {
  let operations: Operation[];
  let tooMany: { headers?: object };
  let described: string[];
  beforeAll(async () => {
    const config = loadConfig({ DATABASE_URL: 'postgres://unused/unused', APP_SECRET: 'unused-'.repeat(5), MAIL_PROVIDER: 'mailbox' });
    const options = { preview: true, logger: false as const, abortOnError: false };
    const app = await NestFactory.create<NestFastifyApplication>(AppModule.register(config), createHttpAdapter(), options);
    const built = buildDocument(app);
    tooMany = built.components!.responses!.TooManyRequests as typeof tooMany;
    described = (built.tags ?? []).map(({ name }) => name);
    operations = Object.entries(built.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ ...(operation as OperationObject), name: `${method.toUpperCase()} ${path}` })),
    );
  });

  const offenders = (isFine: (operation: Operation) => boolean) =>
    operations.filter((operation) => !isFine(operation)).map(({ name }) => name);

  it('names every operation once, so that generated clients have no two methods of one name', () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it('has a summary and a tag for every operation', () => {
    expect(offenders(({ summary, tags }) => Boolean(summary) && tags?.length === 1)).toEqual([]);
  });

  it('says for every operation under /api which permission it needs', () => {
    expect(offenders((operation) => !/ \/api\//.test(operation.name) || 'x-permission' in operation)).toEqual([]);
  });

  it('has its tags among those that are described, so that the page has an order', () => {
    expect(offenders(({ tags }) => described.includes(tags?.[0] ?? ''))).toEqual([]);
  });

  it('describes a successful answer of every operation', () => {
    expect(offenders(({ responses }) => Object.keys(responses).some((status) => /^[23]/.test(status)))).toEqual([]);
  });

  it('says of every operation with a body or parameters that these can be wrong', () => {
    const takesInput = ({ name, requestBody, parameters = [] }: Operation) =>
      / \/api\//.test(name) &&
      (requestBody !== undefined || parameters.some((parameter) => 'in' in parameter && parameter.in !== 'header'));
    expect(offenders((operation) => !takesInput(operation) || '400' in operation.responses)).toEqual([]);
  });

  it('says of every operation on one thing that it may not exist', () => {
    expect(offenders(({ name, responses }) => !/ \/api\/.*\{/.test(name) || '404' in responses)).toEqual([]);
  });

  it('says of every operation that is limited when to come back and what is left; of none that takes what it gets', () => {
    const isUnlimited = ({ name }: Operation) => / \/(health|metrics|mailbox|t|u|webhooks)\b/.test(name);
    const headersOf = ({ responses }: Operation, status: string) => {
      const response = responses[status] as { $ref?: string; headers?: object } | undefined;
      const { headers } = response?.$ref === '#/components/responses/TooManyRequests' ? tooMany : (response ?? {});
      return Object.keys(headers ?? {});
    };
    const success = ({ responses }: Operation) => Object.keys(responses).find((status) => status.startsWith('2'))!;
    const limits = ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'];
    const isFine = (operation: Operation) =>
      isUnlimited(operation)
        ? !('429' in operation.responses)
        : headersOf(operation, '429').join() === ['Retry-After', ...limits].join() &&
          limits.every((name) => headersOf(operation, success(operation)).includes(name));
    expect([operations.filter(isUnlimited).length > 5, offenders(isFine)]).toEqual([true, []]);
  });

  it('has names for clients: a verb and what it is done to, in camel case', () => {
    expect(offenders(({ operationId }) => /^[a-z]+([A-Z][a-z]*)+$/.test(operationId ?? ''))).toEqual([]);
  });

  it('calls what only reads by a verb that says so', () => {
    const reads = /^(get|list|export|compare|preflight|show|follow|record)[A-Z]/;
    expect(offenders(({ name, operationId }) => !name.startsWith('GET') || reads.test(operationId ?? ''))).toEqual([]);
  });
});

/** Of the document as it is committed: what Swagger's plugin adds is missing when jest builds it. */
describe('the examples and defaults of the API document', () => {
  it('are what their schemas ask for, so that whoever copies one gets no 400', () => {
    const faults: string[] = [];
    const visit = (schema: Schema, at: string): void => {
      for (const shown of [schema.example, schema.default].filter((value) => value !== undefined)) {
        const fault = misfit(schema, shown);
        if (fault !== null) faults.push(`${at}: ${fault}`);
      }
      for (const [name, property] of Object.entries(schema.properties ?? {})) visit(property, `${at}.${name}`);
      for (const inner of [...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])]) visit(inner, at);
      if (schema.items) visit(schema.items, `${at}[]`);
    };
    const visitContent = (content: Content | undefined, at: string): void => {
      for (const { schema, example } of Object.values(content ?? {})) {
        if (schema) visit({ ...schema, ...(example === undefined ? {} : { example }) }, at);
      }
    };
    for (const [name, schema] of Object.entries(document.components.schemas)) visit(schema, name);
    for (const [name, { content }] of Object.entries(document.components.responses)) visitContent(content, name);
    for (const { operationId, requestBody, responses } of committed) {
      visitContent(requestBody?.content, `${operationId} body`);
      for (const [status, { content }] of Object.entries(responses)) visitContent(content, `${operationId} ${status}`);
    }
    for (const { operationId, parameters } of committed) {
      for (const { name, schema } of parameters) visit(schema, `${operationId} ${name}`);
    }
    expect([committed.length > 100, faults]).toEqual([true, []]);
  });
});
