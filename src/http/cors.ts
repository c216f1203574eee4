import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { RATE_LIMIT_HEADERS } from './rate-limit-headers.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const REQUEST_HEADERS = ['Authorization', 'Content-Type', 'If-Match', 'Idempotency-Key'];
const ANSWER_HEADERS = ['ETag', 'Content-Disposition', 'Idempotency-Replayed', 'Retry-After', ...Object.keys(RATE_LIMIT_HEADERS)];
/** How long a browser may remember that it may: the longest that an origin taken off the list can go on without asking. */
const REMEMBERED_SECONDS = 600;

/**
 * Lets web pages of these origins call the API. Bearer tokens only: cookies and other credentials of the browser are never asked for, so a page can
 * do nothing that it has no token for. What is outside `/api` is for people and mail programs and answers no page.
 */
export function allowOrigins(app: NestFastifyApplication, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const options = {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: METHODS,
    allowedHeaders: REQUEST_HEADERS,
    exposedHeaders: ANSWER_HEADERS,
    maxAge: REMEMBERED_SECONDS,
  };
  app.enableCors({
    delegator: (request: FastifyRequest, callback: Callback) =>
      callback(null, request.url.startsWith('/api/') && !isBareOptions(request) ? options : { origin: false }),
  });
}

type Callback = (error: null, options: object) => void;

/** OPTIONS that is no preflight: goes the way of every other method that a path does not have. */
function isBareOptions({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && !(headers.origin && headers['access-control-request-method']);
}
