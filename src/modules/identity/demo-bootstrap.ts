import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database, withAdvisoryLock } from '../../database/index.js';
import { TenantsService } from './tenants.service.js';

/** What a newcomer finds after the first start. */
const DEMO = {
  name: 'Demo',
  adminEmail: 'admin@demo.example',
  timezone: 'UTC',
  postalAddress: 'Demo Company, 1 Example Street, 12345 Anytown',
};

/** Makes an empty embedded database usable at once. */
@Injectable()
export class DemoBootstrap {
  constructor(
    private readonly config: AppConfig,
    private readonly db: Database,
    private readonly tenants: TenantsService,
  ) {}

  /**
   * On an embedded database without a tenant: creates `Demo`, keeps its key in `DATA_DIR/api-key` (for the owner's eyes only) and returns it,
   * to be printed once. Otherwise does nothing and returns null; of several processes that start at once, one does it.
   */
  async run(): Promise<{ apiKey: string; path: string } | null> {
    if (!this.config.database.embedded) return null;
    let made: { apiKey: string; path: string } | null = null;
    await withAdvisoryLock(this.db, 'demo-bootstrap', async () => {
      if (await this.tenants.isEmpty()) made = await this.create();
    });
    return made;
  }

  private async create(): Promise<{ apiKey: string; path: string }> {
    const { apiKey } = await this.tenants.create(DEMO);
    const path = join(this.config.dataDir, 'api-key');
    await writeFile(path, `${apiKey}\n`, { mode: 0o600 });
    // A file that was there already keeps its mode.
    await chmod(path, 0o600);
    return { apiKey, path };
  }
}
