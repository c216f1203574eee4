import { randomBytes } from 'node:crypto';
import { Controller, Get } from '@nestjs/common';
import { MetadataScanner, ModulesContainer, Reflector } from '@nestjs/core';
import { PUBLIC, RouteTable } from '../../src/http/index.js';
import { ROLES, type Role } from '../../src/modules/identity/index.js';
import { newApiKey, parseApiKey } from '../../src/modules/identity/domain/api-key-format.js';
import { FakeClock } from '../support/fake-clock.js';
import { type HttpApp, startHttpApp } from '../support/http-app.js';

/** A route whose author forgot to say who may call it. */
@Controller('api/forgotten')
class ForgottenController {
  @Get()
  list() {
    return [];
  }
}

describe('access to the API', () => {
  const clock = new FakeClock();
  let http: HttpApp;
  let tenantId: string;
  let key: string;
  beforeAll(async () => {
    http = await startHttpApp([], { clock, controllers: [ForgottenController] });
    ({ tenantId, key } = await http.createTenant());
  });
  afterAll(() => http.close());

  const me = (given?: string, headers?: Record<string, string>) => http.call('GET /api/me', { key: given, headers });

  it('is refused on every route that does not say otherwise, so that a forgotten decorator is not an open door', async () => {
    const open = openRoutes(http);
    const served = http.app
      .get(RouteTable)
      .list()
      .filter((route) => !/ \/(docs|openapi\.json|$)/.test(route));
    expect(served.length).toBeGreaterThan(10);
    const uuid = '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';
    for (const route of served) {
      const { status } = await http.call(route.replace(/:\w+/g, uuid));
      if (open.has(route.replace(/^HEAD /, 'GET '))) expect([route, status]).not.toEqual([route, 401]);
      else expect([route, status]).toEqual([route, 401]);
    }
    expect([...open].sort()).toEqual(['GET /health/live', 'GET /health/ready', 'GET /metrics']);
  });

  it('is refused even to the owner where the route names no permission', async () => {
    const { status, body } = await http.call('GET /api/forgotten', { key });
    expect([status, body.code]).toEqual([403, 'permission_denied']);
  });

  it.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['a scheme without a token', 'Bearer'],
    ['two tokens', 'Bearer a b'],
    ['a token that is no key', 'Bearer nonsense'],
    ['a token beyond any size', `Bearer ${'a'.repeat(5000)}`],
    ['a NUL in disguise', 'Bearer ce_%00'],
  ])('is refused for %s: 401 with a challenge', async (_, authorization) => {
    const { status, headers, body } = await me(undefined, authorization === undefined ? {} : { authorization });
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toMatch(/^Bearer/);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(body).toMatchObject({ status: 401, code: 'unauthenticated', type: 'urn:campaign-engine:problem:unauthenticated' });
  });

  it('is refused for a key that is not ours, is altered, or names another tenant', async () => {
    const other = await http.createTenant('Another');
    const { keyId } = parseApiKey(key)!;
    const secretOf = (given: string) => given.split('_').slice(2).join('_');
    const forged = [
      newApiKey({ tenantId, keyId }),
      newApiKey({ tenantId: '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10', keyId }),
      newApiKey({ tenantId: other.tenantId, keyId }).replace(/_[^_]*$/, `_${secretOf(key)}`),
      `${key}A`,
      key.slice(0, -1),
      `ce_${randomBytes(32).toString('base64url')}_${randomBytes(32).toString('base64url')}`,
      key.toUpperCase(),
    ];
    for (const candidate of forged) expect((await me(candidate)).status).toBe(401);
    expect((await me(key)).status).toBe(200);
  });

  it('ends when a key is revoked, and revoking twice is fine', async () => {
    const victim = await http.createKey(tenantId, 'viewer');
    expect((await me(victim)).status).toBe(200);
    const { keyId } = parseApiKey(victim)!;
    expect((await http.call(`DELETE /api/api-keys/${keyId}`, { key })).status).toBe(204);
    expect((await me(victim)).status).toBe(401);
    expect((await http.call(`DELETE /api/api-keys/${keyId}`, { key })).status).toBe(204);
  });

  it('ends when a key expires, though it was remembered a moment before', async () => {
    const expiresAt = new Date(clock.now().getTime() + 60_000).toISOString();
    const { body } = await http.call('POST /api/api-keys', { key, body: { name: 'Short', roles: ['viewer'], expiresAt } });
    expect((await me(body.key)).status).toBe(200);
    clock.advance({ seconds: 61 });
    expect((await me(body.key)).status).toBe(401);
  });

  it('ends when the user behind a key is disabled, and comes back with them', async () => {
    const user = await http.call('POST /api/users', { key, body: { email: 'leaver@example.com', name: 'Leaver', role: 'analyst' } });
    const issued = await http.call('POST /api/api-keys', { key, body: { name: 'Theirs', roles: ['analyst'], userId: user.body.id } });
    expect((await me(issued.body.key)).body).toMatchObject({ userId: user.body.id, roles: ['analyst'] });
    await http.call(`PATCH /api/users/${user.body.id}`, { key, body: { disabled: true } });
    expect((await me(issued.body.key)).status).toBe(401);
    await http.call(`PATCH /api/users/${user.body.id}`, { key, body: { disabled: false } });
    expect((await me(issued.body.key)).status).toBe(200);
  });

  it('follows the roles: everybody may ask who they are, only owners and admins manage', async () => {
    const managers: Role[] = [];
    for (const role of ROLES) {
      const own = await http.createKey(tenantId, role);
      const { status, body } = await me(own);
      expect([role, status, body.roles, body.tenantId]).toEqual([role, 200, [role], tenantId]);
      const attempt = await http.call('POST /api/workspaces', { key: own, body: { name: `By ${role}` } });
      if (attempt.status === 201) managers.push(role);
      else expect(attempt.body).toMatchObject({ status: 403, code: 'permission_denied', requiredPermission: 'workspaces:manage' });
    }
    expect(managers).toEqual(['owner', 'admin']);
  });

  it('does not let anybody hand out more than they have', async () => {
    const admin = await http.createKey(tenantId, 'admin');
    const keyAttempt = await http.call('POST /api/api-keys', { key: admin, body: { name: 'Up', roles: ['viewer', 'owner'] } });
    expect(keyAttempt).toMatchObject({ status: 403, body: { code: 'role_not_grantable', errors: [{ path: 'roles[1]' }] } });
    const userAttempt = await http.call('POST /api/users', { key: admin, body: { email: 'up@example.com', name: 'Up', role: 'owner' } });
    expect(userAttempt.status).toBe(403);
    // In the name of an owner they could approve what an owner must.
    const boss = await http.call('POST /api/users', { key, body: { email: 'boss@example.com', name: 'Boss', role: 'owner' } });
    const theirs = { name: 'Theirs', roles: ['viewer'], userId: boss.body.id };
    const refused = { status: 403, body: { code: 'role_not_grantable', errors: [{ path: 'userId' }] } };
    expect(await http.call('POST /api/api-keys', { key: admin, body: theirs })).toMatchObject(refused);
    const issued = await http.call('POST /api/api-keys', { key, body: theirs });
    expect(await http.call(`POST /api/api-keys/${issued.body.id}/rotate`, { key: admin, body: {} })).toMatchObject(refused);
    const { body } = await http.call('GET /api/audit-log?action=api_key.created&limit=1', { key });
    expect(body.data[0].after).toMatchObject({ name: 'Theirs', userId: boss.body.id });
  });

  it('never shows what belongs to another tenant', async () => {
    const other = await http.createTenant('Stranger');
    const user = await http.call('POST /api/users', { key, body: { email: 'mine@example.com', name: 'Mine', role: 'viewer' } });
    const apiKey = parseApiKey(await http.createKey(tenantId, 'viewer'))!.keyId;
    const foreign = { key: other.key };
    expect((await http.call(`GET /api/users/${user.body.id}`, foreign)).status).toBe(404);
    expect((await http.call(`PATCH /api/users/${user.body.id}`, { ...foreign, body: { name: 'Stolen' } })).status).toBe(404);
    expect((await http.call(`GET /api/api-keys/${apiKey}`, foreign)).status).toBe(404);
    expect((await http.call(`DELETE /api/api-keys/${apiKey}`, foreign)).status).toBe(404);
    const reference = await http.call('POST /api/api-keys', { ...foreign, body: { name: 'X', roles: ['viewer'], userId: user.body.id } });
    expect(reference).toMatchObject({ status: 422, body: { errors: [{ path: 'userId' }] } });
    const { body } = await http.call('GET /api/users', foreign);
    expect(body.data.map((row: { email: string }) => row.email)).toEqual(['owner@example.com']);
  });
});

/** The routes marked `@Public()`, as `GET /health/live`. */
function openRoutes({ app }: HttpApp): Set<string> {
  const reflector = app.get(Reflector);
  const scanner = new MetadataScanner();
  const open = new Set<string>();
  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];
  for (const module of app.get(ModulesContainer).values()) {
    for (const { metatype, instance } of module.controllers.values()) {
      const prototype = Object.getPrototypeOf(instance) as Record<string, () => unknown>;
      for (const name of scanner.getAllMethodNames(prototype)) {
        const handler = prototype[name];
        if (!metatype || !reflector.getAllAndOverride<boolean>(PUBLIC, [handler, metatype])) continue;
        const [prefix, path] = [metatype, handler].map((target) => String(Reflect.getMetadata('path', target) ?? ''));
        const url = `/${prefix}/${path}`.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '');
        open.add(`${methods[Reflect.getMetadata('method', handler) as number]} ${url}`);
      }
    }
  }
  return open;
}
