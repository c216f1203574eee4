import { judgeLogins, type LoginFacts } from './role-check.js';

const app: LoginFacts = {
  role: 'app',
  isSuperuser: false,
  bypassesSecurity: false,
  ownsTables: false,
  seesEveryTenant: false,
  seesActivity: false,
  hasGrants: true,
  openTables: [],
};
const worker: LoginFacts = { ...app, role: 'worker', seesEveryTenant: true, seesActivity: true };
const owner: LoginFacts = { ...app, role: 'owner', ownsTables: true };

describe('the logins of a process', () => {
  it('pass when each is what it is for', () => {
    expect(judgeLogins(app, worker, true)).toEqual({ fatal: [], unsafe: [] });
    expect(judgeLogins(app, null, false)).toEqual({ fatal: [], unsafe: [] });
  });

  it.each<[string, Partial<LoginFacts>, RegExp]>([
    ['a superuser', { isSuperuser: true, ownsTables: true, seesEveryTenant: true }, /^DATABASE_URL: the role "app" is a superuser/],
    ['one exempt from row-level security', { bypassesSecurity: true }, /has BYPASSRLS/],
    ['the owner of the tables', { ownsTables: true }, /owns the tables/],
    ['the one that sees every tenant', { seesEveryTenant: true }, /is for WORKER_DATABASE_URL/],
    ['before row-level security is on', { openTables: ['contacts'] }, /does not hold for contacts/],
  ])('are unsafe where the application is %s', (_, facts, message) => {
    const { fatal, unsafe } = judgeLogins({ ...app, ...facts }, worker, true);
    expect(fatal).toEqual([]);
    expect(unsafe).toEqual([expect.stringMatching(message)]);
  });

  it('would not work without what they need, and say which', () => {
    expect(judgeLogins({ ...app, hasGrants: false }, worker, true).fatal).toEqual([
      expect.stringContaining('GRANT campaign_engine_app TO "app"'),
    ]);
    expect(judgeLogins(app, { ...worker, seesEveryTenant: false }, true).fatal).toEqual([
      expect.stringContaining('GRANT campaign_engine_worker'),
    ]);
    expect(judgeLogins(app, { ...worker, seesActivity: false }, true).fatal).toEqual([expect.stringContaining('pg_read_all_stats')]);
    expect(judgeLogins(app, null, true).fatal).toEqual([expect.stringContaining('WORKER_DATABASE_URL is required')]);
  });

  it('may be one and the same outside production: the owner works alone', () => {
    expect(judgeLogins(owner, null, true).fatal).toEqual([]);
  });
});
