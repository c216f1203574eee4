import { Global, Module, type OnModuleInit } from '@nestjs/common';
import { Database, row } from '../database/index.js';
import { DirectRoutes } from './direct-routes.js';
import { HealthChecks } from './health-checks.js';
import { HealthController } from './health.controller.js';
import { Metrics } from './metrics.js';
import { RouteTable } from './route-table.js';

/** Health, metrics, and where other modules register theirs. */
@Global()
@Module({
  controllers: [HealthController],
  providers: [DirectRoutes, HealthChecks, Metrics, RouteTable],
  exports: [DirectRoutes, HealthChecks, Metrics, RouteTable],
})
export class HttpModule implements OnModuleInit {
  private isMigrated = false;

  constructor(
    private readonly db: Database,
    private readonly checks: HealthChecks,
  ) {}

  onModuleInit(): void {
    this.checks.register({ name: 'database', critical: true, check: () => this.checkDatabase() });
  }

  private async checkDatabase(): Promise<void> {
    // Both logins: the application's, then the workers'.
    await this.db.statement('ready', 'SELECT 1', []);
    await this.db.asSystem(async (tx) => {
      if (this.isMigrated) return row(tx, 'SELECT 1');
      const applied = await row<{ count: string }>(tx, 'SELECT count(*) FROM migrations');
      this.isMigrated = Number(applied?.count ?? 0) >= this.db.dataSource.migrations.length;
      if (!this.isMigrated) throw new Error('The schema is older than the program');
      return null;
    });
  }
}
