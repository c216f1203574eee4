import { readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { AppControllerRoute, AppViewRoute, BullBoardQueues, IServerAdapter, UIConfig } from '@bull-board/api/typings/app';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppConfig } from '../config/index.js';
import { findJsonFault, InvalidRequestError } from '../http/index.js';
import { AuditService, Operators, type TenantContext } from '../modules/identity/index.js';
import { findQueues } from '../queue/index.js';

const BASE = '/queues';
/** The board's pages set styles inline. Its fonts would come from elsewhere: they are left out, and could not be fetched. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'self'; " +
  "form-action 'none'; frame-ancestors 'none'";
const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
};

/**
 * Bull Board at `/queues`, for those who run the installation: what waits, runs and failed and why, on either backend; jobs can be tried again or removed.
 * Jobs are hints, so whatever is done to them here loses no mail. What was changed stands in the audit log of the operators' tenant.
 *
 * Served by these few lines and not by `@bull-board/fastify`, which needs Node 22 and `@fastify/static`.
 */
@Injectable()
export class QueueBoard implements OnModuleInit {
  constructor(
    private readonly config: AppConfig,
    private readonly host: HttpAdapterHost,
    private readonly discovery: DiscoveryService,
    private readonly operators: Operators,
    private readonly audit: AuditService,
  ) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter?.getInstance<FastifyInstance>();
    if (!server || !this.config.roles.api) return;
    const uiBasePath = dirname(createRequire(import.meta.url).resolve('@bull-board/ui/package.json'));
    const serverAdapter = new Parts();
    createBullBoard({
      queues: findQueues(this.discovery).map(({ queue }) => new BullMQAdapter(queue)),
      serverAdapter,
      options: { uiBasePath, uiConfig: { boardTitle: 'Queues', hideDocsLink: true, miscLinks: [{ text: 'Metrics', url: '/metrics' }] } },
    });
    server.register((scope, _options, done) => this.serve(scope, serverAdapter, done), { prefix: BASE });
  }

  private serve(scope: FastifyInstance, parts: Parts, done: () => void): void {
    const operators = new WeakMap<FastifyRequest, TenantContext>();
    scope.addHook('onRequest', async (request, reply) => {
      void reply.headers({ 'content-security-policy': POLICY, 'cache-control': 'no-store' });
      operators.set(request, await this.operators.admit(request));
    });
    const page = parts.page();
    for (const url of parts.pageRoutes()) scope.get(url, (_request, reply) => send(reply, TYPES_HTML, page));
    for (const [url, file] of parts.files()) {
      scope.get(url, async (_request, reply) => send(reply, TYPES[extname(file)] ?? 'application/octet-stream', await readFile(file)));
    }
    for (const { method, url, handler } of parts.apiRoutes()) {
      scope.route({
        method,
        url,
        handler: async (request, reply) => {
          const { params, query, body } = request as {
            params: Record<string, string>;
            query: Record<string, string>;
            body: Record<string, string>;
          };
          // It cannot read what it says itself about a NUL in a parameter.
          const fault = findJsonFault({ params, query });
          if (fault) throw new InvalidRequestError([fault]);
          const answer = await handler({ queues: parts.queues, uiConfig: parts.uiConfig, params, query, body, headers: {} });
          const status = Number(answer.status ?? 200);
          if (method !== 'GET' && status < 400) await this.note(operators.get(request)!, `${method} ${url}`, params);
          return reply.status(status).send(answer.body);
        },
      });
    }
    done();
  }

  private async note(ctx: TenantContext, route: string, params: Record<string, string>): Promise<void> {
    await this.audit.recordAlone(ctx, { action: 'queue.changed', entityType: 'queue', entityId: null, after: { route, ...params } });
  }
}

const TYPES_HTML = 'text/html; charset=utf-8';

function send(reply: FastifyReply, type: string, body: string | Buffer): FastifyReply {
  return reply.type(type).send(body);
}

/** What Bull Board hands to a server. */
class Parts implements IServerAdapter {
  queues!: BullBoardQueues;
  uiConfig!: UIConfig;
  private entry!: AppViewRoute;
  private api!: AppControllerRoute[];
  private views!: string;
  private statics!: { route: string; path: string };

  setQueues = (queues: BullBoardQueues) => this.with({ queues });
  setUIConfig = (uiConfig: UIConfig) => this.with({ uiConfig });
  setEntryRoute = (entry: AppViewRoute) => this.with({ entry });
  setApiRoutes = (api: AppControllerRoute[]) => this.with({ api });
  setViewsPath = (views: string) => this.with({ views });
  setStaticPath = (route: string, path: string) => this.with({ statics: { route, path } });
  /** Errors go the way of all others. */
  setErrorHandler = () => this;

  pageRoutes(): string[] {
    return [this.entry.route].flat();
  }

  apiRoutes() {
    return this.api.flatMap(({ method, route, handler }) =>
      [method].flat().flatMap((name) => [route].flat().map((url) => ({ method: name.toUpperCase() as 'GET', url, handler }))),
    );
  }

  /** The one page of the board. Its template has nothing but placeholders. */
  page(): string {
    const { name, params } = this.entry.handler({ basePath: BASE, uiConfig: this.uiConfig });
    const html = readFileSync(join(this.views, name), 'utf8')
      .replace(/<link[^>]*href="https?:[^>]*>/g, '')
      .replace(/<%([=-]) (\w+) %>/g, (_, how, key) => {
        const value = String((params as Record<string, unknown>)[key]);
        return how === '=' ? value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`) : value;
      });
    if (html.includes('<%')) throw new Error('The page of @bull-board/ui has become a template that is not understood here');
    return html;
  }

  /** Every file of the page by its address: only these can be asked for. */
  files(): [string, string][] {
    const { route, path } = this.statics;
    return readdirSync(path, { recursive: true, withFileTypes: true }).flatMap((entry) => {
      const file = join(entry.parentPath, entry.name);
      return entry.isFile() ? [[route + file.slice(path.length).replaceAll('\\', '/'), file] as [string, string]] : [];
    });
  }

  private with(parts: object): this {
    return Object.assign(this, parts);
  }
}
