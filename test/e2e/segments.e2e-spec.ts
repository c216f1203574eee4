import { Database, rows } from '../../src/database/index.js';
import { SegmentsModule } from '../../src/modules/segments/index.js';
import { type HttpApp, startHttpApp } from '../support/http-app.js';

const UNKNOWN = '0190a0b1-0000-7000-8000-00000000dead';
const VIP = { type: 'tag', tag: 'vip' };

function nested(levels: number): unknown {
  return levels === 1 ? VIP : { all: [nested(levels - 1)] };
}

describe('segments over HTTP', () => {
  let http: HttpApp;
  let key: string;
  let tenantId: string;

  beforeAll(async () => {
    http = await startHttpApp([SegmentsModule]);
    ({ key, tenantId } = await http.createTenant());
  });
  afterAll(() => http.close());

  const create = (body: unknown, as = key) => http.call('POST /api/segments', { key: as, body });

  it('are created, read, changed, listed and deleted', async () => {
    const created = await create({ name: 'VIPs', type: 'dynamic', rules: { all: [VIP] } });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      id: expect.any(String),
      name: 'VIPs',
      type: 'dynamic',
      rules: { all: [VIP] },
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
    const { id } = created.body as { id: string };
    const read = await http.call(`GET /api/segments/${id}`, { key });
    expect([read.status, read.body]).toEqual([200, created.body]);
    const { etag } = read.headers;
    const changed = await http.call(`PATCH /api/segments/${id}`, { key, body: { name: 'Best' }, headers: { 'if-match': etag } });
    expect([changed.status, changed.body.name, changed.body.rules]).toEqual([200, 'Best', { all: [VIP] }]);
    const stale = await http.call(`PATCH /api/segments/${id}`, { key, body: { name: 'Worse' }, headers: { 'if-match': etag } });
    expect(stale.status).toBe(412);
    const listed = await http.call('GET /api/segments?q=BES&type=dynamic', { key });
    expect([listed.status, listed.body]).toEqual([200, { data: [changed.body], nextCursor: null }]);
    expect((await http.call('GET /api/segments?type=static', { key })).body.data).toEqual([]);
    expect((await http.call(`DELETE /api/segments/${id}`, { key })).status).toBe(204);
    expect((await http.call(`GET /api/segments/${id}`, { key })).status).toBe(404);
  });

  it.each<[string, Record<string, unknown>, number, string]>([
    ['no rules', { type: 'dynamic' }, 400, 'rules'],
    ['rules for a list', { type: 'static', rules: { all: [] } }, 400, 'rules'],
    ['a list as rules', { type: 'dynamic', rules: [VIP] }, 400, 'rules'],
    ['a text as rules', { type: 'dynamic', rules: 'true' }, 400, 'rules'],
    ['an unknown operator', { type: 'dynamic', rules: { any: [VIP, { type: 'contact_attribute', attribute: 'a', operator: '~', value: 'x' }] } }, 400, 'rules.any[1].operator'],
    ['an unknown field of a rule', { type: 'dynamic', rules: { ...VIP, sql: '1=1' } }, 400, 'rules.sql'],
    ['51 parts', { type: 'dynamic', rules: { all: Array(50).fill(VIP) } }, 400, 'rules'],
    ['six levels', { type: 'dynamic', rules: nested(6) }, 400, 'rules.all[0].all[0].all[0].all[0].all[0]'],
    ['forty levels', { type: 'dynamic', rules: nested(40) }, 400, 'rules'],
    ['another tenant as owner', { type: 'static', tenantId: UNKNOWN }, 400, 'tenantId'],
    ['an unknown type', { type: 'smart' }, 400, 'type'],
    ['a blank name', { type: 'static', name: ' ' }, 400, 'name'],
    ['a name of 256 characters', { type: 'static', name: 'x'.repeat(256) }, 400, 'name'],
    ['a segment that is not there', { type: 'dynamic', rules: { not: { type: 'segment', segmentId: UNKNOWN } } }, 422, 'rules.not.segmentId'],
  ])('are refused with %s, where it is wrong', async (_, body, status, path) => {
    const refused = await create({ name: 'X', ...body });
    expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect({ status: refused.status, path: refused.body.errors[0].path.slice(0, path.length) }).toEqual({ status, path });
  }); // prettier-ignore

  it('do not exist for another tenant', async () => {
    const { key: theirs } = await http.createTenant('Others');
    const { id } = (await create({ name: 'Mine', type: 'static' })).body as { id: string };
    const routes = [`GET /api/segments/${id}`, `PATCH /api/segments/${id}`, `DELETE /api/segments/${id}`, `GET /api/segments/${id}/contacts`, `POST /api/segments/${id}/members`, `DELETE /api/segments/${id}/members`]; // prettier-ignore
    for (const route of routes) {
      const body = route.includes('members') ? { contactIds: [UNKNOWN] } : route.startsWith('PATCH') ? { name: 'Theirs' } : undefined;
      expect([route, (await http.call(route, { key: theirs, body })).status]).toEqual([route, 404]);
    }
    expect((await create({ name: 'X', type: 'dynamic', rules: { type: 'segment', segmentId: id } }, theirs)).status).toBe(422);
    expect((await http.call('GET /api/segments', { key: theirs })).body.data).toEqual([]);
  });

  it('show contacts only to whom may see contacts', async () => {
    const viewer = await http.createKey(tenantId, 'viewer');
    const { id } = (await create({ name: 'L', type: 'static' })).body as { id: string };
    expect((await http.call(`GET /api/segments/${id}`, { key: viewer })).status).toBe(200);
    expect((await http.call(`GET /api/segments/${id}/contacts`, { key: viewer })).status).toBe(403);
    expect((await http.call('POST /api/segments/preview', { key: viewer, body: { rules: VIP } })).status).toBe(403);
    expect((await create({ name: 'X', type: 'static' }, viewer)).status).toBe(403);
  });

  it('are previewed, with sizes and rules checked', async () => {
    const preview = (body: unknown) => http.call('POST /api/segments/preview', { key, body });
    expect(await preview({ rules: VIP })).toMatchObject({ status: 200, body: { count: 0, subscribedCount: 0, sample: [] } });
    expect((await preview({ rules: VIP, sampleSize: 21 })).body.errors[0].path).toBe('sampleSize');
    expect((await preview({ rules: { type: 'tag' } })).body.errors[0].path).toBe('rules.tag');
    expect((await preview({})).status).toBe(400);
  });

  it('forget a contact who is erased', async () => {
    const { id } = (await create({ name: 'L', type: 'static' })).body as { id: string };
    const contact = (await http.call('POST /api/contacts', { key, body: { email: 'gone@example.com', tags: ['vip'] } })).body as {
      id: string;
    };
    const members = { key, body: { contactIds: [contact.id] } };
    expect((await http.call(`POST /api/segments/${id}/members`, members)).body).toEqual({ added: 1 });
    const [listed] = (await http.call(`GET /api/segments/${id}/contacts`, { key })).body.data as unknown[];
    expect(listed).toMatchObject({ id: contact.id, email: 'gone@example.com', tags: ['vip'], subscribed: true });
    expect((await http.call(`DELETE /api/contacts/${contact.id}`, { key })).status).toBe(204);
    expect((await http.call(`GET /api/segments/${id}/contacts`, { key })).body.data).toEqual([]);
    const kept = await http.app
      .get(Database)
      .inTenant(tenantId, (tx) => rows(tx, 'SELECT 1 FROM segment_members WHERE contact_id = $1', [contact.id]));
    expect(kept).toEqual([]);
  });

  it('take 1,000 members at most in one call, and only ids', async () => {
    const { id } = (await create({ name: 'L', type: 'static' })).body as { id: string };
    const members = (contactIds: unknown) => http.call(`POST /api/segments/${id}/members`, { key, body: { contactIds } });
    expect((await members(Array(1001).fill(UNKNOWN))).status).toBe(400);
    expect((await members([])).status).toBe(400);
    expect((await members(['1; DROP TABLE contacts'])).status).toBe(400);
    const unknown = await members([UNKNOWN]);
    expect([unknown.status, unknown.body.errors]).toEqual([422, [expect.objectContaining({ path: 'contactIds[0]' })]]);
    expect((await http.call('GET /api/segments/not-an-id', { key })).status).toBe(400);
    expect((await http.call(`GET /api/segments/${id}/contacts?cursor=forged`, { key })).status).toBe(400);
  });
});
