import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { migrateDatabase } from '../../../src/database/index.js';
import { NO_LIMITS } from '../../support/no-limits.js';
import { Api } from './api.js';
import { Fleet, runCli } from './product.js';
import type { Ground } from './stage.js';

export const APP_SECRET = 'a secret of the fault runs, thirty-two characters and more';
const TEMPLATE = 'faults_template';

/** What every scenario starts from: a tenant with its key, its contacts, and a segment of all of them. */
export interface Template {
  name: string;
  apiKey: string;
  segmentId: string;
  contacts: number;
}

export function commonEnv(databaseEnv: Record<string, string>, dir: string): Record<string, string> {
  return { PATH: process.env.PATH ?? '', NODE_ENV: 'test', LOG_LEVEL: 'warn', ...databaseEnv, DATA_DIR: dir, APP_SECRET, ...NO_LIMITS };
}

export const addressOf = (i: number): string => `c${i}@faults.example`;

/** Made once, through the command line and the API; every scenario gets a copy of the database. */
export async function makeTemplate({ postgres, workDir, options: { contacts }, dist }: Omit<Ground, 'template'>): Promise<Template> {
  const dir = mkdtempSync(join(workDir, 'template-'));
  mkdirSync(dir, { recursive: true });
  await postgres.createDatabase(TEMPLATE);
  const databaseEnv = postgres.env(TEMPLATE);
  await migrateDatabase(databaseEnv.MIGRATION_DATABASE_URL);
  const env = commonEnv(databaseEnv, dir);
  const created = await runCli(dist, env, [
    'tenant:create',
    '--name',
    'Faults',
    '--email',
    'admin@faults.example',
    '--postal-address',
    '1 Main Street',
  ]);
  if (created.code !== 0) throw new Error(`tenant:create failed: ${created.stderr}`);
  const apiKey = created.stdout.trim().split('\n').at(-1)!;
  const fleet = new Fleet({ dir, dist, env: { ...env, MAIL_PROVIDER: 'null' } });
  const server = await fleet.start('template', { roles: 'api' });
  const api = new Api(server.url, apiKey);
  const chunk = 20_000;
  for (let from = 0; from < contacts; from += chunk) {
    const rows = Array.from({ length: Math.min(chunk, contacts - from) }, (_, i) => {
      const n = from + i;
      return `${addressOf(n)},Person ${n},${n % 2 ? 'pro' : 'free'}`;
    });
    const report = await api.post<{ created: number; rejected: number }>(
      '/api/contacts/import',
      ['email,firstName,plan', ...rows].join('\n'),
      'text/csv',
    );
    if (report.created !== rows.length)
      throw new Error(`The import created ${report.created} of ${rows.length}: ${JSON.stringify(report)}`);
  }
  const { id: segmentId } = await api.post<{ id: string }>('/api/segments', { name: 'Everybody', type: 'dynamic', rules: { all: [] } });
  await fleet.stop();
  return { name: TEMPLATE, apiKey, segmentId, contacts };
}
