import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { HttpException, Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppConfig } from '../config/index.js';
import { JSON_LIMIT, registerBodyParsers } from './body-parsers.js';
import { isTrustedProxy } from './client-address.js';
import { allowOrigins } from './cors.js';
import { DirectRoutes } from './direct-routes.js';
import { NotAcceptableError, UnsupportedContentCodingError } from './http.errors.js';
import { Metrics } from './metrics.js';
import { serveDocs } from './docs.js';
import { buildDocument } from './openapi-document.js';
import { problemDocument, refusalOf } from './problem.js';
import { ProblemFilter } from './problem.filter.js';
import { RouteTable } from './route-table.js';
import { RequestValidationPipe } from './validation.pipe.js';

/** Tracking tokens are longer than the router's usual limit of 100. */
const MAX_PARAM_LENGTH = 1024;
/** Longest time a client may take to send a whole request: enough for an import over a slow line. */
const REQUEST_TIMEOUT_MS = 120_000;
/** Longest time for the headers alone: who sends them by the letter holds a connection no longer. */
const HEADERS_TIMEOUT_MS = 20_000;
/** How often Node looks for connections that are over either time. */
const TIMEOUT_CHECK_MS = 5_000;
/** Longer than the usual idle timeout of load balancers (60 s), so that they never use a connection we are closing. */
const KEEP_ALIVE_MS = 72_000;

/** The HTTP server with our limits. Pass it to `NestFactory.create`, then call `registerHttp` before the application starts. */
export function createHttpAdapter({ trustProxy }: Pick<AppConfig['http'], 'trustProxy'> = { trustProxy: 0 }): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: JSON_LIMIT,
    // Not one that a client sends: it goes into the log.
    genReqId: () => randomUUID(),
    trustProxy: isTrustedProxy(trustProxy),
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
    clientErrorHandler: answerMalformed,
    // The router itself refuses some URLs before anything of ours runs.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      const refusal = refusalOf(error);
      const body = JSON.stringify(problemDocument(refusal, `urn:uuid:${request.id}`));
      void reply.code(refusal.status).type('application/problem+json; charset=utf-8').send(body);
    },
  });
}

const MALFORMED: Record<string, [status: number, detail: string]> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers are larger than 16 KB.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not come to its end in time.'],
};

