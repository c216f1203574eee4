import { Database, rows } from '../../src/database/index.js';
import { TemplatesModule, TemplatesService } from '../../src/modules/templates/index.js';
import { type HttpApp, startHttpApp } from '../support/http-app.js';

const UNKNOWN = '0190a0b1-0000-7000-8000-00000000dead';
const HELLO = {
  name: 'Hello',
  subjectLine: 'Hi {{ contact.first_name }}',
  content: '<p>Hello {{ contact.first_name }}</p>',
  contentFormat: 'html',
};

describe('templates over HTTP', () => {
  let http: HttpApp;
  let key: string;
  let tenantId: string;

  beforeAll(async () => {
    http = await startHttpApp([TemplatesModule]);
    ({ key, tenantId } = await http.createTenant());
  });
  afterAll(() => http.close());

  const create = (body: unknown = HELLO, as = key) => http.call('POST /api/templates', { key: as, body });
  const newId = async () => ((await create()).body as { id: string }).id;
  const sql = <Row>(text: string, ...params: unknown[]) =>
    http.app.get(Database).inTenant(tenantId, (tx) => rows<Row>(tx, text, [tenantId, ...params]));
  const resolve = (id: string, version?: number) =>
    http.app.get(Database).inTenant(tenantId, (tx) => http.app.get(TemplatesService).resolve(tx, tenantId, id, version));

  it('keep every version of their content, and make none for the same content', async () => {
    const created = await create();
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ ...HELLO, currentVersion: 1 });
    const { id } = created.body as { id: string };
    const patch = (body: unknown, etag?: string) =>
      http.call(`PATCH /api/templates/${id}`, { key, body, headers: etag ? { 'if-match': etag } : {} });
    const renamed = await patch({ name: 'Hello again', content: HELLO.content }, created.headers.etag);
    expect(renamed.body).toMatchObject({ name: 'Hello again', currentVersion: 1 });
    expect((await patch({ content: '<p>Stale</p>' }, created.headers.etag)).status).toBe(412);
    const changed = await patch({ content: '<p>Bye</p>' }, renamed.headers.etag);
    expect(changed.body).toMatchObject({ currentVersion: 2, content: '<p>Bye</p>', subjectLine: HELLO.subjectLine });
    expect((await patch({ subjectLine: null })).body).toMatchObject({ currentVersion: 3, subjectLine: null });

    const read = await http.call(`GET /api/templates/${id}`, { key });
    expect(read.body).toMatchObject({ currentVersion: 3, content: '<p>Bye</p>' });
    const first = await http.call(`GET /api/templates/${id}/versions?limit=2`, { key });
    const second = await http.call(`GET /api/templates/${id}/versions?limit=2&cursor=${first.body.nextCursor}`, { key });
    expect([...first.body.data, ...second.body.data].map(({ version }: { version: number }) => version)).toEqual([3, 2, 1]);
    expect((await http.call(`GET /api/templates/${id}/versions/1`, { key })).body).toMatchObject({ version: 1, content: HELLO.content });
    expect((await http.call(`GET /api/templates/${id}/versions/4`, { key })).status).toBe(404);
    expect((await http.call(`GET /api/templates/${id}/versions/0`, { key })).status).toBe(400);
    expect(await resolve(id, 1)).toEqual({
      templateId: id,
      version: 1,
      subjectLine: HELLO.subjectLine,
      content: HELLO.content,
      contentFormat: 'html',
    });
    expect(await resolve(id)).toMatchObject({ version: 3 });
  });

  it.each<[string, Record<string, unknown>, number, string]>([
    ['a Liquid tag left open', { content: '<p>{% if contact.first_name %}</p>' }, 422, 'content'],
    ['an unknown filter in the subject', { subjectLine: '{{ contact.email | explode }}' }, 422, 'subjectLine'],
    ['a script', { content: '<p>Hi</p><script>alert(1)</script>' }, 422, 'content'],
    ['MJML that is none', { content: '<mjml><mj-body><mj-nonsense/></mj-body></mjml>', contentFormat: 'mjml' }, 422, 'content'],
    ['an MJML file included', { content: '<mjml><mj-body><mj-include path="/etc/passwd" /></mj-body></mjml>', contentFormat: 'mjml' }, 422, 'content'],
    ['no content', { content: undefined }, 400, 'content'],
    ['blank content', { content: ' \n ' }, 400, 'content'],
    ['content beyond the limit', { content: 'x'.repeat(200_001) }, 400, 'content'],
    ['a subject of two lines', { subjectLine: 'Hi\r\nBcc: all@example.com' }, 400, 'subjectLine'],
    ['another format', { contentFormat: 'markdown' }, 400, 'contentFormat'],
    ['a version of its own choice', { currentVersion: 7 }, 400, 'currentVersion'],
    ['another tenant as owner', { tenantId: UNKNOWN }, 400, 'tenantId'],
    ['a name of 256 characters', { name: 'x'.repeat(256) }, 400, 'name'],
  ])('are refused with %s, where it is wrong, when created and when changed', async (_, fields, status, path) => {
    const refused = await create({ ...HELLO, ...fields });
    expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect([refused.status, refused.body.errors[0].path]).toEqual([status, path]);
    if (path === 'content' && fields.content === undefined) return;
    const id = await newId();
    const change = await http.call(`PATCH /api/templates/${id}`, { key, body: fields });
    expect([change.status, change.body.errors[0].path]).toEqual([status, path]);
    expect((await http.call(`GET /api/templates/${id}`, { key })).body.currentVersion).toBe(1);
  }); // prettier-ignore

  it('make one version of each of several changes at once', async () => {
    const id = await newId();
    const answers = await Promise.all(
      [1, 2].map((n) => http.call(`PATCH /api/templates/${id}`, { key, body: { content: `<p>${n}</p>` } })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.map(({ body }) => body.currentVersion).sort()).toEqual([2, 3]);
  });

  it('cannot be deleted while a campaign may still send them, and outlive their deletion for those that froze them', async () => {
    const id = await newId();
    const campaign = '0190a0b1-0000-7000-8000-0000000000c1';
    await sql(`INSERT INTO campaigns (tenant_id, id, name, campaign_type) VALUES ($1, $2, 'Spring', 'drip')`, campaign);
    await sql(
      `INSERT INTO campaign_steps (tenant_id, campaign_id, step_order, step_type, template_id) VALUES ($1, $2, 1, 'email', $3)`,
      campaign,
      id,
    );
    const refused = await http.call(`DELETE /api/templates/${id}`, { key });
    expect([refused.status, refused.body.usedBy]).toEqual([409, { campaigns: [{ id: campaign, name: 'Spring', status: 'draft' }] }]);
    await sql(
      `WITH step AS (UPDATE campaign_steps SET template_id = NULL WHERE tenant_id = $1 AND template_id = $2 RETURNING id)
       INSERT INTO step_variants (tenant_id, step_id, name, weight, template_id) SELECT $1, id, 'B', 1, $2 FROM step`,
      id,
    );
    expect((await http.call(`DELETE /api/templates/${id}`, { key })).status).toBe(409);
    await sql(`UPDATE campaigns SET status = 'cancelled' WHERE tenant_id = $1`);
    expect((await http.call(`DELETE /api/templates/${id}`, { key })).status).toBe(204);
    expect((await http.call(`GET /api/templates/${id}`, { key })).status).toBe(404);
    expect((await http.call(`PATCH /api/templates/${id}`, { key, body: { name: 'Back' } })).status).toBe(404);
    expect((await http.call('GET /api/templates?q=hello', { key })).body.data.map((t: { id: string }) => t.id)).not.toContain(id);
    expect(await resolve(id)).toBeNull();
    expect(await resolve(id, 1)).toMatchObject({ version: 1 });
  });

  it('do not exist for another tenant', async () => {
    const { key: theirs } = await http.createTenant('Others');
    const id = await newId();
    for (const route of ['GET', 'PATCH', 'DELETE'].map((method) => `${method} /api/templates/${id}`).concat([`GET /api/templates/${id}/versions`, `GET /api/templates/${id}/versions/1`, `POST /api/templates/${id}/preview`])) {
      const body = route.startsWith('PATCH') ? { name: 'Theirs' } : route.startsWith('POST') ? {} : undefined;
      expect([route, (await http.call(route, { key: theirs, body })).status]).toEqual([route, 404]);
    }
    expect((await http.call('GET /api/templates', { key: theirs })).body.data).toEqual([]);
  }); // prettier-ignore

  describe('previews', () => {
    const preview = (id: string, body: unknown, as = key) => http.call(`POST /api/templates/${id}/preview`, { key: as, body });

    it('show a contact’s own data, escaped, with no pixel and no rewritten link', async () => {
      const id = await newId();
      const [{ contactId }] = await sql<{ contactId: string }>(
        `INSERT INTO contacts (tenant_id, email, email_norm, first_name) VALUES ($1, 'g@example.com', 'g@example.com', '<b>Grace</b>') RETURNING id AS "contactId"`,
      );
      const { status, body } = await preview(id, {
        contactId,
        content: '<p>{{ contact.first_name }} <a href="https://example.com/x">x</a></p>',
      });
      expect(status).toBe(200);
      expect(body.subject).toBe('Hi <b>Grace</b>');
      expect(body.html).toContain('&lt;b&gt;Grace');
      expect(body.html).toContain('href="https://example.com/x"');
      expect(body.html).not.toContain('/t/o/');
      expect(body.text).toContain('Grace');
    });

    it('take made-up data, an older version and unsaved content', async () => {
      const id = await newId();
      await http.call(`PATCH /api/templates/${id}`, { key, body: { content: '<p>Second</p>' } });
      expect((await preview(id, {})).body).toMatchObject({ subject: 'Hi Ada', html: expect.stringContaining('Second') });
      const old = await preview(id, { version: 1, contact: { firstName: 'Zoë' } });
      expect(old.body).toMatchObject({ subject: 'Hi Zoë', html: expect.stringContaining('Hello Zoë') });
      const broken = await preview(id, { content: '<p>{{ contact.first_name </p>' });
      expect([broken.status, broken.body.errors[0].path]).toEqual([422, 'content']);
      expect((await preview(id, { version: 9 })).status).toBe(404);
    });

    it('refuse contacts that are not there, two sources of data, and bombs', async () => {
      const id = await newId();
      expect((await preview(id, { contactId: UNKNOWN })).body).toMatchObject({ status: 422, errors: [{ path: 'contactId' }] });
      expect((await preview(id, { contactId: UNKNOWN, contact: {} })).status).toBe(400);
      expect((await preview(id, { contactId: 'x' })).status).toBe(400);
      expect((await preview(id, { contact: { firstName: 7 } })).body.errors[0].path).toBe('contact.firstName');
      const bomb = '{% for i in (1..100000) %}{{ contact.first_name }} and a long text to fill the message {% endfor %}';
      expect((await preview(id, { content: `<p>${bomb}</p>` })).status).toBe(422);
      const viewer = await http.createKey(tenantId, 'viewer');
      expect((await preview(id, {}, viewer)).status).toBe(200);
      expect((await preview(id, { contactId: UNKNOWN }, viewer)).status).toBe(403);
      expect((await create(HELLO, viewer)).status).toBe(403);
    });
  });
});
