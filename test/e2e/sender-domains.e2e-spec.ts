import { generateKeyPairSync } from 'node:crypto';
import { rows } from '../../src/database/index.js';
import type { ApiClient } from '../support/api-client.js';
import { DnsDouble } from '../support/dns-double.js';
import { Story } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const KEY = `v=DKIM1; k=rsa; p=${generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'der', type: 'spki' }).toString('base64')}`;
const PUBLISHED: DnsDouble['zone'] = {
  'acme.example': ['v=spf1 include:sendgrid.example ~all', 'some-site-verification=1'],
  'sendgrid.example': 'v=spf1 ip4:192.0.2.0/24 -all',
  's1._domainkey.acme.example': { cname: 's1.domainkey.u1.wl.sendgrid.example' },
  's1.domainkey.u1.wl.sendgrid.example': KEY,
  '_dmarc.acme.example': 'v=DMARC1; p=quarantine; rua=mailto:d@acme.example',
};

describe('sender domains', () => {
  let dns: DnsDouble;
  let app: TestApp;
  let api: ApiClient;
  let tenantId: string;

  beforeAll(async () => {
    dns = await DnsDouble.start();
    app = await startTestApp({ dns: dns.address });
  });
  beforeEach(async () => {
    dns.zone = { ...PUBLISHED };
    ({ api, tenantId } = await app.tenant());
  });
  afterAll(async () => {
    await app?.close();
    await dns?.stop();
  });

  const add = (body: Record<string, unknown> = {}) => api.must(201, api.post('/api/sender-domains', { domain: 'acme.example', ...body }));
  const warnings = async (id: string) => {
    const preflight = await api.must(200, api.get(`/api/campaigns/${id}/preflight`));
    expect(preflight.ready).toBe(true);
    return preflight.warnings.filter(({ path }: { path: string }) => path === 'fromEmail').map(({ code }: { code: string }) => code);
  };

  it('are looked up when they are added: keys behind CNAMEs, nested SPF, DMARC', async () => {
    const domain = await add({ domain: 'ACME.example.', spfInclude: 'sendgrid.example' });
    expect(domain).toMatchObject({
      domain: 'acme.example',
      dkimSelectors: ['s1', 's2'],
      status: 'verified',
      checkedAt: app.clock.now().toISOString(),
      records: {
        spf: { status: 'ok', value: 'v=spf1 include:sendgrid.example ~all', findings: [] },
        dkim: [
          { selector: 's1', status: 'ok', value: KEY },
          { selector: 's2', status: 'missing', findings: [{ code: 'missing' }] },
        ],
        dmarc: { status: 'ok', policy: 'quarantine', findings: [] },
      },
    });
    expect(await api.must(200, api.get(`/api/sender-domains/${domain.id}`))).toEqual(domain);
    expect((await api.must(200, api.get('/api/sender-domains'))).data).toEqual([domain]);
  });

  it('are checked also where a record has bytes in it that no column takes', async () => {
    dns.zone = { ...PUBLISHED, '_dmarc.acme.example': 'v=DMARC1; p=none\0; rua=mailto:a@acme.example' };
    expect((await add()).records.dmarc.value).toContain('v=DMARC1');
  });

  it('say what to publish, and notice it when it is published', async () => {
    dns.zone = {};
    const domain = await add({ dkimSelectors: ['mail2030'] });
    expect(domain).toMatchObject({
      status: 'unverified',
      records: { spf: { status: 'missing' }, dkim: [{ status: 'missing' }], dmarc: { status: 'missing' } },
    });
    expect(domain.records.dmarc.findings[0].publish).toMatchObject({ type: 'TXT', name: '_dmarc.acme.example' });
    dns.zone = { ...PUBLISHED, 'mail2030._domainkey.acme.example': KEY };
    app.clock.advance({ minutes: 1 });
    const again = await api.must(200, api.post(`/api/sender-domains/${domain.id}/check`));
    expect(again).toMatchObject({ status: 'verified', checkedAt: app.clock.now().toISOString() });
  });

  it('whose name servers fail or are silent are not called wrong: it is said that nobody knows', async () => {
    dns.zone = { ...PUBLISHED, 'acme.example': 'SERVFAIL', '_dmarc.acme.example': 'SILENT' };
    const { records } = await add();
    expect(records).toMatchObject({
      spf: { status: 'unknown' },
      dmarc: { status: 'unknown', policy: null },
      dkim: [{ status: 'ok' }, { status: 'missing' }],
    });
    expect(records.spf.findings).toMatchObject([{ code: 'lookup_failed', severity: 'warning' }]);
  });

  it('show in the preflight of campaigns, where they never stand in the way', async () => {
    const story = new Story(app, api);
    await story.importContacts(1);
    const id = await story.campaign();
    expect(await warnings(id)).toEqual(['sender_not_aligned']);
    dns.zone = { ...PUBLISHED, '_dmarc.acme.example': [] };
    const domain = await add();
    expect(await warnings(id)).toEqual(['dmarc_missing']);
    dns.zone = PUBLISHED;
    await api.must(200, api.post(`/api/sender-domains/${domain.id}/check`));
    const asked = dns.asked.length;
    expect(await warnings(id)).toEqual([]);
    expect(dns.asked).toHaveLength(asked);
    await api.must(204, api.delete(`/api/sender-domains/${domain.id}`));
    expect(await warnings(id)).toEqual(['sender_not_aligned']);
    await story.launch(id);
  });

  it('belong to one tenant each, once', async () => {
    const { id } = await add();
    expect((await api.post('/api/sender-domains', { domain: 'Acme.Example' })).status).toBe(409);
    const other = (await app.tenant('Other')).api;
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/check'],
      ['DELETE', ''],
    ] as const) {
      expect((await other.call(method, `/api/sender-domains/${id}${path}`)).status).toBe(404);
    }
    expect((await other.post('/api/sender-domains', { domain: 'acme.example' })).status).toBe(201);
    expect((await api.must(200, api.get('/api/sender-domains'))).data).toHaveLength(1);
    await api.must(204, api.delete(`/api/sender-domains/${id}`));
    expect((await api.delete(`/api/sender-domains/${id}`)).status).toBe(404);
  });

  it('are fifty at most, also when the last are added at the same moment', async () => {
    await app.db.asSystem((tx) =>
      rows(
        tx,
        `INSERT INTO sender_domains (tenant_id, id, domain, dkim_selectors)
         SELECT $1, gen_random_uuid(), 'd' || n || '.example', '{s1}' FROM generate_series(1, 49) AS n`,
        [tenantId],
      ),
    );
    const added = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => api.post('/api/sender-domains', { domain: `${name}.acme.example` })),
    );
    expect(added.map(({ status }) => status).sort()).toEqual([201, 422, 422, 422]);
  });

  it.each([
    ['no name', { domain: 'localhost' }, 'domain'],
    ['an address', { domain: '127.0.0.1' }, 'domain'],
    ['a public suffix', { domain: 'co.uk' }, 'domain'],
    ['a URL', { domain: 'https://acme.example' }, 'domain'],
    ['a line break', { domain: 'acme.example\r\nx' }, 'domain'],
    ['no text', { domain: 5 }, 'domain'],
    ['no selector', { domain: 'acme.example', dkimSelectors: [] }, 'dkimSelectors'],
    ['too many selectors', { domain: 'acme.example', dkimSelectors: ['a', 'b', 'c', 'd', 'e', 'f'] }, 'dkimSelectors'],
    ['a selector that is none', { domain: 'acme.example', dkimSelectors: ['s 1'] }, 'dkimSelectors'],
    ['an include that is none', { domain: 'acme.example', spfInclude: 'x' }, 'spfInclude'],
    ['a status of its own', { domain: 'acme.example', status: 'verified' }, 'status'],
  ])('are refused with %s', async (_what, body, path) => {
    const { status, body: problem } = await api.post('/api/sender-domains', body);
    expect([status, problem.errors?.[0]?.path]).toEqual([400, expect.stringContaining(path)]);
  });
});
