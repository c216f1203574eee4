import { Agent } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { Body, Controller, Delete, Get, Param, Patch, Post, Query, RawBody, type RawBodyRequest, Req } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsArray, IsInt, IsObject, IsOptional, IsString, MaxLength, Min, ValidateNested } from 'class-validator';
import {
  BoolQuery,
  DayQuery,
  IdParam,
  IfMatch,
  InstantQuery,
  IntQuery,
  IsEmailAddress,
  IsHeaderText,
  IsTimeZone,
  ListQuery,
  PageQuery,
  Public,
  WithEtag,
  assertIfMatch,
  decodeIdCursor,
  encodeCursor,
} from '../../src/http/index.js';
import { Database, row } from '../../src/database/index.js';
import { DomainError, type ErrorCategory } from '../../src/shared/domain-error.js';
import { type HttpApp, startHttpApp } from '../support/http-app.js';

class Item {
  @IsString()
  @MaxLength(255)
  label: string;
}
class Thing {
  @IsHeaderText(255)
  name: string;

  @IsOptional()
  @IsEmailAddress()
  email?: string;

  @IsOptional()
  @IsTimeZone()
  timezone?: string;

  @IsOptional()
  @IsInt()
  @Min(0)
  count?: number;

  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => Item)
  items?: Item[];

  @IsOptional()
  @IsObject()
  attributes?: Record<string, unknown>;
}
class Filters extends PageQuery {
  @BoolQuery()
  active?: boolean;

  @IntQuery()
  @Min(0)
  atLeast?: number;

  @DayQuery()
  day?: string;

  @InstantQuery()
  since?: string;

  @ListQuery()
  status?: string[];
}

class AnyError extends DomainError {
  readonly code = 'example';
  constructor(readonly category: ErrorCategory) {
    super('An example.', [{ path: 'a.b', message: 'is wrong' }], { currentStatus: 'paused' });
  }
}

const RESOURCE = { id: 1, name: 'A' };

@Public()
@Controller('things')
class ThingsController {
  constructor(private readonly db: Database) {}
  @Post()
  create(@Body() body: Thing) {
    return body;
  }
  @Get()
  list(@Query() query: Filters) {
    decodeIdCursor(query.cursor);
    return query;
  }
  @Get('one/:id')
  get(@IdParam() id: string) {
    return { id };
  }
  @Get('raw/:text')
  text(@Param('text') text: string) {
    return { text };
  }
  @Post('import')
  async import(@Body() body: Readable) {
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) size += chunk.length;
    return { size };
  }
  @Post('refuse-import')
  refuseImport() {
    throw new AnyError('conflict');
  }
  @Post('half-import')
  async halfImport(@Body() body: Readable) {
    for await (const chunk of body as AsyncIterable<Buffer>) if (chunk.length > 0) throw new AnyError('conflict');
  }
  @Delete('one/:id')
  remove(@IdParam() _id: string) {
    return { removed: true };
  }
  @Get('etag')
  @WithEtag()
  etag() {
    return RESOURCE;
  }
  @Patch('etag')
  change(@IfMatch() ifMatch: string | undefined) {
    assertIfMatch(ifMatch, RESOURCE);
    return { changed: true };
  }
  @Get('category/:category')
  category(@Param('category') category: ErrorCategory) {
    throw new AnyError(category);
  }
  @Get('boom')
  boom() {
    throw new Error('password=hunter2');
  }
  @Get('sql/:what')
  async sql(@Param('what') what: string) {
    const statements: Record<string, string> = {
      unique: `INSERT INTO tenants (id, name) VALUES ('0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10', 'x'), ('0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10', 'x')`,
      uuid: `SELECT 'nope'::uuid`,
      range: `SELECT 99999999999999::int`,
      long: `INSERT INTO tenants (name) VALUES (repeat('x', 300))`,
      timeout: `SELECT pg_sleep(5)`,
      killed: `SELECT pg_terminate_backend(pg_backend_pid())`,
      syntax: 'SELEC',
    };
    await this.db.asSystem(async (tx) => void (await row(tx, statements[what])), {
      statementTimeoutMs: 100,
    });
  }
}

@Public()
@Controller('webhooks/test')
class WebhooksController {
  @Post()
  receive(@RawBody() raw: Buffer, @Req() request: RawBodyRequest<{ body: unknown }>) {
    return { size: raw.length, same: request.body === raw };
  }
}

