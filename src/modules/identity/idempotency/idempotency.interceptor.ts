import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type CallHandler, type ExecutionContext, Injectable, Logger, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Observable, catchError, concatMap, from, mergeMap, throwError } from 'rxjs';
import { InvalidRequestError, ReplayedAnswer, problemDocument, refusalOf } from '../../../http/index.js';
import { Ids } from '../../../shared/ids.js';
import type { AuthenticatedRequest, TenantContext } from '../tenant-context.js';
import { IdempotencyService, type KeyedRequest } from './idempotency.service.js';
import { NO_IDEMPOTENCY } from './no-idempotency.decorator.js';

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
/** Longer than any request takes that has not lost its process. */
const LEASE_SECONDS = 120;
const STREAM_LEASE_SECONDS = 900;
/** Refusals that say "not like this" or "not now" rather than answer: the client mends the request or comes again with the same key. */
const NOT_KEPT = new Set([400, 401, 403, 408, 413, 415, 429]);

type Request = FastifyRequest & AuthenticatedRequest;

/** `Idempotency-Key` on every write under `/api` (after the HTTP API working group's draft "The Idempotency-Key HTTP Header Field"). */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Idempotency');

  constructor(
    private readonly service: IdempotencyService,
    private readonly reflector: Reflector,
    private readonly ids: Ids,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    const key = request.headers['idempotency-key'];
    const { tenantContext } = request;
    if (key === undefined || !tenantContext || !WRITES.has(request.method)) return next.handle();
    if (this.reflector.get<boolean>(NO_IDEMPOTENCY, context.getHandler())) return next.handle();
    const keyed = keyedRequest(request, String(key), tenantContext);
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return from(this.service.begin(keyed)).pipe(
      mergeMap((kept) => {
        if (kept) throw new ReplayedAnswer(kept.status, kept.body);
        return this.handleFirst(keyed, reply, next);
      }),
    );
  }

  private handleFirst(keyed: KeyedRequest, reply: FastifyReply, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => from(this.keepRefusal(keyed, error)).pipe(mergeMap(() => throwError(() => error)))),
      concatMap(async (body: unknown) => {
        await this.attempt(this.service.finish(keyed, { status: reply.statusCode, body: body ?? null }));
        return body;
      }),
    );
  }

  private async keepRefusal(keyed: KeyedRequest, error: unknown): Promise<void> {
    const refusal = refusalOf(error);
    if (refusal.status >= 500 || NOT_KEPT.has(refusal.status)) return this.attempt(this.service.release(keyed));
    const body = problemDocument(refusal, `urn:uuid:${this.ids.uuid()}`);
    return this.attempt(this.service.finish(keyed, { status: refusal.status, body }));
  }

  /** The work is done: that its answer could not be kept is no reason to tell the client it failed. */
  private async attempt(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.logger.error(`An answer could not be kept under its Idempotency-Key: ${(error as Error).message}`);
    }
  }
}

function keyedRequest(request: Request, key: string, { tenantId, actor }: TenantContext): KeyedRequest {
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new InvalidRequestError([
      { path: 'headers.idempotency-key', message: 'must be 1 to 255 visible ASCII characters', code: 'invalid_idempotency_key' },
    ]);
  }
  const isStream = request.body instanceof Readable;
  // A stream cannot be read twice: its length and kind stand for it.
  const body = isStream ? [request.headers['content-length'], request.headers['content-type']] : (request.body ?? null);
  const requestHash = createHash('sha256')
    .update(JSON.stringify([actor.type, actor.id, request.method, request.url, body]))
    .digest();
  const operation = `${request.method} ${request.routeOptions.url ?? ''}`.slice(0, 255);
  return { tenantId, key, operation, requestHash, leaseSeconds: isStream ? STREAM_LEASE_SECONDS : LEASE_SECONDS };
}
