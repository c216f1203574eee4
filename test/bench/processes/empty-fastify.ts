import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { serve } from '../../support/child.js';

/** The floor of tracking: a route that does nothing. */
const server = fastify();
server.get('/t/*', (_request, reply) => reply.send('ok'));
await server.listen({ host: '127.0.0.1', port: 0 });
serve({ port: () => (server.server.address() as AddressInfo).port });
