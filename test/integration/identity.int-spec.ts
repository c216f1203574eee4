import { AsyncResource } from 'node:async_hooks';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, withDatabase } from '../../src/config/index.js';
import { affected, row, rows, type Tx } from '../../src/database/index.js';
import { ApiKeysQueries } from '../../src/modules/identity/api-keys.queries.js';
import { ApiKeyVerifier } from '../../src/modules/identity/credentials/api-key-verifier.js';
import { parseApiKey } from '../../src/modules/identity/domain/api-key-format.js';
import { IdempotencyQueries } from '../../src/modules/identity/idempotency/idempotency.queries.js';
import { IdempotencyService } from '../../src/modules/identity/idempotency/idempotency.service.js';
import {
  ApiKeysService,
  AuditService,
  DemoBootstrap,
  type TenantContext,
  TenantsService,
  UsersService,
  WorkspacesService,
  systemContext,
} from '../../src/modules/identity/index.js';
import { AuditQueries } from '../../src/modules/identity/audit.queries.js';
import { TenantsQueries } from '../../src/modules/identity/tenants.queries.js';
import { UsersQueries } from '../../src/modules/identity/users.queries.js';
import { WorkspacesQueries } from '../../src/modules/identity/workspaces.queries.js';
import { SystemIds } from '../../src/shared/ids.js';
import { FakeClock } from '../support/fake-clock.js';
import { until } from '../support/poll.js';
import { type OpenTestDatabase, openTestDatabase } from '../support/test-database.js';

