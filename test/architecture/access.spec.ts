import { RequestMethod } from '@nestjs/common';
import { MetadataScanner, ModulesContainer, NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../../src/app/app.module.js';
import { loadConfig } from '../../src/config/index.js';
import { PUBLIC, createHttpAdapter } from '../../src/http/index.js';
import { PERMISSION } from '../../src/modules/identity/access.decorators.js';

/** What may be reached without a credential, and nothing else. */
const OPEN = /^\/(health|metrics|mailbox|mailbox\.json|t|u|webhooks|campaigns\/:id\/report\/:token)(\/|$)/;

interface Route {
  name: string;
  path: string;
  isPublic: boolean;
  permission: string | undefined;
}

describe('the routes of the whole application', () => {
  let routes: Route[];
  beforeAll(async () => {
    const config = loadConfig({ DATABASE_URL: 'postgres://unused/unused', APP_SECRET: 'unused-'.repeat(5), MAIL_PROVIDER: 'mailbox' });
    const options = { preview: true, logger: false as const, abortOnError: false };
    routes = routesOf(await NestFactory.create<NestFastifyApplication>(AppModule.register(config), createHttpAdapter(), options));
  });

  it('all say who may call them, documented or not', () => {
    expect(routes.length).toBeGreaterThan(20);
    expect(routes.filter(({ isPublic, permission }) => !isPublic && permission === undefined)).toEqual([]);
  });

  it('are public only where people without a credential come: mail readers, providers, supervisors', () => {
    expect(routes.filter(({ isPublic, path }) => isPublic && !OPEN.test(path))).toEqual([]);
  });

  it('change nothing on a permission to read', () => {
    const readsByPost = ['/preview', '/test-send', '/simulate'];
    const suspicious = routes.filter(
      ({ name, path, permission }) =>
        !/^(GET|HEAD) /.test(name) && permission?.endsWith(':read') && !readsByPost.some((end) => path.endsWith(end)),
    );
    expect(suspicious).toEqual([]);
  });
});

function routesOf(app: NestFastifyApplication): Route[] {
  const scanner = new MetadataScanner();
  const routes: Route[] = [];
  for (const module of app.get(ModulesContainer).values()) {
    for (const { metatype } of module.controllers.values()) {
      if (typeof metatype !== 'function') continue;
      const prototype = metatype.prototype as Record<string, () => unknown>;
      for (const methodName of scanner.getAllMethodNames(prototype)) {
        const handler = prototype[methodName];
        const method = Reflect.getMetadata('method', handler) as RequestMethod | undefined;
        if (method === undefined) continue;
        const [prefix, path] = [metatype, handler].map((target) => String(Reflect.getMetadata('path', target) ?? ''));
        const url = `/${prefix}/${path}`.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '');
        const meta = <T>(key: string) => (Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, metatype)) as T | undefined;
        routes.push({
          name: `${RequestMethod[method]} ${url}`,
          path: url,
          isPublic: meta<boolean>(PUBLIC) === true,
          permission: meta(PERMISSION),
        });
      }
    }
  }
  return routes;
}
