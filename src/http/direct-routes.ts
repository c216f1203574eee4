import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteGenericInterface } from 'fastify';

type Handler<R extends RouteGenericInterface> = (request: FastifyRequest<R>, reply: FastifyReply) => Promise<void>;

/**
 * Routes that thousands ask for every second: Fastify calls the method of the controller itself, past Nest's guards, interceptors and pipes, which cost
 * more than the answer. Only for `@Public()` routes whose methods take nothing but `@Req()` and `@Res()`. Decorators go on describing the route, and
 * errors go the way of all others.
 */
@Injectable()
export class DirectRoutes {
  private readonly handlers = new Map<string, Handler<RouteGenericInterface>>();

  /** Call in the constructor of the controller, with the full path as Fastify knows it. */
  serve<R extends RouteGenericInterface>(url: string, handler: Handler<R>): void {
    this.handlers.set(url, handler as unknown as Handler<RouteGenericInterface>);
  }

  /** Call before any route is registered. */
  watch(server: FastifyInstance): void {
    server.addHook('onRoute', (route) => {
      const handler = this.handlers.get(route.url);
      if (handler && route.method === 'GET') route.handler = handler;
    });
  }
}
