import { Injectable, type OnModuleInit, Optional } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database, row } from '../../database/index.js';
import { Metrics } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';

/** How late the engine is with the contacts inside campaigns. */
@Injectable()
export class ExecutionMetrics implements OnModuleInit {
  constructor(
    private readonly config: AppConfig,
    private readonly db: Database,
    private readonly clock: Clock,
    @Optional() private readonly metrics?: Metrics,
  ) {}

  onModuleInit(): void {
    const { roles, database } = this.config;
    if (!roles.worker && database.workerUrl === undefined) return;
    this.metrics?.sampled(
      'campaign_contacts_due_lag_seconds',
      'How late the most overdue contact of an active campaign is.',
      [],
      async () => [{ value: await this.dueLag() }],
    );
  }

  /** One index probe for each active campaign (I11). */
  private async dueLag(): Promise<number> {
    const now = this.clock.now();
    const found = await this.db.asSystem(
      (tx) =>
        row<{ dueAt: Date | null }>(
          tx,
          `SELECT min(due.at) AS "dueAt" FROM campaigns c CROSS JOIN LATERAL (
             SELECT cc.next_email_scheduled_at AS at FROM campaign_contacts cc
              WHERE cc.tenant_id = c.tenant_id AND cc.campaign_id = c.id AND cc.status IN ('enrolled', 'active') AND cc.next_email_scheduled_at <= $1
              ORDER BY cc.next_email_scheduled_at LIMIT 1) due
            WHERE c.status = 'active' AND (c.end_date IS NULL OR c.end_date > $1)`,
          [now],
        ),
      { statementTimeoutMs: 1_000 },
    );
    return found?.dueAt ? Math.max(0, (now.getTime() - found.dueAt.getTime()) / 1000) : 0;
  }
}
