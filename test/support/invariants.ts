import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Database } from '../../src/database/index.js';
import { isSound, LedgerCheck } from '../../src/modules/analytics/index.js';

/** Throws unless everybody and every message in the installation is accounted for (invariant I4). For the end of stories and fault tests. */
export async function assertInvariants(app: NestFastifyApplication): Promise<void> {
  const [check, db] = [app.get(LedgerCheck), app.get(Database)];
  for (const tenantId of await check.listTenants()) {
    const reports = await db.inTenant(tenantId, (tx) => check.check(tx, tenantId));
    const unsound = reports.filter((report) => !isSound(report));
    if (unsound.length > 0) throw new Error(`The ledger does not add up: ${JSON.stringify(unsound, null, 2)}`);
  }
}
