import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { BullRegistrar, WorkerHost } from '@nestjs/bullmq';
import { AppConfig } from '../config/index.js';
import { sqlState } from '../database/index.js';
import { QueueConnection } from './queue-connection.js';

const DEADLOCK_DETECTED = '40P01';

/** What the check needs of a queue definition. */
export interface QueueJobs {
  readonly name: string;
  readonly jobs: readonly string[];
}

/** A queue that some module registered, as found in the module graph. */
export class RegisteredQueue {
  constructor(readonly definition: QueueJobs) {}
}

export interface FoundProcessor {
  className: string;
  queue: string;
  handles: readonly string[];
}

/**
 * Every job needs exactly one handler, and every queue one processor. A job without a handler would wait for ever, unnoticed, and of two
 * processors on one queue either could be given a job that only the other knows.
 */
export function assertEveryJobHasOneHandler(queues: readonly QueueJobs[], processors: FoundProcessor[]): void {
  const faults: string[] = [];
  for (const queue of queues) {
    const own = processors.filter((processor) => processor.queue === queue.name);
    if (own.length > 1)
      faults.push(`queue "${queue.name}" has ${own.length} processors (${own.map((p) => p.className).join(', ')}), it needs exactly one`);
    const handled = own.flatMap((processor) => processor.handles);
    for (const job of queue.jobs) {
      const count = handled.filter((name) => name === job).length;
      if (count !== 1) faults.push(`job "${job}" of queue "${queue.name}" has ${count === 0 ? 'no handler' : `${count} handlers`}`);
    }
    for (const name of new Set(handled)) {
      if (!queue.jobs.includes(name)) faults.push(`"${name}" is handled but is not a job of queue "${queue.name}"`);
    }
  }
  for (const { queue, className } of processors) {
    if (!queues.some(({ name }) => name === queue)) faults.push(`${className} works on queue "${queue}", which no module registers`);
  }
  if (faults.length > 0) throw new Error(`Job handlers: ${faults.join('; ')}`);
}

/**
 * Starts the workers of a process that has the role, once everything else of it is initialised and every job is known to have its handler;
 * stops them before anything else is shut down, letting running jobs finish.
 */
@Injectable()
export class Workers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Queue');
  private hosts: WorkerHost[] = [];

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly modules: ModuleRef,
    private readonly connection: QueueConnection,
    private readonly config: AppConfig,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.roles.worker) return;
    const instances = this.discovery.getProviders().map((wrapper) => wrapper.instance as unknown);
    const queues = instances.filter((instance) => instance instanceof RegisteredQueue);
    if (queues.length === 0) return;
    this.modules.get(BullRegistrar, { strict: false }).register();
    this.hosts = instances.filter((instance) => instance instanceof WorkerHost);
    for (const { worker } of this.hosts) {
      // A worker goes on by itself after an error of its connection; without a listener the error would end the process.
      worker.on('error', (error) => this.noteError(worker.name, error));
    }
    this.assertComplete(queues.map(({ definition }) => definition));
  }

  /**
   * BullMQ renews the locks of a worker's jobs and looks for stalled ones in statements over several rows, each in an order of its own; on PostgreSQL
   * the two may meet. The loser does the same again a second later, and jobs are hints, so nobody need look into it.
   */
  private noteError(queue: string, error: Error): void {
    if (sqlState(error) === DEADLOCK_DETECTED)
      this.logger.debug(`Worker of queue ${queue}: its housekeeping met another's and is tried again`);
    else this.logger.warn(`Worker of queue ${queue}: ${error.message}`);
  }

  private assertComplete(queues: QueueJobs[]): void {
    const processors = this.hosts.map((host) => ({
      className: host.constructor.name,
      queue: host.worker.name,
      handles: (host as WorkerHost & { handles?: readonly string[] }).handles ?? [],
    }));
    assertEveryJobHasOneHandler(queues, processors);
    if (this.hosts.length > this.connection.workerLimit) {
      throw new Error(`POOL_QUEUE is too small: ${this.hosts.length} workers need at least ${this.hosts.length + 2} connections`);
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.worker.close()));
  }
}
