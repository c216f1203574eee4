import { migrateDatabase, type MigrationResult } from './migrate.js';
import { checkLogins } from './role-check.js';

export interface DatabaseAddresses {
  /** The application's login. */
  url: string;
  /** The workers' login, for work across tenants. */
  workerUrl?: string;
  /** The owner of the tables; unset: `url` is, or somebody else migrates. */
  migrationUrl?: string;
}

/**
 * Everything between having a database and using it: roles, migrations, grants, and a look at what this process would connect as. Throws
 * `DatabaseSetupError` with lines for people.
 */
export async function prepareDatabase(
  addresses: DatabaseAddresses,
  options: { needsWorker: boolean; isStrict: boolean },
): Promise<MigrationResult> {
  const { url, workerUrl, migrationUrl = url } = addresses;
  const { applied } = await migrateDatabase(migrationUrl, { url, workerUrl });
  return { applied, warnings: await checkLogins({ url, workerUrl }, options) };
}
