import { Module, type OnModuleInit } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { Cron, CronExpression } from '@nestjs/schedule';
import { Database, withAdvisoryLock } from '../database/index.js';
import { HealthChecks, Metrics } from '../http/index.js';
import { IdempotencyService, SharedCounters } from '../modules/identity/index.js';
import { QueueConnection, findQueues } from '../queue/index.js';
import { QueueBoard } from './queue-board.js';

/** What keeps an installation in order and belongs to no module. */
@Module({ imports: [DiscoveryModule], providers: [QueueBoard] })
export class OperationsModule implements OnModuleInit {
  constructor(
    private readonly db: Database,
    private readonly health: HealthChecks,
    private readonly queue: QueueConnection,
    private readonly idempotency: IdempotencyService,
    private readonly counters: SharedCounters,
    private readonly metrics: Metrics,
    private readonly discovery: DiscoveryService,
  ) {}

  onModuleInit(): void {
    // Not critical: without the queue the API still takes every request, and what is due waits as rows.
    this.health.register({ name: 'queue', critical: false, check: () => this.queue.ping() });
    this.metrics.sampled('database_connections', 'Connections of this process, and requests that wait for one.', ['pool', 'state'], () =>
      Promise.resolve(
        Object.entries(this.db.pools()).flatMap(([pool, use]) =>
          Object.entries(use).map(([state, value]) => ({ labels: { pool, state }, value: value as number })),
        ),
      ),
    );
    this.metrics.sampled('queue_jobs', 'Jobs of all processes, by queue and state.', ['queue', 'state'], () => this.countJobs());
  }

  private async countJobs() {
    const counts = await Promise.all(
      findQueues(this.discovery).map(async (queue) => ({ queue: queue.name, states: await queue.counts() })),
    );
    return counts.flatMap(({ queue, states }) => Object.entries(states).map(([state, value]) => ({ labels: { queue, state }, value })));
  }

  /** Without the schedule module (roles other than scheduler) this never runs. */
  @Cron(CronExpression.EVERY_HOUR, { waitForCompletion: true })
  async forgetOldAnswers(): Promise<void> {
    await withAdvisoryLock(this.db, 'forget-old-answers', async () => {
      await this.idempotency.deleteExpired();
    });
  }

  @Cron(CronExpression.EVERY_10_MINUTES, { waitForCompletion: true })
  async forgetOldCounts(): Promise<void> {
    await withAdvisoryLock(this.db, 'forget-old-counts', () => this.counters.deleteExpired());
  }
}
