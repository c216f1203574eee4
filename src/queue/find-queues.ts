import type { DiscoveryService } from '@nestjs/core';
import type { JobMap } from './queue-definition.js';
import { TypedQueue } from './typed-queue.js';

/** Every queue of this process, each once, by name. */
export function findQueues(discovery: DiscoveryService): TypedQueue<JobMap>[] {
  const found = discovery
    .getProviders()
    .flatMap(({ instance }) => (instance instanceof TypedQueue ? [instance as TypedQueue<JobMap>] : []));
  return [...new Map(found.map((queue) => [queue.name, queue])).values()].sort((a, b) => a.name.localeCompare(b.name));
}
