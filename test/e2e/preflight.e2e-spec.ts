import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApiClient } from '../support/api-client.js';
import { Story, emailStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

describe('before a launch', () => {
  let app: TestApp;
  let api: ApiClient;
  let story: Story;
  let site: Server;
  let visits: string[];
  let base: string;

  beforeAll(async () => {
    site = createServer((request, response) => {
      visits.push(request.url!);
      response.writeHead(request.url === '/missing' ? 404 : 200).end();
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    app = await startTestApp({ env: { ALLOW_PRIVATE_NETWORKS: 'true' } });
  });
  beforeEach(async () => {
    visits = [];
    ({ api } = await app.tenant());
    story = new Story(app, api);
    await story.importContacts(1);
  });
  afterAll(async () => {
    await app?.close();
    await new Promise((resolve) => site.close(resolve));
  });

  const preflight = (id: string, query = '') => api.must(200, api.get(`/api/campaigns/${id}/preflight${query}`));
  const content = (emailContent: string) => [emailStep({ emailContent })];

  it('links are called only when that is asked for, and dead ones are warned of without standing in the way', async () => {
    const id = await story.campaign({}, content(`<p>Hi</p><a href="${base}/fine">a</a><a href="${base}/missing">b</a>`));
    const dead = (found: { warnings: { code: string }[] }) => found.warnings.filter(({ code }) => code.startsWith('link'));
    expect(dead(await preflight(id))).toEqual([]);
    expect(dead(await preflight(id, '?checkLinks=false'))).toEqual([]);
    expect(visits).toEqual([]);
    const found = await preflight(id, '?checkLinks=true');
    expect(found.ready).toBe(true);
    expect(dead(found)).toMatchObject([
      { code: 'link_dead', path: 'steps[0].emailContent', message: expect.stringContaining(`${base}/missing`) },
    ]);
    visits = [];
    await story.launch(id);
    expect(visits).toEqual([]);
    expect((await api.get(`/api/campaigns/${id}/preflight?checkLinks=perhaps`)).body.errors[0].path).toBe('query.checkLinks');
  });

  it('marketing mail that would go out without the postal address is refused, transactional mail is not', async () => {
    const steps = content('<p>Hi <a href="{{ unsubscribe_url }}">bye</a></p>');
    const id = await story.campaign({}, steps);
    expect((await preflight(id)).errors).toMatchObject([{ code: 'postal_address_missing', path: 'steps[0].emailContent' }]);
    expect((await api.post(`/api/campaigns/${id}/launch`)).status).toBe(422);
    await api.must(
      200,
      api.put(`/api/campaigns/${id}/steps`, {
        steps: content('<p>{{ tenant.postal_address }} <a href="{{ unsubscribe_url }}">bye</a></p>'),
      }),
    );
    expect((await preflight(id)).errors).toEqual([]);
    expect((await preflight(await story.campaign({ category: 'transactional' }, steps))).errors).toEqual([]);
  });

  it("what should be looked at is named with its step and stands in nobody's way", async () => {
    const id = await story.campaign({}, [
      emailStep({
        subjectLine: 'Hi {{ contact.first_name }}',
        emailContent: `<form></form><img src="https://x.example/a.png"><a href="/offer">x</a><p>${'x'.repeat(100_001)}</p>`,
      }),
    ]);
    const { ready, warnings } = await preflight(id);
    const codes = warnings.map(({ code, path }: { code: string; path: string }) => `${code} ${path}`);
    expect(codes).toEqual(
      expect.arrayContaining(
        ['form', 'missing_alt', 'not_a_web_address', 'large']
          .map((code) => `${code} steps[0].emailContent`)
          .concat('no_default steps[0].subjectLine'),
      ),
    );
    expect(ready).toBe(true);
    await story.launch(id);
  });

  it.each([
    ['CR and LF', 'Hello\r\nBcc: everybody@example.com'],
    ['LF', 'Hello\nthere'],
    ['a NEL', 'Hello\u0085there'],
  ])('a subject with %s is refused when it is saved, whichever way', async (_what, subjectLine) => {
    const id = await story.campaign();
    const { data } = await api.must(200, api.get(`/api/campaigns/${id}/steps`));
    const all = await api.put(`/api/campaigns/${id}/steps`, { steps: [emailStep({ subjectLine })] });
    const one = await api.post(`/api/campaigns/${id}/steps`, emailStep({ subjectLine }));
    const change = await api.patch(`/api/campaigns/${id}/steps/${data[0].id}`, { subjectLine });
    const template = await api.post('/api/templates', { name: 'T', subjectLine, content: '<p>x</p>', contentFormat: 'html' });
    expect([all, one, change, template].map(({ status, body }) => [status, body.errors?.[0].path])).toEqual([
      [400, 'steps[0].subjectLine'],
      [400, 'subjectLine'],
      [400, 'subjectLine'],
      [400, 'subjectLine'],
    ]);
  });

  it('an end date that has passed is refused when it is set, not when it is left as it is', async () => {
    const past = new Date(app.clock.now().getTime() - 60_000).toISOString();
    const created = await api.post('/api/campaigns', { name: 'Late', campaignType: 'broadcast', endDate: past });
    expect([created.status, created.body.errors]).toMatchObject([422, [{ path: 'endDate', code: 'end_in_past' }]]);
    const endDate = new Date(app.clock.now().getTime() + 60_000).toISOString();
    const { id } = await api.must(201, api.post('/api/campaigns', { name: 'In time', campaignType: 'broadcast', endDate }));
    expect((await api.patch(`/api/campaigns/${id}`, { endDate: past })).body.errors).toMatchObject([{ path: 'endDate' }]);
    app.clock.advance({ minutes: 2 });
    await api.must(200, api.patch(`/api/campaigns/${id}`, { name: 'Too late', endDate }));
  });

  it('one-click unsubscription without https is warned of where mail really goes out', async () => {
    const account = await api.must(
      201,
      api.post('/api/provider-accounts', { name: 'SG', kind: 'sendgrid', sendgrid: { apiKey: 'SG.of-the-tests' } }),
    );
    const codes = async (over: Record<string, unknown>) =>
      (await preflight(await story.campaign(over))).warnings.map(({ code }: { code: string }) => code);
    expect(await codes({ providerAccountId: account.id })).toContain('one_click_needs_https');
    expect(await codes({})).not.toContain('one_click_needs_https');
  });

  it('a malformed request always says where, and the root leads to the documentation', async () => {
    const json = await api.post('/api/campaigns', '{"name": ', { 'content-type': 'application/json' });
    const root = await new (api.constructor as typeof ApiClient)(app.baseUrl, null).get('/');
    const url = await api.get('/api/campaigns/%zz');
    expect([json.status, json.body.errors]).toEqual([400, [{ path: '', message: expect.stringContaining('line 1') }]]);
    expect([url.status, url.body.errors]).toEqual([400, [{ path: 'url', message: 'is malformed' }]]);
    expect([root.status, root.headers.get('location')]).toEqual([302, '/docs']);
  });

  it('tags of the API document are of one spelling', async () => {
    const { paths } = await api.must(200, api.get('/openapi.json'));
    const tags = new Set<string>(
      Object.values<Record<string, { tags: string[] }>>(paths).flatMap((item) =>
        Object.values(item).flatMap((operation) => operation.tags),
      ),
    );
    expect([...tags].filter((tag) => !/^[A-Z]/.test(tag))).toEqual([]);
    expect(new Set([...tags].map((tag) => tag.toLowerCase())).size).toBe(tags.size);
  });
});