/** What Node cannot read never becomes a request: it is answered where it came in, and the connection is over. */
function answerMalformed(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy(error);
  const [status, detail] = MALFORMED[error.code ?? ''] ?? [
    400,
    'This is no HTTP request that can be read: its method, headers or length are malformed.',
  ];
  const body = JSON.stringify(problemDocument(refusalOf(new HttpException(detail, status)), `urn:uuid:${randomUUID()}`));
  const head = ['Content-Type: application/problem+json; charset=utf-8', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close'];
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('\r\n')}\r\n\r\n${body}`);
}

/**
 * Everything an HTTP application of ours has besides its controllers: body parsers with their limits, validation, problem documents, security
 * headers, CORS, metrics, a line of log for each request, `/openapi.json` and `/docs`. Call once, before `init()` or `listen()`, on an application made with `createHttpAdapter()`.
 */
export function registerHttp(app: NestFastifyApplication): void {
  const adapter = app.getHttpAdapter() as unknown as FastifyAdapter;
  const server = adapter.getInstance() as unknown as FastifyInstance;
  const routes = app.get(RouteTable, { strict: false });
  routes.watch(server);
  app.get(DirectRoutes, { strict: false }).watch(server);
  letRoutesTakeMore(server);
  // Nest would add its own parsers at the start; let it do so now, and replace them.
  adapter.registerParserMiddleware();
  registerBodyParsers(server);
  const config = app.get(AppConfig, { strict: false });
  allowOrigins(app, config.http.corsOrigins);
  addSecurityHeaders(server, config.publicUrl.startsWith('https:'));
  refuseOtherTypes(server);
  refuseOtherCodings(server);
  observe(server, app.get(Metrics, { strict: false }));
  app.useGlobalPipes(new RequestValidationPipe());
  app.useGlobalFilters(new ProblemFilter(routes));
  serveDocs(server, () => buildDocument(app));
}

/** `@RouteConfig({ bodyLimit })`: how large a body of this route may be, where the usual limit of its type is too small. */
function letRoutesTakeMore(server: FastifyInstance): void {
  server.addHook('onRoute', (route) => {
    const { bodyLimit } = (route.config ?? {}) as { bodyLimit?: number };
    if (bodyLimit !== undefined) route.bodyLimit = bodyLimit;
  });
}

const API_POLICY = "default-src 'none'; frame-ancestors 'none'";
/** Swagger UI sets styles inline. */
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/** A year: browsers that have been here by https once come by nothing else. */
const HSTS = 'max-age=31536000';

function addSecurityHeaders(server: FastifyInstance, isHttps: boolean): void {
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      // The pixel is there to be shown by webmail on pages of its own.
      'cross-origin-resource-policy': request.url.startsWith('/t/') ? 'cross-origin' : 'same-origin',
      'content-security-policy': request.url.startsWith('/docs') ? DOCS_POLICY : API_POLICY,
      ...(isHttps ? { 'strict-transport-security': HSTS } : {}),
    });
    if (request.url.startsWith('/api')) void reply.header('cache-control', 'no-store');
    done();
  });
}

/** Everything under `/api` is JSON, or CSV where the path says so. Ranges as of RFC 9110 §12.5.1, without weighing them: with one type to offer, only `q=0` matters. */
function refuseOtherTypes(server: FastifyInstance): void {
  server.addHook('onRequest', (request, _reply, done) => {
    const { accept } = request.headers;
    if (accept === undefined || !request.url.startsWith('/api/')) return done();
    const type = CSV_PATH.test(request.url) ? 'text/csv' : 'application/json';
    done(accepts(accept, type) ? undefined : new NotAcceptableError(accept, type));
  });
}

/** Bodies are read as they come; of a webhook the bytes are kept, and a request to stop mail must not fail over its format. */
const ANY_CODING = /^\/(?:webhooks|u)\//;

function refuseOtherCodings(server: FastifyInstance): void {
  server.addHook('preParsing', (request, _reply, payload, done) => {
    const coding = request.headers['content-encoding']?.trim().toLowerCase() ?? '';
    const isCoded = coding !== '' && coding !== 'identity';
    done(isCoded && !ANY_CODING.test(request.url) ? new UnsupportedContentCodingError(coding) : null, payload);
  });
}

/** The last part is a name of ours: an address as a parameter has an @. */
const CSV_PATH = /^[^?]*\/[a-z-]+\.csv\/?(?:\?|$)/;
const PROBLEM = 'application/problem+json';

/** Also with only problem documents in it: a client that insists on those has an answer to every refusal. */
function accepts(accept: string, offered: string): boolean {
  if (accept.trim() === '') return true;
  return accept.split(',').some((range) => {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const isMeant = ['*/*', offered, `${offered.split('/')[0]}/*`, PROBLEM, 'application/*'].includes(type);
    return isMeant && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}

/** Mail readers, supervisors and pages that refresh themselves: thousands a second, of interest to none. */
const FREQUENT = /^\/(?:t|health|metrics|queues|docs)(?:\/|$)/;

/** Counts and logs each answer. */
function observe(server: FastifyInstance, metrics: Metrics): void {
  const logger = new Logger('Request');
  const seconds = metrics.histogram('http_request_duration_seconds', 'Time to answer requests, by route.', ['method', 'route', 'status']);
  server.addHook('onResponse', (request, reply, done) => {
    // The pattern, not the path: paths hold ids and tokens.
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    const { method, id: requestId } = request;
    const status = reply.statusCode;
    seconds.observe({ method, route, status: String(status) }, reply.elapsedTime / 1000);
    const line = { method, route, status, ms: Math.round(reply.elapsedTime), requestId };
    logger[FREQUENT.test(route) && status < 500 ? 'debug' : 'log'](`${method} ${route} ${status}`, line);
    done();
  });
}
