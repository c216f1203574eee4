import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/** The routes of a server by path, to tell "no such path" (404) from "not with this method" (405 with `Allow`). */
@Injectable()
export class RouteTable {
  private readonly routes = new Map<string, { pattern: RegExp; methods: Set<string> }>();

  /** Call before any route is registered. */
  watch(server: FastifyInstance): void {
    server.addHook('onRoute', ({ url, method }) => {
      // Where preflights (cors.ts) are taken: at any path, also where there is nothing.
      if (url === '*') return;
      const known = this.routes.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() };
      [method].flat().forEach((name) => known.methods.add(name));
      this.routes.set(url, known);
    });
  }

  /** The methods this path is served with; none where there is no such path. */
  methodsOf(path: string): string[] {
    const methods = new Set<string>();
    for (const route of this.routes.values()) {
      if (route.pattern.test(path)) route.methods.forEach((method) => methods.add(method));
    }
    return [...methods].sort();
  }

  /** Every route, as `GET /api/me`. */
  list(): string[] {
    return [...this.routes].flatMap(([url, { methods }]) => [...methods].map((method) => `${method} ${url}`)).sort();
  }
}

function patternOf(url: string): RegExp {
  const source = url
    .replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replace(/\*/g, '.*')
    .replace(/:[A-Za-z_]\w*/g, '[^/]+');
  return new RegExp(`^${source}/?$`);
}
