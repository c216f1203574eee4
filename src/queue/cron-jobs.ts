import { Injectable, Logger } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import { Database, withAdvisoryLock } from '../database/index.js';

/**
 * Periodic jobs on `@nestjs/schedule`, with expressions from the configuration (in UTC). At each tick one process runs the job, the others
 * pass: the lock is PostgreSQL's. A tick that falls while the last one still runs is passed over; a failure is logged and the next tick tries
 * again, so what is registered must find its work in the rows and be safe to repeat.
 */
@Injectable()
export class CronJobs {
  private readonly logger = new Logger('Cron');

  constructor(
    private readonly registry: SchedulerRegistry,
    private readonly db: Database,
  ) {}

  register(name: string, expression: string, run: () => Promise<unknown>): void {
    const job = CronJob.from({
      cronTime: expression,
      timeZone: 'UTC',
      waitForCompletion: true,
      onTick: async () => {
        try {
          await withAdvisoryLock(this.db, `cron:${name}`, async () => void (await run()));
        } catch (error) {
          this.logger.error(`${name} failed, the next run tries again: ${(error as Error).message}`, (error as Error).stack);
        }
      },
    });
    this.registry.addCronJob(name, job);
    job.start();
  }
}
