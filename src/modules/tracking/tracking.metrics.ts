import { Injectable, type OnModuleInit, Optional } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database, row } from '../../database/index.js';
import { Metrics } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';

const OLDEST = {
  webhook_call: `SELECT received_at AS at FROM webhook_batches WHERE processed_at IS NULL ORDER BY id LIMIT 1`,
  hit: `SELECT uuid_extract_timestamp(id) AS at FROM hit_batches ORDER BY id LIMIT 1`,
  event: `SELECT received_at AS at FROM email_events WHERE applied_at IS NULL ORDER BY received_at LIMIT 1`,
};

/** How far what came back is behind: the first row of an index each. */
@Injectable()
export class TrackingMetrics implements OnModuleInit {
  constructor(
    private readonly config: AppConfig,
    private readonly db: Database,
    private readonly clock: Clock,
    @Optional() private readonly metrics?: Metrics,
  ) {}

  onModuleInit(): void {
    const { roles, database } = this.config;
    if (!roles.worker && database.workerUrl === undefined) return;
    this.metrics?.sampled('campaign_events_lag_seconds', 'Age of the oldest that waits to be applied, by stage.', ['stage'], () =>
      this.lags(),
    );
  }

  private async lags() {
    const now = this.clock.now();
    return this.db.asSystem(
      async (tx) => {
        const samples = [];
        for (const [stage, sql] of Object.entries(OLDEST)) {
          const oldest = await row<{ at: Date }>(tx, sql);
          samples.push({ labels: { stage }, value: oldest ? Math.max(0, (now.getTime() - oldest.at.getTime()) / 1000) : 0 });
        }
        return samples;
      },
      { statementTimeoutMs: 1_000 },
    );
  }
}
