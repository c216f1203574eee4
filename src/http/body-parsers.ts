import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BodyTooLargeError, InvalidJsonError, InvalidRequestError, UnsupportedMediaTypeError } from './http.errors.js';
import { jsonFaultPosition } from './json-position.js';
import { findJsonFault, textFault } from './text.js';

/** Largest JSON body: a flow of many steps, each with its content, fits. */
export const JSON_LIMIT = 1024 * 1024;
/** Largest import. */
export const STREAM_LIMIT = 50 * 1024 * 1024;
/** Largest webhook: an inbound mail with its attachments. */
export const WEBHOOK_LIMIT = 10 * 1024 * 1024;
const FORM_LIMIT = 64 * 1024;

type WithRawBody = FastifyRequest & { rawBody?: Buffer };

/**
 * How bodies are read, by Content-Type:
 * - JSON: parsed and checked (`findJsonFault`); an empty body counts as none.
 * - `text/csv`, `application/x-ndjson`: `request.body` is a stream that fails with `BodyTooLargeError` beyond 50 MB.
 * - `/u/` (one-click unsubscription): a form as a flat object of texts, anything else (also JSON, and forms with faults) as a Buffer. No other route takes forms.
 * - anything under `/webhooks/`: untouched, as a Buffer (`@RawBody()`), because its signature covers the bytes. Parse it after checking that.
 */
export function registerBodyParsers(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    /^application\/(?:[\w.-]+\+)?json(?:;|$)/,
    { parseAs: 'buffer', bodyLimit: JSON_LIMIT },
    (request, body, done) => {
      if (isWebhook(request)) return done(null, keepRaw(request, body as Buffer));
      if (isUnsubscribe(request)) return done(null, body);
      attempt(done, () => parseJsonBody(body as Buffer));
    },
  );
  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer', bodyLimit: FORM_LIMIT }, (request, body, done) => {
    if (isWebhook(request)) return done(null, keepRaw(request, body as Buffer));
    if (isUnsubscribe(request)) return done(null, lenientForm(body as Buffer));
    if (body.length === 0) return done(null, undefined);
    done(new UnsupportedMediaTypeError(request.headers['content-type']), undefined);
  });
  server.addContentTypeParser(['text/csv', 'application/x-ndjson'], (request, payload, done) => {
    attempt(done, () => limitedStream(payload as Readable, request.headers['content-length'], STREAM_LIMIT));
  });
  server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: WEBHOOK_LIMIT }, (request, body, done) => {
    if (isWebhook(request)) return done(null, keepRaw(request, body as Buffer));
    if (body.length === 0) return done(null, undefined);
    if (isUnsubscribe(request)) return done(null, body);
    done(new UnsupportedMediaTypeError(request.headers['content-type']), undefined);
  });
}

function attempt(done: (error: Error | null, body?: unknown) => void, parse: () => unknown): void {
  let body: unknown;
  try {
    body = parse();
  } catch (error) {
    return done(error as Error);
  }
  done(null, body);
}

function isWebhook(request: FastifyRequest): boolean {
  return request.url.startsWith('/webhooks/');
}

/** Somebody wants no more mail: whatever else the form has in it is no reason to refuse them. */
function lenientForm(bytes: Buffer): unknown {
  try {
    return parseForm(bytes.toString());
  } catch {
    return bytes;
  }
}

/** RFC 8058 §3.2 lets mail clients post the form as multipart; a request to stop must not fail over its format. */
function isUnsubscribe(request: FastifyRequest): boolean {
  return request.url.startsWith('/u/');
}

function keepRaw(request: WithRawBody, body: Buffer): Buffer {
  request.rawBody = body;
  return body;
}

function parseJsonBody(bytes: Buffer): unknown {
  const text = decode(bytes);
  if (text.trim() === '') return undefined;
  const body = parseText(text);
  const fault = findJsonFault(body);
  if (fault) throw new InvalidRequestError([fault]);
  return body;
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new InvalidJsonError(`the fault is at ${jsonFaultPosition(text)}`);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

function decode(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new InvalidJsonError('it is not UTF-8');
  }
}

function parseForm(text: string): Record<string, string> {
  const form: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams(text)) {
    const fault = textFault(value) ?? textFault(name);
    if (fault) throw new InvalidRequestError([{ path: textFault(name) ? '' : name, message: fault, code: 'invalid_value' }]);
    if (name !== '__proto__') form[name] = value;
  }
  return form;
}

/**
 * The body as a stream that refuses to go beyond the limit. It is read only when somebody reads it: Node drops what is left of a body nobody
 * has touched, but waits for one that was begun.
 */
export function limitedStream(payload: Readable, contentLength: string | undefined, limit: number): Readable {
  if (Number(contentLength ?? 0) > limit) throw new BodyTooLargeError(limit);
  async function* read(): AsyncGenerator<Buffer> {
    let size = 0;
    for await (const chunk of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw new BodyTooLargeError(limit);
      yield chunk;
    }
  }
  return Readable.from(read(), { objectMode: false });
}
