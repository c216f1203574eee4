import { ContactsModule } from '../../src/modules/contacts/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { type Answer, type HttpApp, startHttpApp } from '../support/http-app.js';

describe('contacts over HTTP', () => {
  const clock = new FakeClock();
  let http: HttpApp;
  let key: string;
  beforeAll(async () => {
    http = await startHttpApp([ContactsModule], { clock });
  });
  beforeEach(async () => {
    ({ key } = await http.createTenant());
  });
  afterAll(() => http.close());

  const call = (route: string, body?: unknown, headers?: Record<string, string>) => http.call(route, { key, body, headers });
  const create = async (body: object): Promise<string> => {
    const answer = await call('POST /api/contacts', body);
    expect([answer.status, answer.body]).toEqual([201, expect.objectContaining({ id: expect.any(String) })]);
    return answer.body.id;
  };
  const refusal = ({ status, body }: Answer) => [status, body.code, body.errors?.map((fault: { path: string }) => fault.path)];

  it('keeps what it was told about a person, and tells it again', async () => {
    const person = {
      email: 'Ada@Example.com',
      firstName: 'Ada',
      lastName: 'Lovelace',
      timezone: 'Asia/Kolkata',
      leadScore: -5,
      attributes: { plan: 'pro', seats: 12, beta: true, interests: ['maths', 1843] },
      tags: ['vip', 'beta'],
    };
    const id = await create(person);
    const { status, body, headers } = await call(`GET /api/contacts/${id}`);
    expect(status).toBe(200);
    expect(body).toEqual({
      ...person,
      id,
      tags: ['beta', 'vip'],
      subscribed: true,
      unsubscribedAt: null,
      unsubscribeReason: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(headers.etag).toMatch(/^".+"$/);
  });

  it('has one contact per address, whatever its case, and names the one that is there', async () => {
    const id = await create({ email: 'ada@example.com' });
    const other = await create({ email: 'grace@example.com' });
    const again = await call('POST /api/contacts', { email: 'ADA@example.com' });
    expect([again.status, again.body.code, again.body.existingId]).toEqual([409, 'contact_exists', id]);
    const renamed = await call(`PATCH /api/contacts/${other}`, { email: 'Ada@Example.Com' });
    expect([renamed.status, renamed.body.code, renamed.body.existingId]).toEqual([409, 'contact_exists', id]);
    expect((await call(`PATCH /api/contacts/${id}`, { email: 'ADA@EXAMPLE.COM' })).body.email).toBe('ADA@EXAMPLE.COM');
  });

  it('creates one contact when the same address comes twenty times at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => call('POST /api/contacts', { email: i % 2 ? 'a@example.com' : 'A@example.com' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(19).fill(409)]);
  });

  it('changes only what a PATCH names: attributes are merged, null takes away, tags are replaced', async () => {
    const id = await create({ email: 'a@example.com', firstName: 'A', attributes: { plan: 'pro', seats: 1 }, tags: ['x', 'y'] });
    const patched = await call(`PATCH /api/contacts/${id}`, {
      firstName: null,
      attributes: { seats: null, city: 'Bern' },
      tags: ['y', 'z'],
    });
    expect(patched.body).toMatchObject({ firstName: null, attributes: { plan: 'pro', city: 'Bern' }, tags: ['y', 'z'] });
    expect(Object.keys(patched.body.attributes)).toHaveLength(2);
    expect((await call(`POST /api/contacts/${id}/tags`, { tags: ['y', 'new'] })).body.tags).toEqual(['new', 'y', 'z']);
    expect((await call(`DELETE /api/contacts/${id}/tags/y`)).body.tags).toEqual(['new', 'z']);
    expect((await call(`DELETE /api/contacts/${id}/tags/y`)).status).toBe(200);
  });

  it('refuses a change made from a state that is no more', async () => {
    const id = await create({ email: 'a@example.com' });
    const { headers } = await call(`GET /api/contacts/${id}`);
    expect((await call(`PATCH /api/contacts/${id}`, { tags: ['x'] }, { 'if-match': headers.etag })).status).toBe(200);
    expect((await call(`PATCH /api/contacts/${id}`, { firstName: 'B' }, { 'if-match': headers.etag })).status).toBe(412);
  });

  it.each([
    [{}, ['email']],
    [{ email: 'a@example.com, b@example.com' }, ['email']],
    [{ email: 'Ada <a@example.com>' }, ['email']],
    [{ email: 'a@localhost' }, ['email']],
    [{ email: `${'a'.repeat(250)}@example.com` }, ['email']],
    [{ email: 'a@example.com\r\nBcc: b@example.com' }, ['email']],
    [{ email: 'erased-1@erased.invalid' }, ['email']],
    [{ email: 'a@example.com', firstName: 'A\nB' }, ['firstName']],
    [{ email: 'a@example.com', firstName: ' ' }, ['firstName']],
    [{ email: 'a@example.com', lastName: 'x'.repeat(256) }, ['lastName']],
    [{ email: 'a@example.com', timezone: 'Mars/Olympus' }, ['timezone']],
    [{ email: 'a@example.com', timezone: '+01:00' }, ['timezone']],
    [{ email: 'a@example.com', leadScore: 1.5 }, ['leadScore']],
    [{ email: 'a@example.com', leadScore: 2 ** 31 }, ['leadScore']],
    [{ email: 'a@example.com', attributes: [] }, ['attributes']],
    [{ email: 'a@example.com', attributes: { plan: { deep: 1 } } }, ['attributes']],
    [{ email: 'a@example.com', attributes: { email: 'x' } }, ['attributes']],
    [{ email: 'a@example.com', attributes: { '': 'x' } }, ['attributes']],
    [{ email: 'a@example.com', attributes: { big: 'x'.repeat(10_240) } }, ['attributes']],
    [{ email: 'a@example.com', attributes: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`a${i}`, 1])) }, ['attributes']],
    [{ email: 'a@example.com', tags: ['x', ' '] }, ['tags']],
    [{ email: 'a@example.com', tags: ['x'.repeat(101)] }, ['tags']],
    [{ email: 'a@example.com', tags: 'vip' }, ['tags']],
    [{ email: 'a@example.com', tenantId: '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10' }, ['tenantId']],
    [{ email: 'a@example.com', deletedAt: null }, ['deletedAt']],
  ])('refuses what no contact can have and says where the fault is: %#', async (body, paths) => {
    const answer = await call('POST /api/contacts', body);
    expect([answer.status, answer.body.errors?.map(({ path }: { path: string }) => path)]).toEqual([400, paths]);
    expect((await call('GET /api/contacts')).body.data).toEqual([]);
  });

  it('keeps the number of attributes within bounds also across changes', async () => {
    const hundred = (prefix: string) => Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`${prefix}${i}`, i]));
    const id = await create({ email: 'a@example.com', attributes: hundred('a') });
    expect(refusal(await call(`PATCH /api/contacts/${id}`, { attributes: hundred('b') }))).toEqual([
      400,
      'invalid_contact',
      ['attributes'],
    ]);
  });

  it('is found by address, tag, consent and the beginning of its address or name', async () => {
    await create({ email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace', tags: ['vip'] });
    await create({ email: 'grace@example.com', firstName: 'Grace', lastName: 'Hopper' });
    await create({ email: 'no@example.com', subscribed: false });
    const found = async (query: string) =>
      (await call(`GET /api/contacts?${query}`)).body.data.map(({ email }: { email: string }) => email.split('@')[0]);
    expect(await found('')).toEqual(['no', 'grace', 'ada']);
    expect(await found('email=ADA@example.com')).toEqual(['ada']);
    expect(await found('tag=vip')).toEqual(['ada']);
    expect(await found('tag=VIP')).toEqual([]);
    expect(await found('subscribed=false')).toEqual(['no']);
    expect(await found('subscribed=true&q=g')).toEqual(['grace']);
    expect(await found('q=LOVE')).toEqual(['ada']);
    expect(await found('q=Grace%20Ho')).toEqual(['grace']);
    expect(await found('q=%25')).toEqual([]);
    expect((await call('GET /api/contacts?subscribed=maybe')).status).toBe(400);
    expect((await call('GET /api/contacts?sort=email;drop')).status).toBe(400);
  });

  it('is paged without gaps or repeats while others are created', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) ids.push(await create({ email: `c${i}@example.com` }));
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body }: Answer = await call(`GET /api/contacts?limit=3${cursor ? `&cursor=${cursor}` : ''}`);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
      await create({ email: `late${seen.length}@example.com` });
    }
    expect(seen).toEqual(ids.reverse());
    expect((await call('GET /api/contacts?cursor=nonsense')).status).toBe(400);
  });

  it('stays unsubscribed once unsubscribed, with the first reason, until it asks to be subscribed again', async () => {
    const id = await create({ email: 'a@example.com' });
    const first = await call(`POST /api/contacts/${id}/unsubscribe`, { reason: 'asked by phone' });
    expect(first.body).toMatchObject({ subscribed: false, unsubscribeReason: 'asked by phone' });
    expect((await call(`POST /api/contacts/${id}/unsubscribe`)).body).toEqual(first.body);
    expect((await call(`PATCH /api/contacts/${id}`, { subscribed: true })).body).toMatchObject({ subscribed: true, unsubscribedAt: null });
    expect((await call(`PATCH /api/contacts/${id}`, { subscribed: false })).body).toMatchObject({ subscribed: false });
  });

  it('once erased is gone for good, and its address comes back only unsubscribed', async () => {
    const id = await create({ email: 'a@example.com', firstName: 'A', tags: ['x'] });
    expect((await call(`DELETE /api/contacts/${id}`)).status).toBe(204);
    for (const route of [
      'GET /api/contacts/ID',
      'PATCH /api/contacts/ID',
      'DELETE /api/contacts/ID',
      'POST /api/contacts/ID/unsubscribe',
    ]) {
      const answer = await call(route.replace('ID', id), route.startsWith('GET') || route.startsWith('DELETE') ? undefined : {});
      expect([route, answer.status]).toEqual([route, 404]);
    }
    expect((await call('GET /api/contacts')).body.data).toEqual([]);
    const again = await create({ email: 'A@example.com' });
    expect(again).not.toBe(id);
    expect((await call(`GET /api/contacts/${again}`)).body).toMatchObject({ subscribed: false, tags: [], firstName: null });
    const resubscribed = await call(`PATCH /api/contacts/${again}`, { subscribed: true });
    expect([resubscribed.status, resubscribed.body.suppressionReason]).toEqual([409, 'erased']);
  });

  it("does not exist for another tenant, and another tenant's address is no conflict", async () => {
    const id = await create({ email: 'a@example.com' });
    const other = await http.createTenant('Other');
    const theirs = (route: string, body?: unknown) => http.call(route, { key: other.key, body });
    for (const [route, body] of [
      [`GET /api/contacts/${id}`],
      [`PATCH /api/contacts/${id}`, { firstName: 'X' }],
      [`DELETE /api/contacts/${id}`],
      [`POST /api/contacts/${id}/unsubscribe`, {}],
      [`POST /api/contacts/${id}/tags`, { tags: ['x'] }],
      [`DELETE /api/contacts/${id}/tags/x`],
    ] as const) {
      expect([route, (await theirs(route, body)).status]).toEqual([route, 404]);
    }
    expect((await theirs('POST /api/contacts', { email: 'a@example.com' })).status).toBe(201);
    expect((await theirs('GET /api/contacts')).body.data).toHaveLength(1);
    expect((await call(`GET /api/contacts/${id}`)).body).toMatchObject({ firstName: null, subscribed: true, tags: [] });
  });

  it('is read by analysts and written by campaign managers, and seen by nobody else', async () => {
    const { tenantId } = await http.createTenant();
    const as = async (role: 'viewer' | 'analyst' | 'campaign_manager', route: string, body?: unknown) =>
      (await http.call(route, { key: await http.createKey(tenantId, role), body })).status;
    expect(await as('viewer', 'GET /api/contacts')).toBe(403);
    expect(await as('analyst', 'GET /api/contacts')).toBe(200);
    expect(await as('analyst', 'POST /api/contacts', { email: 'a@example.com' })).toBe(403);
    expect(await as('campaign_manager', 'POST /api/contacts', { email: 'a@example.com' })).toBe(201);
  });

  it('answers every malformed request with a problem, never an error of ours', async () => {
    const id = await create({ email: 'a@example.com' });
    for (const [route, body, status] of [
      ['GET /api/contacts/nonsense', undefined, 400],
      ['GET /api/contacts?limit=0', undefined, 400],
      ['GET /api/contacts?email=%00', undefined, 400],
      ['GET /api/contacts?tag=a&tag=b', undefined, 400],
      [`POST /api/contacts/${id}/tags`, {}, 400],
      [`POST /api/contacts/${id}/tags`, { tags: [1] }, 400],
      [`POST /api/contacts/${id}/unsubscribe`, { reason: 5 }, 400],
      [`PATCH /api/contacts/${id}`, { email: null }, 400],
      [`PATCH /api/contacts/${id}`, { subscribed: 'yes' }, 400],
      [`PATCH /api/contacts/${id}`, { attributes: null }, 400],
      [`PATCH /api/contacts/${id}`, [], 400],
      [`DELETE /api/contacts/${id}/tags/%00`, undefined, 400],
    ] as const) {
      expect([route, body, (await call(route, body)).status]).toEqual([route, body, status]);
    }
  });
});