describe('requests and their refusals', () => {
  let http: HttpApp;
  beforeAll(async () => {
    http = await startHttpApp([], { controllers: [ThingsController, WebhooksController] });
  });
  afterAll(() => http.close());

  const post = (body: unknown) => http.call('POST /things', { body });
  const paths = (answer: { body: { errors: { path: string }[] } }) => answer.body.errors.map(({ path }) => path).sort();

  describe('problem documents', () => {
    it.each<[ErrorCategory, number]>([
      ['malformed', 400],
      ['unauthenticated', 401],
      ['forbidden', 403],
      ['not_found', 404],
      ['conflict', 409],
      ['precondition_failed', 412],
      ['too_large', 413],
      ['unsupported_media', 415],
      ['unprocessable', 422],
      ['rate_limited', 429],
      ['unavailable', 503],
    ])('say what kind of refusal %s is: %i', async (category, status) => {
      const answer = await http.call(`GET /things/category/${category}`);
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(answer.body).toEqual({
        type: 'urn:campaign-engine:problem:example',
        title: expect.any(String),
        status,
        detail: 'An example.',
        instance: expect.stringMatching(/^urn:uuid:/),
        code: 'example',
        currentStatus: 'paused',
        errors: [{ path: 'a.b', message: 'is wrong' }],
      });
      if (status === 429 || status === 503) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    });

    it('tell nothing about what is our own fault', async () => {
      for (const route of ['GET /things/boom', 'GET /things/sql/syntax']) {
        const { status, body } = await http.call(route);
        expect([status, body.code, body.instance]).toEqual([500, 'internal', expect.stringMatching(/^urn:uuid:/)]);
        expect(JSON.stringify(body)).not.toMatch(/hunter2|SELEC|stack|\.ts/);
      }
    });

    it.each([
      ['unique', 409],
      ['uuid', 400],
      ['range', 400],
      ['long', 400],
      ['timeout', 503],
      ['killed', 503],
    ])('read an escaped database error (%s) as %i, without its text', async (what, status) => {
      const answer = await http.call(`GET /things/sql/${what}`);
      expect(answer.status).toBe(status);
      expect(JSON.stringify(answer.body)).not.toMatch(/tenants|SELECT|uuid:? "/);
    });
  });

  describe('bodies', () => {
    it('pass when they are as they should be, with their defaults', async () => {
      const body = {
        name: 'Ä thing',
        email: 'a@example.com',
        timezone: 'Europe/Berlin',
        count: 0,
        items: [{ label: 'x' }],
        attributes: { a: [1] },
      };
      expect(await post(body)).toMatchObject({ status: 201, body });
    });

    it.each<[string, unknown, string[]]>([
      ['no fields', {}, ['name']],
      ['unknown fields', { name: 'a', tenantId: 'x', status: 'active' }, ['status', 'tenantId']],
      ['wrong types, without conversion', { name: 5, count: '3' }, ['count', 'name']],
      ['nested faults', { name: 'a', items: [{ label: 'ok' }, { label: 5, extra: 1 }] }, ['items[1].extra', 'items[1].label']],
      ['items that are no objects', { name: 'a', items: ['x'] }, ['items[0]']],
      ['blank text', { name: '   ' }, ['name']],
      ['too long text', { name: 'x'.repeat(256) }, ['name']],
      ['line breaks where a header comes of it', { name: 'a\r\nBcc: x@example.com' }, ['name']],
      ['address lists', { name: 'a', email: 'a@example.com,b@example.com' }, ['email']],
      ['display names', { name: 'a', email: 'A <a@example.com>' }, ['email']],
      ['unknown zones', { name: 'a', timezone: 'Mars/Olympus' }, ['timezone']],
    ])('with %s are refused with every path', async (_, body, expected) => {
      const answer = await post(body);
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      expect(paths(answer as never)).toEqual(expected);
    });

    it.each<[string, string | Buffer, string | undefined]>([
      ['empty', '', 'name'],
      ['only white space', ' \n', 'name'],
      ['truncated', '{"name":"a"', undefined],
      ['not JSON', '{"name":\n  nope}', undefined],
      ['an array', '[{"name":"a"}]', ''],
      ['a text', '"name"', ''],
      ['null', 'null', ''],
      ['a number', '5', ''],
      ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), undefined],
      ['with a NUL', '{"name":"a\\u0000b"}', 'name'],
      ['with a NUL in a name', '{"name":"a","attributes":{"a\\u0000":1}}', 'attributes'],
      ['with half a surrogate pair', '{"name":"a\\ud800b"}', 'name'],
      ['with a number beyond numbers', '{"name":"a","count":1e999}', 'count'],
      ['too deep', `{"name":"a","attributes":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`, undefined],
      ['deep enough to overflow a stack', `{"name":"a","attributes":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, undefined],
      ['reaching for the prototype', '{"name":"a","__proto__":{"admin":true}}', ''],
      ['reaching for it deeper', '{"name":"a","attributes":{"constructor":{"prototype":{"admin":true}}}}', 'attributes'],
    ])('that are %s are 400', async (_, raw, path) => {
      const answer = await http.call('POST /things', { raw, headers: { 'content-type': 'application/json' } });
      expect(answer.status).toBe(400);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      if (path !== undefined) expect(answer.body.errors[0].path).toBe(path);
    });

    it('tell where the JSON breaks', async () => {
      const answer = await http.call('POST /things', { raw: '{"name":\n  nope}', headers: { 'content-type': 'application/json' } });
      expect(answer.body).toMatchObject({ code: 'invalid_json', detail: expect.stringContaining('line 2, column 3') });
    });

    it('hold 200 KB of content, but not a megabyte and more', async () => {
      expect((await post({ name: 'a', attributes: { content: 'ä'.repeat(200_000) } })).status).toBe(201);
      expect(await post({ name: 'a', attributes: { content: 'x'.repeat(1_100_000) } })).toMatchObject({
        status: 413,
        body: { code: 'body_too_large', detail: 'The body is too large.' },
      });
    });

    it('need a type we read', async () => {
      const answer = await http.call('POST /things', { raw: '<a/>', headers: { 'content-type': 'application/xml' } });
      expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
      expect((await http.call('POST /things', { raw: '{"name":"a"}' })).status).toBe(415);
      // A stream would reach the route without the fields it relies on.
      expect((await http.call('POST /things', { raw: 'name\na\n', headers: { 'content-type': 'text/csv' } })).status).toBe(415);
      // What a form of a web page can send is no request of the API: all its values are texts.
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      expect(await http.call('POST /things', { raw: 'name=a', headers: form })).toMatchObject({
        status: 415,
        body: { code: 'unsupported_media_type', detail: expect.stringContaining('x-www-form-urlencoded') },
      });
      const zipped = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      expect(await http.call('POST /things', { raw: '{"name":"a"}', headers: zipped })).toMatchObject({
        status: 415,
        body: { detail: expect.stringContaining('Content-Encoding "gzip"') },
      });
      const vendor = await http.call('POST /things', {
        raw: '{"name":"a"}',
        headers: { 'content-type': 'application/merge-patch+json; charset=utf-8' },
      });
      expect(vendor.status).toBe(201);
    });

    it('may be left out or empty where there is nothing to say', async () => {
      const id = '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';
      expect((await http.call(`DELETE /things/one/${id}`)).status).toBe(200);
      expect((await http.call(`DELETE /things/one/${id}`, { raw: '', headers: { 'content-type': 'application/json' } })).status).toBe(200);
    });
  });

  describe('imports and webhooks', () => {
    it('come as they are: an import as a stream', async () => {
      const answer = await http.call('POST /things/import', {
        raw: 'email\na@example.com\n'.repeat(100_000),
        headers: { 'content-type': 'text/csv' },
      });
      expect(answer).toMatchObject({ status: 201, body: { size: 2_000_000 } });
    });

    it('are refused before a byte is read when they announce more than 50 MB', async () => {
      const answer = await http.call('POST /things/import', {
        headers: { 'content-type': 'text/csv', 'content-length': String(50 * 1024 * 1024 + 1) },
      });
      expect(answer).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
    });

    it('that are refused unread or half-read do not block the connection for the next request', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const upload = { agent, raw: Buffer.alloc(3_000_000, 'x'), headers: { 'content-type': 'application/x-ndjson' } };
      try {
        for (const route of ['POST /things/refuse-import', 'POST /things/half-import']) {
          // The server may close the connection while we still send: then there is no answer to read, but no hanging either.
          const answer = await http.call(route, upload).catch((error: Error) => error);
          if (!(answer instanceof Error)) expect(answer.status).toBe(409);
          expect((await http.call('GET /things', { agent })).status).toBe(200);
        }
      } finally {
        agent.destroy();
      }
    });

    it('keep every byte of a webhook for its signature, whatever its type', async () => {
      for (const type of ['application/json', 'multipart/form-data; boundary=x', 'text/plain']) {
        const answer = await http.call('POST /webhooks/test', { raw: '{ "broken', headers: { 'content-type': type } });
        expect(answer).toMatchObject({ status: 201, body: { size: 9, same: true } });
      }
    });
  });

  describe('paths and queries', () => {
    it('take typed values and refuse the rest with their path', async () => {
      const good = await http.call(
        'GET /things?limit=10&active=false&atLeast=3&day=2026-02-28&since=2026-03-29T02:30:00%2B01:00&status=a,b&status=c',
      );
      expect(good.body).toEqual({
        limit: 10,
        active: false,
        atLeast: 3,
        day: '2026-02-28',
        since: '2026-03-29T02:30:00+01:00',
        status: ['a', 'b', 'c'],
      });
      expect((await http.call('GET /things')).body).toEqual({ limit: 50 });
      const bad = await http.call('GET /things?limit=201&active=yes&atLeast=1.5&day=2026-02-30&since=2026-03-29T02:30:00&sort=id;drop');
      expect(paths(bad as never)).toEqual(['query.active', 'query.atLeast', 'query.day', 'query.limit', 'query.since', 'query.sort']);
    });

    it('say of what is no whole number just that', async () => {
      for (const limit of ['abc', '1.5', '1e3'])
        expect((await http.call(`GET /things?limit=${limit}`)).body.errors).toMatchObject([{ message: 'must be a whole number' }]);
    });

    it.each(['0', '-1', '1e3', '', 'abc', '99999999999999999999', '5&limit=6'])('refuse limit=%s', async (limit) => {
      expect(await http.call(`GET /things?limit=${limit}`)).toMatchObject({ status: 400, body: { errors: [{ path: 'query.limit' }] } });
    });

    it('take only cursors this server has given', async () => {
      const id = '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';
      const good = encodeCursor({ id });
      expect((await http.call(`GET /things?cursor=${good}`)).status).toBe(200);
      const forged = [
        'x',
        good.slice(0, -2),
        `${good}A`,
        `${good}==`,
        encodeCursor({ id: "' OR 1=1" }),
        encodeCursor({}),
        Buffer.from('[]').toString('base64url'),
        Buffer.from(`{"id":{"a":"${id}"}}`).toString('base64url'),
        Buffer.from(`{"id":"a\\u0000"}`).toString('base64url'),
      ];
      for (const cursor of forged) {
        expect(await http.call(`GET /things?cursor=${encodeURIComponent(cursor)}`)).toMatchObject({
          status: 400,
          body: { errors: [{ path: 'query.cursor', code: 'invalid_cursor' }] },
        });
      }
    });

    it('take only ids as ids', async () => {
      for (const id of ['1', 'undefined', "1'--", '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a1', '%00']) {
        expect(await http.call(`GET /things/one/${encodeURIComponent(id)}`)).toMatchObject({
          status: 400,
          body: { errors: [{ path: 'params.id' }] },
        });
      }
    });

    it('hold no NUL', async () => {
      expect(await http.call('GET /things/raw/a%00b')).toMatchObject({ status: 400, body: { errors: [{ path: 'params.text' }] } });
      expect(await http.call('GET /things?status=a%00b')).toMatchObject({ status: 400 });
      expect((await http.call('GET /things/raw/%zz')).status).toBe(400);
    });

    it('are 404 where nothing is, 405 with Allow where something else is', async () => {
      expect(await http.call('GET /nowhere')).toMatchObject({ status: 404, body: { code: 'no_such_route' } });
      const answer = await http.call('PUT /things/one/0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10', { body: {} });
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'DELETE, GET, HEAD' }, body: { code: 'method_not_allowed' } });
    });

    it.each([
      ['of an unknown method', 'FOO /things HTTP/1.1\r\nHost: x\r\n\r\n', 400],
      ['with endless headers', `GET /things HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ])('are refused by a problem document also when they are no HTTP: %s', async (_, text, status) => {
      const { hostname, port } = new URL(await http.app.getUrl());
      const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ''));
      socket.end(text);
      let answer = '';
      for await (const chunk of socket) answer += String(chunk);
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\\r\\n[^]*application/problem\\+json`));
      expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ status });
    });

    it('may end in a slash, and GET has a HEAD', async () => {
      expect((await http.call('GET /things/')).status).toBe(200);
      expect(await http.call('HEAD /things')).toMatchObject({ status: 200, body: '' });
    });
  });

  it('come with an ETag, and a stale If-Match changes nothing', async () => {
    const { headers } = await http.call('GET /things/etag');
    expect(headers.etag).toMatch(/^"[\w-]+"$/);
    const change = (value: string) => http.call('PATCH /things/etag', { headers: { 'if-match': value } });
    expect((await change(headers.etag)).status).toBe(200);
    expect((await change(`"other", ${headers.etag}`)).status).toBe(200);
    expect((await change('*')).status).toBe(200);
    for (const stale of ['"other"', `W/${headers.etag}`, 'nonsense', '']) {
      expect(await change(stale)).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
    }
  });

  it('are answered with security headers', async () => {
    const { headers } = await http.call('GET /things');
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' });
  });
});
