import { BullModule, getQueueToken } from '@nestjs/bullmq';
import { type DynamicModule, Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { DefaultJobOptions, Queue } from 'bullmq';
import { RegisteredQueue, Workers } from './job-handlers.js';
import { QueueConnection } from './queue-connection.js';
import type { JobMap, QueueDefinition } from './queue-definition.js';
import { TypedQueue, typedQueueToken } from './typed-queue.js';

/** A hint is tried a few times and then left to the sweep; what is kept of it serves only for looking into a fault. */
const JOB_DEFAULTS: DefaultJobOptions = {
  attempts: 3,
  backoff: { type: 'exponential', delay: 1_000 },
  removeOnComplete: { count: 100, age: 3_600 },
  removeOnFail: { count: 1_000, age: 7 * 86_400 },
};

@Global()
@Module({ imports: [DiscoveryModule], providers: [QueueConnection, Workers], exports: [QueueConnection] })
class QueueConnectionModule {}

const registered = new WeakMap<object, DynamicModule>();

/**
 * BullMQ, on PostgreSQL by default and on Redis when `REDIS_URL` is set. `forRoot()` once in the application, `register(definition)` in each
 * module that adds or processes jobs of that queue.
 */
@Module({})
export class QueueModule {
  static forRoot(): DynamicModule {
    return {
      module: QueueModule,
      imports: [
        QueueConnectionModule,
        BullModule.forRootAsync({
          inject: [QueueConnection],
          // `Workers` registers the processors, and only in processes with the worker role.
          extraOptions: { manualRegistration: true },
          useFactory: ({ connection, prefix }: QueueConnection) => ({ connection, prefix, defaultJobOptions: JOB_DEFAULTS }),
        }),
      ],
    };
  }

  /** The same module for the same definition, so that a process has one client a queue however many modules use it. */
  static register<Jobs extends JobMap>(definition: QueueDefinition<Jobs>): DynamicModule {
    const known = registered.get(definition);
    if (known) return known;
    const queue = BullModule.registerQueue({ name: definition.name });
    const token = typedQueueToken(definition.name);
    const module: DynamicModule = {
      module: QueueModule,
      imports: [queue],
      providers: [
        { provide: token, inject: [getQueueToken(definition.name)], useFactory: (raw: Queue) => new TypedQueue<Jobs>(raw) },
        { provide: `RegisteredQueue:${definition.name}`, useValue: new RegisteredQueue(definition) },
      ],
      exports: [token, queue],
    };
    registered.set(definition, module);
    return module;
  }
}
