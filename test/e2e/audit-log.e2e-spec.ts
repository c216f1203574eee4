import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { SignJWT } from 'jose';
import { Can, type Role } from '../../src/modules/identity/index.js';
import { parseApiKey } from '../../src/modules/identity/domain/api-key-format.js';
import { FakeClock } from '../support/fake-clock.js';
import { type HttpApp, startHttpApp } from '../support/http-app.js';

const JWT_SECRET = 'a secret of tests only, long enough for the check';
const ID = '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';

/** A route whose service tells the log nothing. */
@Controller('api/silent')
class SilentController {
  @Can('workspaces:manage')
  @Post(':id/poke')
  @HttpCode(204)
  poke(@Param('id') _id: string): void {}
}

interface Entry {
  actor: { type: string; id: string };
  action: string;
  entityType: string;
  entityId: string | null;
  before: unknown;
  after: Record<string, unknown> | null;
  ip: string | null;
  userAgent: string | null;
}

describe('who did what', () => {
  const clock = new FakeClock();
  let http: HttpApp;
  let tenantId: string;
  let key: string;

  beforeAll(async () => {
    const env = { JWT_SECRET, JWT_ISSUER: 'https://id.example', JWT_AUDIENCE: 'campaigns' };
    http = await startHttpApp([], { clock, controllers: [SilentController], env });
  });
  beforeEach(async () => {
    ({ tenantId, key } = await http.createTenant());
  });
  afterAll(() => http.close());

  const keyId = (given: string) => parseApiKey(given)!.keyId;
  const log = async (query = '', reader = key): Promise<Entry[]> => {
    const { status, body } = await http.call(`GET /api/audit-log${query}`, { key: reader });
    expect(status).toBe(200);
    return body.data;
  };

  async function user(role: Role, email = `${role}@example.com`): Promise<string> {
    return (await http.call('POST /api/users', { key, body: { email, name: role, role } })).body.id;
  }

  function token(claims: { sub: string; tenant?: string; email?: string; email_verified?: boolean }): Promise<string> {
    const now = Math.floor(clock.now().getTime() / 1000);
    const payload = { tenant: tenantId, ...claims, iss: 'https://id.example', aud: 'campaigns', iat: now, exp: now + 600 };
    return new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(JWT_SECRET));
  }

  it('stands in the log with what it was, what it became, and from where', async () => {
    const id = await user('analyst');
    const headers = { 'user-agent': 'the-test/1.0' };
    await http.call(`PATCH /api/users/${id}`, { key, body: { role: 'viewer' }, headers });
    const [changed] = await log('?action=user.updated');
    expect(changed).toMatchObject({
      actor: { type: 'api_key', id: keyId(key) },
      entityType: 'user',
      entityId: id,
      before: { role: 'analyst', disabledAt: null },
      after: { role: 'viewer', disabledAt: null },
      ip: '127.0.0.1',
      userAgent: 'the-test/1.0',
    });
  });

  it('is found by action, thing, person and time, page by page, the newest first, and only in its own tenant', async () => {
    const id = await user('analyst');
    clock.advance({ minutes: 5 });
    const since = clock.now().toISOString();
    await http.call('POST /api/workspaces', { key, body: { name: 'North' } });
    expect((await log()).map(({ action }) => action)).toEqual(['workspace.created', 'user.created', 'tenant.created', 'api_key.created']);
    const found = async (query: string) => (await log(query)).map(({ action }) => action);
    expect(await found('?action=user.*')).toEqual(['user.created']);
    expect(await found(`?entityId=${id}`)).toEqual(['user.created']);
    expect(await found('?entityType=workspace')).toEqual(['workspace.created']);
    expect(await found(`?actorId=${keyId(key)}`)).toEqual(['workspace.created', 'user.created']);
    expect(await found(`?from=${since}`)).toEqual(['workspace.created']);
    expect(await found(`?to=${since}`)).not.toContain('workspace.created');
    const first = await http.call('GET /api/audit-log?limit=3', { key });
    const second = await http.call(`GET /api/audit-log?limit=3&cursor=${first.body.nextCursor}`, { key });
    expect([first.body.data.length, second.body.data.length, second.body.nextCursor]).toEqual([3, 1, null]);
    expect(await log('?action=workspace.*', (await http.createTenant('Other')).key)).toEqual([]);
    expect((await http.call('GET /api/audit-log?action=%25', { key })).status).toBe(400);
  });

  it('is entered even where a service forgot to tell', async () => {
    expect((await http.call(`POST /api/silent/${ID}/poke`, { key })).status).toBe(204);
    expect(await log('?entityType=request')).toMatchObject([{ action: 'POST /api/silent/:id/poke', entityId: ID, ip: '127.0.0.1' }]);
  });

  it('shows who tried what they may not, once however often they try', async () => {
    const viewer = await http.createKey(tenantId, 'viewer');
    for (let i = 0; i < 3; i++) expect((await http.call('POST /api/users', { key: viewer, body: {} })).status).toBe(403);
    expect(await log('?action=access.denied')).toMatchObject([
      { actor: { id: keyId(viewer) }, after: { permission: 'users:manage', route: 'POST /api/users' } },
    ]);
    expect((await http.call('GET /api/audit-log', { key: viewer })).status).toBe(403);
    await log('', await http.createKey(tenantId, 'compliance_officer'));
  });

  it('knows people by their tokens: as the user, with the role that user has now', async () => {
    const id = await user('admin');
    const bearer = await token({ sub: id });
    const me = await http.call('GET /api/me', { key: bearer });
    expect(me.body).toMatchObject({ tenantId, userId: id, actor: { type: 'user', id }, roles: ['admin'] });
    await http.call('POST /api/workspaces', { key: bearer, body: { name: 'South' } });
    expect(await log('?action=workspace.created')).toMatchObject([{ actor: { type: 'user', id } }]);

    const byAddress = await token({ sub: 'idp|1', email: 'Admin@example.com', email_verified: true });
    expect((await http.call('GET /api/me', { key: byAddress })).body.userId).toBe(id);
    await http.call(`PATCH /api/users/${id}`, { key, body: { role: 'viewer' } });
    expect((await http.call('POST /api/workspaces', { key: bearer, body: { name: 'East' } })).status).toBe(403);
    await http.call(`PATCH /api/users/${id}`, { key, body: { disabled: true } });
    expect((await http.call('GET /api/me', { key: bearer })).status).toBe(401);
  });

  it('lets no token into a tenant its user is not of', async () => {
    const id = await user('admin');
    const other = await http.createTenant('Other');
    for (const claims of [
      { sub: id, tenant: other.tenantId },
      { sub: ID },
      { sub: 'idp|1', email: 'admin@example.com', email_verified: true, tenant: other.tenantId },
    ]) {
      expect((await http.call('GET /api/me', { key: await token(claims) })).status).toBe(401);
    }
  });

  describe('replacing a key', () => {
    it('leaves both working for a while, then the new one alone, and says so', async () => {
      const { body: old } = await http.call('POST /api/api-keys', { key, body: { name: 'CRM', roles: ['analyst'] } });
      const { status, body: fresh } = await http.call(`POST /api/api-keys/${old.id}/rotate`, { key, body: { overlapSeconds: 60 } });
      expect(status).toBe(201);
      expect(fresh).toMatchObject({ name: 'CRM', roles: ['analyst'], expiresAt: null });
      const works = async () => Promise.all([old.key, fresh.key].map(async (k) => (await http.call('GET /api/me', { key: k })).status));
      expect(await works()).toEqual([200, 200]);
      clock.advance({ seconds: 61 });
      expect(await works()).toEqual([401, 200]);
      expect(await log('?action=api_key.rotated')).toMatchObject([{ entityId: old.id, after: { replacedBy: fresh.id } }]);
      expect((await http.call(`POST /api/api-keys/${old.id}/rotate`, { key, body: {} })).body).toMatchObject({
        status: 409,
        code: 'api_key_ended',
      });
    });

    it('keeps the length of its life, and gives nobody more than they have', async () => {
      const expiresAt = new Date(clock.now().getTime() + 3_600_000).toISOString();
      const { body: old } = await http.call('POST /api/api-keys', { key, body: { name: 'Hourly', roles: ['owner'], expiresAt } });
      clock.advance({ minutes: 30 });
      const admin = await http.createKey(tenantId, 'admin');
      expect((await http.call(`POST /api/api-keys/${old.id}/rotate`, { key: admin, body: {} })).status).toBe(403);
      const { body: fresh } = await http.call(`POST /api/api-keys/${old.id}/rotate`, { key, body: { overlapSeconds: 0 } });
      expect(Math.abs(new Date(fresh.expiresAt).getTime() - clock.now().getTime() - 3_600_000)).toBeLessThan(60_000);
      expect((await http.call('GET /api/me', { key: old.key })).status).toBe(401);
      const other = await http.createTenant('Other');
      expect((await http.call(`POST /api/api-keys/${fresh.id}/rotate`, { key: other.key, body: {} })).status).toBe(404);
    });
  });
});
