import { Readable } from 'node:stream';
import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Refusal, problemDocument, refusalOf } from './problem.js';
import { ReplayedAnswer } from './replayed-answer.js';
import type { RouteTable } from './route-table.js';

/**
 * The last stop of every error: one problem document (RFC 9457), whatever failed and wherever. A 5xx is logged with the instance id that the
 * client gets instead of details.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  constructor(private readonly routes: RouteTable) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (error instanceof ReplayedAnswer) return sendReplay(reply, error);
    const refusal = request.is404 ? this.notServed(request) : refusalOf(error);
    // The name that the request has in the log.
    const instance = `urn:uuid:${request.id}`;
    if (refusal.status >= 500) this.log(refusal, instance, request, error);
    if (reply.sent) return;
    // What is left of an unread upload cannot be skipped: the connection ends with the answer.
    if (request.body instanceof Readable && !request.raw.readableEnded) reply.header('connection', 'close');
    void reply
      .code(refusal.status)
      .headers(refusal.headers)
      .type('application/problem+json; charset=utf-8')
      .send(JSON.stringify(problemDocument(refusal, instance)));
  }

  private notServed(request: FastifyRequest): Refusal {
    const methods = this.routes.methodsOf(request.url.split(/[?#]/)[0]);
    const base = { problems: [], extensions: {} };
    // The router is stricter than the table: `/t/c/` with nothing behind it has a method that would do, and is not there.
    if (methods.length === 0 || methods.includes(request.method)) {
      return { ...base, status: 404, code: 'no_such_route', detail: 'There is nothing at this path.', headers: {} };
    }
    const allow = methods.join(', ');
    const detail = `${request.method} is not possible here; possible: ${allow}.`;
    return { ...base, status: 405, code: 'method_not_allowed', detail, headers: { allow } };
  }

  private log(refusal: Refusal, instance: string, request: FastifyRequest, error: unknown): void {
    const what = `${request.method} ${request.routeOptions.url ?? 'unknown route'} answered ${refusal.status} (${instance})`;
    if (refusal.status === 503) this.logger.warn(`${what}: ${error instanceof Error ? error.message : 'unavailable'}`);
    else this.logger.error(what, error instanceof Error ? error.stack : String(error));
  }
}

function sendReplay(reply: FastifyReply, { status, body }: ReplayedAnswer): void {
  const type = status >= 400 ? 'application/problem+json; charset=utf-8' : 'application/json; charset=utf-8';
  void reply.code(status).header('idempotency-replayed', 'true');
  if (body === null) void reply.send();
  else void reply.type(type).send(JSON.stringify(body));
}