describe('identity', () => {
  const clock = new FakeClock();
  let database: OpenTestDatabase;
  let parts: ReturnType<typeof assemble>;
  beforeAll(async () => {
    database = await openTestDatabase();
    parts = assemble(database, clock);
  });
  afterAll(() => database.drop());

  const newTenant = async () => {
    const { tenantId, apiKey } = await parts.tenants.create({ name: 'Example', adminEmail: 'Owner@Example.com' });
    const { keyId } = parseApiKey(apiKey)!;
    const owner: TenantContext = { ...systemContext(tenantId), actor: { type: 'api_key', id: keyId }, roles: ['owner'] };
    return { tenantId, apiKey, keyId, owner };
  };

  describe('a new tenant', () => {
    it('is complete: workspace, owner, and a key that works for them', async () => {
      const { tenantId, apiKey, owner } = await newTenant();
      const context = await parts.verifier.verify(apiKey);
      const { data: users } = await parts.users.list(owner, { limit: 10 });
      const { data: workspaces } = await parts.workspaces.list(owner, { limit: 10 });
      expect(users).toMatchObject([{ email: 'owner@example.com', role: 'owner' }]);
      expect(context).toMatchObject({ tenantId, roles: ['owner'], userId: users[0].id, workspaceId: workspaces[0].id });
    });

    it('keeps no key that could be stolen from the database or the audit log', async () => {
      const { tenantId, apiKey } = await newTenant();
      const dump = await database.db.inTenant(tenantId, async (tx) => [
        ...(await rows(tx, 'SELECT api_keys::text FROM api_keys WHERE tenant_id = $1', [tenantId])),
        ...(await rows(tx, 'SELECT audit_log::text FROM audit_log WHERE tenant_id = $1', [tenantId])),
      ]);
      expect(dump.length).toBeGreaterThanOrEqual(2);
      expect(JSON.stringify(dump)).not.toContain(apiKey.split('_').slice(2).join('_'));
      expect(JSON.stringify(dump)).not.toContain(Buffer.from(apiKey).toString('hex'));
    });
  });

  describe('a verified key', () => {
    it('costs no query while it is remembered, and is noted as used once a minute', async () => {
      const { tenantId, apiKey, keyId, owner } = await newTenant();
      const used = async () => (await parts.keys.get(owner, keyId)).lastUsedAt;
      await parts.verifier.verify(apiKey);
      const first = await used();
      expect(first).toEqual(clock.now());
      // Gone from the database, still remembered: so nobody asked.
      await database.db.inTenant(tenantId, (tx) => affected(tx, 'UPDATE api_keys SET revoked_at = now() WHERE tenant_id = $1', [tenantId]));
      expect(await parts.verifier.verify(apiKey)).not.toBeNull();
      parts.verifier.forgetTenant(tenantId);
      expect(await parts.verifier.verify(apiKey)).toBeNull();

      await database.db.inTenant(tenantId, (tx) => affected(tx, 'UPDATE api_keys SET revoked_at = NULL WHERE tenant_id = $1', [tenantId]));
      clock.advance({ seconds: 30 });
      await parts.verifier.verify(apiKey);
      expect(await used()).toEqual(first);
      clock.advance({ seconds: 31 });
      parts.verifier.forgetTenant(tenantId);
      await parts.verifier.verify(apiKey);
      expect(await used()).toEqual(clock.now());
    });
  });

  describe('users', () => {
    it('always have an owner among them, even when the last two are demoted at once', async () => {
      const { owner } = await newTenant();
      const { data } = await parts.users.list(owner, { limit: 10 });
      const second = await parts.users.create(owner, { email: 'second@example.com', name: 'Second', role: 'owner' });
      const settled: string[] = [];
      const demote = (id: string) => parts.users.update(owner, id, { role: 'viewer' }, undefined).finally(() => settled.push(id));
      // Bound here: inside the transaction below they would count as parts of it.
      const demoteBoth = AsyncResource.bind(() => Promise.allSettled([demote(data[0].id), demote(second.id)]));
      // Somebody else holds the older owner's row, so that both requests are under way before either can finish.
      let running: Promise<PromiseSettledResult<unknown>[]> | undefined;
      await database.db.inTenant(owner.tenantId, async (tx) => {
        await rows(tx, 'SELECT 1 FROM users WHERE tenant_id = $1 AND id = $2 FOR UPDATE', [owner.tenantId, data[0].id]);
        running = demoteBoth();
        await until(async () => settled.length + (await waitingForLocks(tx)) >= 2, { what: 'both requests to be under way' });
      });
      const outcomes = await running!;
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect((outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult).reason).toMatchObject({ code: 'last_owner' });
      const remaining = (await parts.users.list(owner, { limit: 10 })).data.filter(({ role }) => role === 'owner');
      await expect(parts.users.update(owner, remaining[0].id, { disabled: true }, undefined)).rejects.toMatchObject({ code: 'last_owner' });
    });

    it('are one per address, whatever its case', async () => {
      const { owner } = await newTenant();
      await expect(parts.users.create(owner, { email: 'OWNER@example.com', name: 'X', role: 'viewer' })).rejects.toMatchObject({
        code: 'email_taken',
      });
    });

    it('above the caller are not theirs to change', async () => {
      const { owner } = await newTenant();
      const { data } = await parts.users.list(owner, { limit: 1 });
      const admin: TenantContext = { ...owner, roles: ['admin'] };
      await expect(parts.users.update(admin, data[0].id, { disabled: true }, undefined)).rejects.toMatchObject({ category: 'forbidden' });
    });

    it('lose no change to a stale If-Match', async () => {
      const { owner } = await newTenant();
      const { data } = await parts.users.list(owner, { limit: 1 });
      await expect(parts.users.update(owner, data[0].id, { name: 'New' }, '"stale"')).rejects.toMatchObject({
        category: 'precondition_failed',
      });
      expect((await parts.users.get(owner, data[0].id)).name).not.toBe('New');
    });
  });

  it('lists page by page, the newest first, none twice', async () => {
    const { owner } = await newTenant();
    for (let index = 0; index < 7; index++) await parts.workspaces.create(owner, { name: `W${index}` });
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await parts.workspaces.list(owner, { limit: 3, cursor });
      names.push(...page.data.map(({ name }) => name));
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    expect(names).toEqual(['W6', 'W5', 'W4', 'W3', 'W2', 'W1', 'W0', 'Main']);
  });

  it('writes the audit log with the deed, or neither', async () => {
    const { tenantId, owner } = await newTenant();
    await parts.tenants.update(owner, { postalAddress: '1 High Street' }, undefined);
    const entry = await database.db.inTenant(tenantId, (tx) =>
      row(tx, `SELECT * FROM audit_log WHERE tenant_id = $1 AND action = 'tenant.updated'`, [tenantId]),
    );
    expect(entry).toMatchObject({
      actor_type: 'api_key',
      actor_id: owner.actor.id,
      entity_id: tenantId,
      before: { postalAddress: null },
      after: { postalAddress: '1 High Street' },
    });
    const failed = database.db.inTenant(tenantId, async (tx) => {
      await parts.audit.record(tx, owner, { action: 'never.happened', entityType: 'tenant', entityId: tenantId });
      throw new Error('rolled back');
    });
    await expect(failed).rejects.toThrow('rolled back');
    const ghost = await database.db.inTenant(tenantId, (tx) =>
      row(tx, `SELECT 1 FROM audit_log WHERE tenant_id = $1 AND action = 'never.happened'`, [tenantId]),
    );
    expect(ghost).toBeNull();
  });

  describe('idempotency keys', () => {
    const request = (tenantId: string, hash = 'a', leaseSeconds = 60) => ({
      tenantId,
      key: 'k',
      operation: 'POST /api/x',
      requestHash: Buffer.from(hash),
      leaseSeconds,
    });

    it('of a process that died are taken over after their lease, by the same request only', async () => {
      const { tenantId } = await newTenant();
      expect(await parts.idempotency.begin(request(tenantId, 'a', 0))).toBeNull();
      await expect(parts.idempotency.begin(request(tenantId, 'b'))).rejects.toMatchObject({ code: 'idempotency_key_reused' });
      expect(await parts.idempotency.begin(request(tenantId))).toBeNull();
      await expect(parts.idempotency.begin(request(tenantId))).rejects.toMatchObject({ code: 'idempotency_in_progress' });
    });

    it('are forgotten after a day, by the next request and by the clean-up', async () => {
      const { tenantId } = await newTenant();
      const age = () =>
        database.db.inTenant(tenantId, (tx) =>
          affected(tx, `UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE tenant_id = $1`, [tenantId]),
        );
      await parts.idempotency.begin(request(tenantId));
      await parts.idempotency.finish(request(tenantId), { status: 201, body: { id: 1 } });
      expect(await parts.idempotency.begin(request(tenantId))).toEqual({ status: 201, body: { id: 1 } });
      await age();
      expect(await parts.idempotency.begin(request(tenantId, 'other'))).toBeNull();
      await age();
      expect(await parts.idempotency.deleteExpired(1)).toBeGreaterThanOrEqual(1);
      const left = await database.db.inTenant(tenantId, (tx) =>
        rows(tx, 'SELECT 1 FROM idempotency_keys WHERE tenant_id = $1', [tenantId]),
      );
      expect(left).toEqual([]);
    });
  });

  describe('the first start', () => {
    it('of an embedded database makes the demo tenant once, with a key only its owner can read', async () => {
      const fresh = await openTestDatabase();
      const dataDir = await mkdtemp(join(tmpdir(), 'campaign-engine-demo-'));
      try {
        await writeFile(join(dataDir, 'api-key'), 'left over', { mode: 0o644 });
        const config = withDatabase(loadConfig({ DATA_DIR: dataDir, APP_SECRET: 'a-secret-of-the-tests-32-characters' }), {
          url: fresh.url,
        });
        const { tenants, verifier } = assemble(fresh, clock);
        const demo = new DemoBootstrap(config, fresh.db, tenants);
        const made = (await Promise.all([demo.run(), demo.run(), demo.run()])).filter((result) => result !== null);
        expect(made).toHaveLength(1);
        expect((await readFile(made[0].path, 'utf8')).trim()).toBe(made[0].apiKey);
        expect((await stat(made[0].path)).mode & 0o777).toBe(0o600);
        expect(await verifier.verify(made[0].apiKey)).toMatchObject({ roles: ['owner'] });
        expect(await demo.run()).toBeNull();
        expect(
          await fresh.db.asSystem((tx) => rows(tx, 'SELECT name, timezone, postal_address IS NOT NULL AS "hasAddress" FROM tenants')),
        ).toEqual([{ name: 'Demo', timezone: 'UTC', hasAddress: true }]);
      } finally {
        await fresh.drop();
        await rm(dataDir, { recursive: true });
      }
    });

    it('of an external database makes nothing', async () => {
      const fresh = await openTestDatabase();
      try {
        const config = loadConfig({ DATABASE_URL: fresh.url, DATA_DIR: '/nonexistent', APP_SECRET: 'a-secret-of-the-tests-32-characters' });
        const { tenants } = assemble(fresh, clock);
        expect(await new DemoBootstrap(config, fresh.db, tenants).run()).toBeNull();
        expect(await tenants.isEmpty()).toBe(true);
      } finally {
        await fresh.drop();
      }
    });
  });
});

async function waitingForLocks(tx: Tx): Promise<number> {
  // Within a transaction the view stands still unless told otherwise.
  await rows(tx, 'SELECT pg_stat_clear_snapshot()');
  return (await rows(tx, `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)).length;
}

function assemble({ db }: OpenTestDatabase, clock: FakeClock) {
  const ids = new SystemIds();
  const keyQueries = new ApiKeysQueries();
  const userQueries = new UsersQueries();
  const workspaceQueries = new WorkspacesQueries();
  const audit = new AuditService(new AuditQueries(), clock, ids, db);
  const verifier = new ApiKeyVerifier(db, keyQueries, clock);
  const keys = new ApiKeysService(db, keyQueries, userQueries, workspaceQueries, verifier, audit, clock, ids);
  return {
    audit,
    verifier,
    keys,
    tenants: new TenantsService(db, new TenantsQueries(), userQueries, workspaceQueries, keys, audit, ids),
    users: new UsersService(db, userQueries, audit, verifier, clock, ids),
    workspaces: new WorkspacesService(db, workspaceQueries, audit, ids),
    idempotency: new IdempotencyService(db, new IdempotencyQueries()),
  };
}
