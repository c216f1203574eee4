import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { affected } from '../../src/database/index.js';
import { ExportSize } from '../../src/modules/analytics/exports.service.js';
import { AnalyticsModule, Rollup } from '../../src/modules/analytics/index.js';
import { LinkCounter } from '../../src/modules/analytics/link-counter.js';
import { CampaignsModule } from '../../src/modules/campaigns/index.js';
import { DeliveryModule } from '../../src/modules/delivery/index.js';
import { StepsModule } from '../../src/modules/steps/index.js';
import { startCampaignsApp, type CampaignsApp, type TestTenant } from '../support/campaigns-app.js';
import { Factory, type MadeCampaign, type MadeEmail } from '../support/factories.js';

const OFFER = 'https://acme.example/offer';
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
const SCREENSHOTS = process.env.REPORT_SCREENSHOTS;
const HOME = 'https://acme.example/';

describe('reports of a campaign', () => {
  let app: CampaignsApp;
  let make: Factory;
  let tenant: TestTenant;
  let campaign: MadeCampaign;

  beforeAll(async () => {
    app = await startCampaignsApp([CampaignsModule, StepsModule, AnalyticsModule, DeliveryModule]);
    make = new Factory(app.db);
    tenant = await app.tenant();
    // A Tuesday; 09:30 UTC is 10:30 in Berlin.
    campaign = await make.campaign(tenant.tenantId, {
      launchedAt: '2029-12-25T09:00:00Z',
      timezone: 'Europe/Berlin',
      steps: [
        { type: 'email', name: '<b>Welcome</b>' },
        { type: 'condition', trueNext: 2, falseNext: null },
        { type: 'email', name: '=1+1' },
      ],
    });
    const [first, , last] = campaign.stepIds;
    const one = await make.sent(campaign, '2029-12-25T09:30:00Z', first);
    const two = await make.sent(campaign, '2029-12-25T09:40:00Z', first);
    const other = await make.email(campaign, one, { at: '2029-12-26T22:30:00Z', stepId: last });
    await make.fact(one, 'clicked', '2029-12-25T10:00:00Z', { url: OFFER });
    await make.fact(one, 'clicked', '2029-12-25T10:01:00Z', { url: OFFER });
    await make.fact(two, 'clicked', '2029-12-25T10:02:00Z', { url: OFFER });
    await make.fact(two, 'clicked', '2029-12-25T10:03:00Z', { url: HOME, isMachine: true });
    await make.fact(other, 'clicked', '2029-12-27T08:00:00Z', { url: HOME });
  });
  afterAll(() => app.close());

  const get = (path: string) => tenant.call('GET', `/api/campaigns/${campaign.campaignId}/${path}`);

  it('list the links by step, people and machines apart, page by page', async () => {
    const { status, body } = await get('analytics/links?limit=2');
    expect(status).toBe(200);
    const next = await get(`analytics/links?limit=2&cursor=${body.nextCursor}`);
    expect(next.body.nextCursor).toBeNull();
    expect([...body.data, ...next.body.data]).toMatchObject([
      { url: OFFER, stepOrder: 1, humanClicks: 3, machineClicks: 0, uniqueClicks: 2, people: 2, share: 75 },
      { url: HOME, stepOrder: 3, humanClicks: 1, machineClicks: 0, uniqueClicks: 1, people: 1, share: 25 },
      { url: HOME, stepOrder: 1, humanClicks: 0, machineClicks: 1, uniqueClicks: 0, people: 0, share: 0 },
    ]);
    expect((await get(`analytics/links?stepId=${campaign.stepIds[2]}`)).body.data).toMatchObject([{ url: HOME, share: 100 }]);
    expect((await get('analytics/links?cursor=abc')).status).toBe(400);
  });

  it('show the hours of the week by the clock of the zone', async () => {
    const { body } = await get('analytics/hours');
    expect(body.range).toEqual({ startDate: '2029-12-25', endDate: '2030-01-01', timezone: 'Europe/Berlin', cohort: 'send' });
    expect(body.hours).toHaveLength(168);
    expect(body.hours.filter((cell: { emailsSent: number }) => cell.emailsSent > 0)).toMatchObject([
      { weekday: 2, hour: 10, emailsSent: 2, emailsDelivered: 2, uniqueClicks: 2, clickRate: 100, openRate: 0 },
      { weekday: 3, hour: 23, emailsSent: 1, emailsDelivered: 1, uniqueClicks: 1 },
    ]);
    const { body: events } = await get('analytics/hours?cohort=event&timezone=UTC');
    expect(events.hours.filter((cell: { uniqueClicks: number }) => cell.uniqueClicks > 0)).toMatchObject([
      { weekday: 2, hour: 10, uniqueClicks: 2 },
      { weekday: 4, hour: 8, uniqueClicks: 1, clickRate: 100 },
    ]);
    expect(await get('analytics/hours?startDate=2030-01-02&endDate=2030-01-01')).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'query.endDate' }] },
    });
  });

  it('set campaigns side by side, and never another tenant’s', async () => {
    const empty = await make.campaign(tenant.tenantId, { launchedAt: '2030-01-01T00:00:00Z' });
    const compare = (...ids: string[]) => tenant.call('GET', `/api/analytics/compare?campaignIds=${ids.join(',')}`);
    const { body } = await compare(empty.campaignId, campaign.campaignId);
    expect(body.campaigns).toMatchObject([
      { campaignId: empty.campaignId, totals: { emailsSent: 0, clickRate: null } },
      { campaignId: campaign.campaignId, totals: { emailsSent: 3, emailsDelivered: 3, uniqueClicks: 3, clickRate: 100 } },
    ]);
    const foreign = await make.campaign((await app.tenant()).tenantId, { launchedAt: '2030-01-01T00:00:00Z' });
    expect((await compare(campaign.campaignId, foreign.campaignId)).status).toBe(404);
    for (const ids of [[campaign.campaignId], [campaign.campaignId, campaign.campaignId], ['x', 'y'], []]) {
      expect(await compare(...ids)).toMatchObject({
        status: 400,
        body: { errors: [{ path: expect.stringContaining('query.campaignIds') }] },
      });
    }
  });

  describe('as CSV', () => {
    const lines = (text: string) => {
      expect(text.endsWith('\r\n')).toBe(true);
      return text.slice(0, -2).split('\r\n');
    };
    const records = (text: string) => {
      const [head, ...rows] = lines(text).map((line) => line.split(','));
      return rows.map((row) => Object.fromEntries(row.map((cell, place) => [head[place], cell])));
    };

    it('have the numbers of the report', async () => {
      const query = 'startDate=2029-12-25&endDate=2029-12-27&cohort=send';
      const { status, body, headers } = await get(`analytics/series.csv?${query}`);
      expect([status, headers['content-type'], headers['content-disposition'], headers['cache-control']]).toEqual([
        200,
        'text/csv; charset=utf-8',
        'attachment; filename="spring.series.csv"',
        'no-store',
      ]);
      const { overall } = (await get(`analytics?${query}`)).body as { overall: Record<string, unknown>[] };
      expect(records(body)).toEqual(
        overall.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value ?? '')]))),
      );
    });

    it('list recipients and events page by page, and hand no formula to a spreadsheet', async () => {
      const size = app.app.get(ExportSize);
      const written = await make.campaign(tenant.tenantId, {
        launchedAt: '2030-01-01T00:00:00Z',
        steps: [{ type: 'email', name: '=1+1' }],
      });
      const ada = await make.sent(written, '2030-01-01T00:00:00Z');
      const bob = await make.sent(written, '2030-01-01T00:00:00Z');
      const eve = await make.enroll(written, { at: '2030-01-01T00:00:00Z', status: 'exited', exitReason: 'bounced' });
      // At the same instant, so that pages have to part them by their ids.
      for (const email of [ada, ada, bob]) await make.fact(email, 'opened', '2030-01-01T00:00:01.234567Z');
      await make.fact(bob, 'clicked', '2030-01-01T00:00:01.234568Z', { url: OFFER, isMachine: true });
      await app.db.inTenant(tenant.tenantId, (tx) =>
        affected(tx, `UPDATE contacts SET first_name = '=HYPERLINK("http://evil.example")' WHERE tenant_id = $1 AND id = $2`, [
          tenant.tenantId,
          ada.contactId,
        ]),
      );
      const list = (name: string) => tenant.call('GET', `/api/campaigns/${written.campaignId}/analytics/${name}`);
      for (const pageRows of [1, 2, 1_000]) {
        size.pageRows = pageRows;
        const { body: people } = await list('recipients.csv');
        expect(records(people)).toMatchObject([
          {
            contactId: ada.contactId,
            status: 'completed',
            firstName: `"'=HYPERLINK(""http://evil.example"")"`,
            emailsSent: '1',
            emailsOpened: '1',
          },
          { contactId: bob.contactId, currentStepOrder: '1', currentStepName: `"'=1+1"`, emailsSent: '1', emailsClicked: '0' },
          { contactId: eve.contactId, status: 'exited', exitReason: 'bounced', exitedAt: '2030-01-01T00:00:00.000Z', emailsSent: '0' },
        ]);
        const events = records((await list('events.csv')).body);
        expect(new Set(events.map(({ id }) => id)).size).toBe(4);
        expect(events.map(({ type }) => type)).toEqual(['opened', 'opened', 'opened', 'clicked']);
        expect(events[3]).toMatchObject({
          email: 'ada@example.com',
          contactId: bob.contactId,
          url: OFFER,
          isMachine: 'true',
          stepOrder: '1',
        });
      }
      size.pageRows = 2;
      size.maxRows = 3;
      expect(lines((await list('events.csv')).body)).toHaveLength(1 + 3);
      Object.assign(size, new ExportSize());
    });

    it('are refused with a problem document, to other tenants too, and answer HEAD without being read', async () => {
      const other = await app.tenant();
      for (const name of ['series', 'recipients', 'events']) {
        const path = `/api/campaigns/${campaign.campaignId}/analytics/${name}.csv`;
        const { status, headers } = await other.call('GET', path);
        expect([status, headers['content-type'], headers['content-disposition']]).toEqual([
          404,
          'application/problem+json; charset=utf-8',
          undefined,
        ]);
        const taking = async (accept: string) => (await tenant.call('GET', path, undefined, { accept })).status;
        expect([await taking('text/csv'), await taking('text/*'), await taking('application/json')]).toEqual([200, 200, 406]);
        expect(await tenant.call('HEAD', path)).toMatchObject({
          status: 200,
          body: null,
          headers: { 'content-type': 'text/csv; charset=utf-8' },
        });
      }
      expect(await get('analytics/series.csv?granularity=month')).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'query.granularity' }] },
      });
      expect((await get('analytics/series.csv?startDate=2030-01-02&endDate=2030-01-01')).status).toBe(400);
      expect((await tenant.call('GET', '/api/me', undefined, { accept: 'text/csv' })).status).toBe(406);
    });
  });

  describe('as a page', () => {
    const share = (body: unknown = {}) => tenant.call('POST', `/api/campaigns/${campaign.campaignId}/report-link`, body);
    const open = async (url: string) => {
      const { pathname } = new URL(url, 'http://x');
      const answer = await fetch((await app.app.getUrl()) + pathname, { headers: { accept: 'text/html' } });
      return { statusCode: answer.status, headers: Object.fromEntries(answer.headers), payload: await answer.text() };
    };

    it('open by a signed link until it expires, for nobody else and for no other campaign', async () => {
      const { status, body } = await share({ hours: 2 });
      expect([status, body.expiresAt]).toEqual([200, '2030-01-01T02:00:00.000Z']);
      const answer = await open(body.url);
      expect(answer.statusCode).toBe(200);
      expect(answer.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
      expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
      expect(answer.headers['content-security-policy']).not.toContain('unsafe');
      const other = await make.campaign(tenant.tenantId, { launchedAt: '2030-01-01T00:00:00Z' });
      expect((await open(body.url.replaceAll(campaign.campaignId, other.campaignId))).statusCode).toBe(404);
      expect((await open(`/campaigns/${campaign.campaignId}/report`)).statusCode).toBe(401);
      app.clock.set('2030-01-01T02:00:00Z');
      const expired = await open(body.url);
      expect([expired.statusCode, expired.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
      expect(expired.payload).toContain('This link is not valid any more');
      expect(expired.headers['content-security-policy']).toBe(answer.headers['content-security-policy']);
      app.clock.set('2030-01-01T00:00:00Z');
      for (const hours of [0, 8761, 1.5, null]) expect((await share({ hours })).status).toBe(400);
    });

    it('escape what people wrote, and load nothing', async () => {
      const { payload } = await open((await share()).body.url);
      expect(payload).toContain('&lt;b&gt;Welcome&lt;/b&gt;');
      expect(payload).not.toContain('<b>Welcome');
      expect(payload).not.toMatch(/<script|<link|<img|<iframe|\ssrc=|\sstyle=|url\(|@import/i);
      expect(payload).not.toMatch(/NaN|undefined|Infinity/);
    });

    it('are drawn by a browser without a request or a complaint, wide and narrow, light and dark', async () => {
      if (!CHROMIUM) {
        console.warn('No Chromium is installed: the report page is not looked at.');
        return;
      }
      const { payload } = await open((await share()).body.url);
      const csp = (await open((await share()).body.url)).headers['content-security-policy'];
      const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
      try {
        for (const [width, colorScheme] of [
          [1280, 'light'],
          [375, 'dark'],
        ] as const) {
          const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
          const requests: string[] = [];
          const complaints: string[] = [];
          page.on('console', (message) => complaints.push(message.text()));
          await page.route('**/*', (route) => {
            requests.push(route.request().url());
            return route.fulfill({ body: payload, headers: { 'content-type': 'text/html', 'content-security-policy': csp } });
          });
          await page.goto('http://report.example/');
          const isTooWide = await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
          expect([isTooWide, requests, complaints]).toEqual([false, ['http://report.example/'], []]);
          // The style has been let in by its hash.
          expect(await page.evaluate('getComputedStyle(document.querySelector("section")).borderRadius')).not.toBe('0px');
          const screenshot = await page.screenshot({
            fullPage: true,
            ...(SCREENSHOTS && { path: `${SCREENSHOTS}/report-${width}-${colorScheme}.png` }),
          });
          expect(screenshot.length).toBeGreaterThan(10_000);
        }
      } finally {
        await browser.close();
      }
    }, 60_000);
  });

  // The last one: it moves the clock.
  it('list the links of a campaign with very many clicks as they were last counted, the same, and without what was erased since', async () => {
    const [rollup, counter] = [app.app.get(Rollup), app.app.get(LinkCounter)];
    const count = async (manyClicks?: number) => {
      app.clock.advance({ minutes: 1 });
      while (await rollup.run());
      while (await counter.run({ manyClicks }));
    };
    const busy = await make.campaign(tenant.tenantId, { launchedAt: '2029-12-25T09:00:00Z' });
    const links = async (query = '') => (await tenant.call('GET', `/api/campaigns/${busy.campaignId}/analytics/links${query}`)).body;
    const mail: MadeEmail[] = [];
    for (let i = 0; i < 4; i++) mail.push(await make.sent(busy, '2029-12-25T09:30:00Z'));
    for (const email of mail.slice(0, 3)) await make.fact(email, 'clicked', '2029-12-25T10:00:00Z', { url: OFFER });
    await make.fact(mail[0], 'clicked', '2029-12-25T10:01:00Z', { url: HOME, isMachine: true });
    const atOnce = await links();
    expect(atOnce.data).toMatchObject([
      { url: OFFER, people: 3 },
      { url: HOME, machineClicks: 1 },
    ]);

    await count(1);
    const counted = await links();
    expect(counted.data).toEqual(atOnce.data);
    expect((await links(`?limit=1&cursor=${(await links('?limit=1')).nextCursor}`)).data).toEqual(atOnce.data.slice(1));

    const naming = 'https://acme.example/?me=ada@people.example';
    await app.db.inTenant(tenant.tenantId, (tx) =>
      affected(tx, `UPDATE emails SET to_email = 'ada@people.example' WHERE tenant_id = $1 AND id = $2`, [
        tenant.tenantId,
        mail[3].emailId,
      ]),
    );
    await make.fact(mail[3], 'clicked', '2029-12-25T10:05:00Z', { url: naming });
    expect(await links()).toEqual(counted);
    await count(1);
    const ofAda = { humanClicks: 1, people: 1, share: 25 };
    expect((await links()).data).toContainEqual(expect.objectContaining({ ...ofAda, url: naming }));

    expect((await tenant.call('DELETE', `/api/contacts/${mail[3].contactId}`)).status).toBe(204);
    expect((await links()).data).toContainEqual(expect.objectContaining({ ...ofAda, url: null }));
    await count(1);
    expect((await links()).data).toContainEqual(expect.objectContaining({ ...ofAda, url: null }));

    // So few clicks are counted when somebody asks.
    await make.fact(mail[3], 'clicked', '2029-12-25T10:06:00Z', { url: OFFER });
    await count();
    await make.fact(mail[3], 'clicked', '2029-12-25T10:07:00Z', { url: OFFER });
    expect((await links()).data).toContainEqual(expect.objectContaining({ url: OFFER, humanClicks: 5, people: 4 }));
  });
});
