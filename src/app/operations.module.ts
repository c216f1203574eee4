import { Module, type OnModuleInit } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { Database, withAdvisoryLock } from '../database/index.js';
import { HealthChecks } from '../http/index.js';
import { IdempotencyService } from '../modules/identity/index.js';
import { QueueConnection } from '../queue/index.js';

/** What keeps an installation in order and belongs to no module. */
@Module({})
export class OperationsModule implements OnModuleInit {
  constructor(
    private readonly db: Database,
    private readonly health: HealthChecks,
    private readonly queue: QueueConnection,
    private readonly idempotency: IdempotencyService,
  ) {}

  onModuleInit(): void {
    // Not critical: without the queue the API still takes every request, and what is due waits as rows.
    this.health.register({ name: 'queue', critical: false, check: () => this.queue.ping() });
  }

  /** Without the schedule module (roles other than scheduler) this never runs. */
  @Cron(CronExpression.EVERY_HOUR, { waitForCompletion: true })
  async forgetOldAnswers(): Promise<void> {
    await withAdvisoryLock(this.db, 'forget-old-answers', async () => {
      await this.idempotency.deleteExpired();
    });
  }
}
