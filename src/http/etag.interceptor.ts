import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  UseInterceptors,
  applyDecorators,
} from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { type Observable, tap } from 'rxjs';
import { etagOf } from './etag.js';

@Injectable()
class EtagInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(tap((resource) => void reply.header('etag', etagOf(resource))));
  }
}

/** The answer of this route is one resource: it gets the `ETag` that `assertIfMatch` compares with, taken over the whole answer. */
export function WithEtag(): MethodDecorator {
  return applyDecorators(UseInterceptors(EtagInterceptor), AnswersEtag());
}

/** The route sets the `ETag` itself, where it stands for a part of the answer; the document says that there is one. */
export function AnswersEtag(): MethodDecorator {
  return ApiExtension('x-etag', true);
}
