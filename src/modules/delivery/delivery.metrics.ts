import { Injectable, type OnModuleInit, Optional } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database, row } from '../../database/index.js';
import { Metrics } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';

/** How late the mail is. */
@Injectable()
export class DeliveryMetrics implements OnModuleInit {
  constructor(
    private readonly config: AppConfig,
    private readonly db: Database,
    private readonly clock: Clock,
    @Optional() private readonly metrics?: Metrics,
  ) {}

  onModuleInit(): void {
    const { roles, database } = this.config;
    // Without the workers' login this process sees no tenant's rows, and must not call that punctual.
    if (!roles.worker && database.workerUrl === undefined) return;
    this.metrics?.sampled(
      'campaign_messages_due_lag_seconds',
      'How late the most overdue message of an active campaign is.',
      [],
      async () => [{ value: await this.dueLag() }],
    );
  }

  /** Goes from campaign to campaign through the index of what is queued: one probe each, however many messages wait (I11). */
  private async dueLag(): Promise<number> {
    const now = this.clock.now();
    const found = await this.db.asSystem(
      (tx) =>
        row<{ dueAt: Date | null }>(
          tx,
          `WITH RECURSIVE waiting AS (
             (SELECT tenant_id, campaign_id, due_at FROM emails WHERE status = 'queued' ORDER BY tenant_id, campaign_id, due_at LIMIT 1)
             UNION ALL
             SELECT n.tenant_id, n.campaign_id, n.due_at FROM waiting w CROSS JOIN LATERAL (
               SELECT tenant_id, campaign_id, due_at FROM emails
                WHERE status = 'queued' AND (tenant_id, campaign_id) > (w.tenant_id, w.campaign_id) ORDER BY tenant_id, campaign_id, due_at LIMIT 1) n)
           SELECT min(w.due_at) AS "dueAt" FROM waiting w
             JOIN campaigns c ON c.tenant_id = w.tenant_id AND c.id = w.campaign_id AND c.status = 'active'
              AND (c.start_date IS NULL OR c.start_in_contact_zone OR c.start_date <= $1) AND (c.end_date IS NULL OR c.end_date > $1)`,
          [now],
        ),
      { statementTimeoutMs: 1_000 },
    );
    return found?.dueAt ? Math.max(0, (now.getTime() - found.dueAt.getTime()) / 1000) : 0;
  }
}
