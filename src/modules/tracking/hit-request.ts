import type { FastifyRequest } from 'fastify';
import type { Hit } from './hits.service.js';

/** What a request to a public address says about who sent it. */
export function hitOf({ method, headers }: Pick<FastifyRequest, 'method' | 'headers'>): Hit {
  const purpose = headers['sec-purpose'] ?? headers.purpose ?? headers['x-purpose'] ?? headers['x-moz'];
  return { isHead: method === 'HEAD', userAgent: headers['user-agent'], purpose: purpose?.toString() };
}
