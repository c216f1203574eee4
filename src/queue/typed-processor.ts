import { WorkerHost } from '@nestjs/bullmq';
import { Logger } from '@nestjs/common';
import { type Job, UnrecoverableError } from 'bullmq';
import type { JobMap, JobName } from './queue-definition.js';

/**
 * For every processor: how soon the queue notices that a worker has died, and how soon a worker is back after the queue's server was away. While a
 * dead worker's job counts as running, hints with the same `dedupeId` wait behind it: with BullMQ's defaults (30 s, 30 s, 15 s) killed work lay about
 * for a minute. A job that is started a second time because its worker was merely slow does no harm, so these may be short.
 */
export const QUICK_RECOVERY = { lockDuration: 3_000, stalledInterval: 1_000, runRetryDelay: 1_000 } as const;

/** One handler for every job of the map. What it returns is not kept. */
export type JobHandlers<Jobs extends JobMap> = { readonly [Name in JobName<Jobs>]: (payload: Jobs[Name], job: Job) => Promise<unknown> };

/**
 * Base of every processor: sends a job to the handler of its name. A queue has one processor (BullMQ gives any job of a queue to any of its
 * workers). A handler may be run twice for one job and must not mind.
 *
 *     @Processor(deliveryQueue.name, { ...QUICK_RECOVERY, concurrency: 2 })
 *     export class DeliveryProcessor extends TypedProcessor<DeliveryJobs> {
 *       protected readonly handlers = { 'send-due': ({ campaignId }) => this.delivery.sendDue(campaignId) };
 *     }
 */
export abstract class TypedProcessor<Jobs extends JobMap> extends WorkerHost {
  protected abstract readonly handlers: JobHandlers<Jobs>;
  private readonly logger = new Logger(this.constructor.name);

  /** Names of the jobs handled here; checked against the queue when the process starts. */
  get handles(): string[] {
    return Object.keys(this.handlers);
  }

  override async process(job: Job): Promise<void> {
    const handler = (this.handlers as Record<string, ((payload: unknown, job: Job) => Promise<unknown>) | undefined>)[job.name];
    // Left by another version of this program: trying again would not help.
    if (!handler) throw new UnrecoverableError(`no handler for job "${job.name}"`);
    try {
      await handler(job.data, job);
    } catch (error) {
      this.logger.error(
        `Job ${job.name} failed (job ${job.id}, attempt ${job.attemptsMade + 1}): ${(error as Error).message}`,
        (error as Error).stack,
      );
      throw error;
    }
  }
}
