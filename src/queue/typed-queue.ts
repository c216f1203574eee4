import { Inject, Logger } from '@nestjs/common';
import type { JobsOptions, Queue } from 'bullmq';
import type { JobMap, JobName, QueueDefinition } from './queue-definition.js';

export interface AddOptions {
  /**
   * At most one job with this id waits at a time (beside one that runs): adding another changes nothing, except that a delayed one moves to
   * the new time if `replace` is set. A job added while its twin runs is kept and runs afterwards, so no hint is lost to a race.
   */
  dedupeId?: string;
  /** Milliseconds until the job may run. */
  delayMs?: number;
  /** Lets the new delay win over the one of a waiting twin. Needs `dedupeId`. */
  replace?: boolean;
}

const HINT_LIMIT_MS = 2_000;
/** While the queue is away, hints fail many times a second: one line says so, and another each time so much later. */
const REMINDER_MS = 30_000;

/** One queue, with the names and payloads of its jobs checked by the compiler. Inject with `@InjectTypedQueue(definition)`. */
export class TypedQueue<Jobs extends JobMap> {
  private readonly logger = new Logger('Queue');
  private isAway = false;
  /** Hints not queued since the last line about it. */
  private missed = 0;
  private nextReminderAt = 0;

  constructor(
    /** For looking in; to add jobs, use the methods. */
    readonly queue: Queue,
  ) {
    // The shared connection reports its own errors once (`QueueConnection`); unheard here, BullMQ would print each of them for each queue.
    queue.on('error', (error) => this.logger.debug(`Queue ${queue.name}: ${error.message}`));
  }

  get name(): string {
    return this.queue.name;
  }

  /** Adds a job; throws when the queue is away. After the commit, never inside a transaction: a rollback would not take the job back. */
  async add<Name extends JobName<Jobs>>(name: Name, payload: Jobs[Name], options: AddOptions = {}): Promise<void> {
    await this.queue.add(name, payload, jobOptions(options));
  }

  /**
   * Adds a job if that is possible within two seconds, and tells whether it was. Never throws: whatever the job would have done is a row
   * that the sweep finds a little later, so a queue that is down must not fail what has already been committed.
   */
  async hint<Name extends JobName<Jobs>>(name: Name, payload: Jobs[Name], options: AddOptions = {}): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${HINT_LIMIT_MS} ms`)), HINT_LIMIT_MS);
    });
    try {
      await Promise.race([this.add(name, payload, options), limit]);
      if (this.isAway) this.logger.log(`Queue ${this.name} takes hints again`);
      this.isAway = false;
      this.missed = 0;
      return true;
    } catch (error) {
      this.complain(`queue ${this.name}, job ${name}: ${(error as Error).message}`);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  private complain(why: string): void {
    this.missed += 1;
    if (this.isAway && performance.now() < this.nextReminderAt) return;
    this.logger.warn(`${this.missed === 1 ? 'A hint was' : `${this.missed} hints were`} not queued; the sweep will find the work (${why})`);
    this.isAway = true;
    this.missed = 0;
    this.nextReminderAt = performance.now() + REMINDER_MS;
  }

  /** Jobs that wait, run or failed: for health and metrics. */
  counts(): Promise<Record<string, number>> {
    return this.queue.getJobCounts('waiting', 'active', 'delayed', 'failed');
  }
}

function jobOptions({ dedupeId, delayMs, replace }: AddOptions): JobsOptions {
  const options: JobsOptions = {};
  if (delayMs !== undefined && delayMs > 0) options.delay = Math.ceil(delayMs);
  if (dedupeId !== undefined)
    options.deduplication = replace ? { id: dedupeId, keepLastIfActive: true, replace: true } : { id: dedupeId, keepLastIfActive: true };
  return options;
}

export const typedQueueToken = (queueName: string): string => `TypedQueue:${queueName}`;

export const InjectTypedQueue = <Jobs extends JobMap>(definition: QueueDefinition<Jobs>): ParameterDecorator =>
  Inject(typedQueueToken(definition.name)) as ParameterDecorator;
