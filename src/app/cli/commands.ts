import { analyticsRebuild, ledgerCheck } from './analytics.commands.js';
import type { Command } from './command.js';
import { keyCreate, keyRevoke, tenantCreate } from './identity.commands.js';

/** Migrating is what every command does first; this one does nothing else. */
const dbMigrate: Command = {
  name: 'db:migrate',
  summary: 'Bring the database up to date (the service does so itself when it starts)',
  options: {},
  run: async ({ print }) => print('The database is up to date.'),
};

/** Every command there is. A module's commands stand in a file of their own beside this one. */
export const commands: readonly Command[] = [dbMigrate, tenantCreate, keyCreate, keyRevoke, ledgerCheck, analyticsRebuild];
