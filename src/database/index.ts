export { holdLock, withAdvisoryLock } from './advisory-lock.js';
export { buildDataSourceOptions } from './data-source.js';
export { Database, type TxOptions } from './database.js';
export { DatabaseSetupError, DatabaseUnavailableError, sqlState } from './database.errors.js';
export { DatabaseModule } from './database.module.js';
export { EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded/embedded-postgres.js';
export { migrateDatabase, type MigrationResult } from './migrate.js';
export { affected, prepared, preparedRows, row, rows, structured, type Structured, type Tx } from './sql.js';
