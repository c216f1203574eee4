import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply } from 'fastify';

const ASSETS: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Campaign engine: API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

const START = `window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  docExpansion: 'none',
  filter: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  validatorUrl: null,
});
`;

/**
 * `/openapi.json`, and Swagger UI at `/docs` (where `/` leads) with everything on board: it works without the Internet. The document is built when it is first
 * asked for. (Nest's own page needs `@fastify/static`, which in turn needs `require` of ES modules, and puts the document into a script.)
 */
export function serveDocs(server: FastifyInstance, build: () => OpenAPIObject): void {
  const directory = swaggerUiDirectory();
  let document: string | undefined;
  server.get('/', (_request, reply) => reply.redirect('/docs', 302));
  server.get('/openapi.json', (_request, reply) => send(reply, 'application/json; charset=utf-8', (document ??= JSON.stringify(build()))));
  server.get('/docs', (_request, reply) => send(reply, 'text/html; charset=utf-8', PAGE));
  server.get('/docs/start.js', (_request, reply) => send(reply, 'text/javascript; charset=utf-8', START));
  for (const [name, type] of Object.entries(ASSETS)) {
    server.get(`/docs/${name}`, async (_request, reply) => {
      void reply.header('cache-control', 'public, max-age=86400');
      await send(reply, type, await readFile(join(directory, name)));
    });
  }
}

function send(reply: FastifyReply, type: string, body: string | Buffer): FastifyReply {
  return reply.type(type).send(body);
}

/** It comes with `@nestjs/swagger`, wherever that stands. */
function swaggerUiDirectory(): string {
  const swagger = createRequire(import.meta.url).resolve('@nestjs/swagger');
  return dirname(createRequire(swagger).resolve('swagger-ui-dist/package.json'));
}
