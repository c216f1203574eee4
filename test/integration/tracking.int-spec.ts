import { affected, Database, row, rows } from '../../src/database/index.js';
import { ContactsModule } from '../../src/modules/contacts/index.js';
import { HitInbox, TrackingModule, TrackingService, TrackingTokens } from '../../src/modules/tracking/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { HTTP_APP_SECRET, startHttpApp, type HttpApp } from '../support/http-app.js';
import { startTestApp } from '../support/test-app.js';

const EMAIL = '0195bbbb-0000-7000-8000-00000000000';
const BROWSER = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36' };

describe('the public addresses in messages', () => {
  const clock = new FakeClock('2030-01-07T08:00:00Z');
  let http: HttpApp;
  let tenantId: string;
  let contactId: string;

  beforeAll(async () => {
    http = await startHttpApp([ContactsModule, TrackingModule], { clock });
    ({ tenantId } = await http.createTenant());
  });
  beforeEach(async () => {
    contactId = await db().inTenant(tenantId, async (tx) => {
      await affected(tx, `DELETE FROM suppressions WHERE tenant_id = $1`, [tenantId]);
      await affected(tx, `DELETE FROM contacts WHERE tenant_id = $1`, [tenantId]);
      const sql = `INSERT INTO contacts (tenant_id, email, email_norm) VALUES ($1, 'ada@example.com', 'ada@example.com') RETURNING id`;
      return (await row<{ id: string }>(tx, sql, [tenantId]))!.id;
    });
  });
  afterAll(() => http.close());

  const db = () => http.app.get(Database);
  const path = (url: string) => new URL(url).pathname;
  const addresses = (n: number) => http.app.get(TrackingTokens).forMessage(tenantId, `${EMAIL}${n.toString(16)}`, contactId);
  const register = (url: string) =>
    db().inTenant(tenantId, async (tx) => (await http.app.get(TrackingService).registerLinks(tx, tenantId, [url]))[0]);
  /** What a worker makes of the hits that were stored, before it looks at the messages. */
  const store = () => http.app.get(HitInbox).processNext((tx, hits) => http.app.get(TrackingService).appendAll(tx, hits));
  const events = async (n: number) => {
    while (await store());
    return db().inTenant(tenantId, (tx) =>
      rows<Record<string, unknown>>(
        tx,
        `SELECT type, source, is_machine, machine_reason, link_id, url FROM email_events WHERE tenant_id = $1 AND email_id = $2 ORDER BY id`,
        [tenantId, `${EMAIL}${n.toString(16)}`],
      ),
    );
  };
  const contact = () =>
    db().inTenant(tenantId, (tx) =>
      row(tx, `SELECT subscribed, unsubscribed_at FROM contacts WHERE tenant_id = $1 AND id = $2`, [tenantId, contactId]),
    );

  it('answer an open with a picture that nobody caches, after it is stored', async () => {
    const answer = await http.call(`GET ${path(addresses(1).pixelUrl)}`, { headers: BROWSER });
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': 'image/gif', 'cache-control': expect.stringContaining('no-store') as string },
    });
    expect(await events(1)).toEqual([expect.objectContaining({ type: 'opened', source: 'pixel', is_machine: false })]);
  });

  it('count a HEAD request as nothing, and a prefetch as a machine', async () => {
    const pixel = path(addresses(2).pixelUrl);
    expect((await http.call(`HEAD ${pixel}`, { headers: BROWSER })).status).toBe(200);
    expect(await events(2)).toEqual([]);
    await http.call(`GET ${pixel}`, { headers: { ...BROWSER, 'sec-purpose': 'prefetch' } });
    expect(await events(2)).toEqual([expect.objectContaining({ is_machine: true, machine_reason: 'prefetch' })]);
  });

  it('lead a click to the address that was registered, and to no other', async () => {
    const url = 'https://shop.example/sale?a=1&b=2#top';
    const linkId = await register(url);
    const link = path(addresses(3).linkUrl(linkId));
    const answer = await http.call(`GET ${link}`, { headers: BROWSER });
    expect(answer).toMatchObject({
      status: 302,
      headers: { location: url, 'referrer-policy': 'no-referrer', 'x-robots-tag': 'noindex' },
    });
    expect(await events(3)).toEqual([expect.objectContaining({ type: 'clicked', link_id: linkId, url })]);
    expect((await http.call(`HEAD ${link}`, { headers: BROWSER })).status).toBe(302);
    expect(await events(3)).toHaveLength(1);
  });

  it('lead a click to an address made for this one message, however long it is', async () => {
    const url = `https://shop.example/item?id=7&for=${'x'.repeat(1_500)}`;
    const answer = await http.call(`GET ${path(addresses(4).dynamicLinkUrl(url))}`, { headers: BROWSER });
    expect(answer).toMatchObject({ status: 302, headers: { location: url } });
    expect(await events(4)).toEqual([expect.objectContaining({ type: 'clicked', link_id: null, url })]);
  });

  it('lead to addresses with letters beyond ASCII', async () => {
    const linkId = await register('https://müller.example/straße?q=ü');
    const answer = await http.call(`GET ${path(addresses(4).linkUrl(linkId))}`, { headers: BROWSER });
    expect(answer).toMatchObject({ status: 302, headers: { location: 'https://xn--mller-kva.example/stra%C3%9Fe?q=%C3%BC' } });
  });

  it('refuse altered, foreign and unknown tokens without a redirect and without a trace: nobody uses us to lead people elsewhere', async () => {
    const { pixelUrl, linkUrl, dynamicLinkUrl } = addresses(5);
    const linkId = await register('https://shop.example/');
    const other = (await http.createTenant('Other')).tenantId;
    const foreign = http.app.get(TrackingTokens).forMessage(other, `${EMAIL}5`, contactId);
    const [token, , mac] = path(dynamicLinkUrl('https://shop.example/')).split('~');
    const evil = `${token}~${Buffer.from('https://evil.example/').toString('base64url')}~${mac}`;
    const altered = [
      path(pixelUrl).replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      path(pixelUrl).slice(0, -5),
      path(linkUrl('AAAAAAAAAAA')),
      path(linkUrl(linkId)).slice(0, -1),
      path(foreign.linkUrl(linkId)),
      evil,
      '/t/c/https://evil.example/',
      '/t/o/%00',
      '/t/c/#x',
    ];
    for (const address of altered) {
      const answer = await http.call(`GET ${address}`, { headers: BROWSER });
      expect([address, answer.status, answer.headers.location]).toEqual([address, 404, undefined]);
    }
    expect(await events(5)).toEqual([]);
  });

  it('store every hit of a burst before answering it', async () => {
    const pixel = path(addresses(6).pixelUrl);
    const answers = await Promise.all(Array.from({ length: 300 }, () => http.call(`GET ${pixel}`, { headers: BROWSER })));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(await events(6)).toHaveLength(300);
  });

  it('lose no hit over another that the database refuses', async () => {
    await db().asSystem((tx) =>
      tx.query(`INSERT INTO hit_batches (hit_count, hits) VALUES (3, $1)`, [
        JSON.stringify(
          ['0195bbbb-0000-7000-8000-000000000006', 'no uuid', '0195bbbb-0000-7000-8000-000000000006'].map((emailId) => ({
            ...{ tenantId, emailId, type: 'clicked', at: clock.now().getTime(), linkId: null, url: 'https://shop.example/\u0000' },
            ...{ userAgent: null, machineReason: null },
          })),
        ),
      ]),
    );
    const before = (await events(6)).length;
    expect((await events(6)).filter(({ url }) => url === 'https://shop.example/')).toHaveLength(2);
    expect(await events(6)).toHaveLength(before);
  });

  it('ask before they unsubscribe: following the link changes nothing, because scanners follow every link', async () => {
    const page = path(addresses(7).unsubscribeUrl);
    const answer = await http.call(`GET ${page}`);
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(answer.body).toContain('<form method="post">');
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect((await http.call(`HEAD ${page}`)).status).toBe(200);
    for (const header of ['if-none-match', 'if-modified-since', 'range']) {
      expect((await http.call(`GET ${page}`, { headers: { [header]: header === 'range' ? 'bytes=0-1' : '*' } })).status).toBe(200);
    }
    expect((await http.call(`GET ${page}?List-Unsubscribe=One-Click`, { headers: { 'sec-purpose': 'prefetch' } })).status).toBe(200);
    expect(await contact()).toMatchObject({ subscribed: true });
    // HEAD is no look at the page.
    expect(await events(7)).toEqual(Array.from({ length: 5 }, () => expect.objectContaining({ type: 'unsubscribe_viewed' })));
  });

  it.each([
    ['the form of the page', 8, 'page', { 'content-type': 'application/x-www-form-urlencoded' }, 'unsubscribe=1'],
    ['a mail client (RFC 8058)', 9, 'one_click', { 'content-type': 'application/x-www-form-urlencoded' }, 'List-Unsubscribe=One-Click'],
    [
      'a mail client that posts multipart',
      0,
      'one_click',
      { 'content-type': 'multipart/form-data; boundary=x' },
      '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
    ],
    ['a program that posts broken JSON', 11, 'page', { 'content-type': 'application/json' }, '{oops'],
    ['a form with what cannot be stored', 12, 'page', { 'content-type': 'application/x-www-form-urlencoded' }, 'a=%00'],
  ])('unsubscribe by %s, once, without a redirect or a cookie', async (_how, n, source, headers, raw) => {
    const page = path(addresses(n).unsubscribeUrl);
    for (let i = 0; i < 2; i++) {
      const answer = await http.call(`POST ${page}`, { headers, raw });
      expect(answer.status).toBe(200);
      expect(answer.headers['set-cookie']).toBeUndefined();
      clock.advance({ minutes: 1 });
    }
    expect(await contact()).toEqual({ subscribed: false, unsubscribed_at: new Date(clock.now().getTime() - 120_000) });
    expect(await events(n)).toEqual([expect.objectContaining({ type: 'unsubscribed', source })]);
  });

  it('do not unsubscribe anybody by an altered link', async () => {
    const page = path(addresses(7).unsubscribeUrl);
    const altered = page.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    expect(
      (await http.call(`POST ${altered}`, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, raw: 'unsubscribe=1' }))
        .status,
    ).toBe(404);
    expect((await http.call(`GET ${altered}`)).status).toBe(404);
    expect(await contact()).toMatchObject({ subscribed: true });
  });

  it('go on working when the secret is replaced: mail that has been sent cannot be changed', async () => {
    const url = 'https://shop.example/rotated';
    const { pixelUrl, linkUrl, dynamicLinkUrl, unsubscribeUrl } = addresses(7);
    const link = linkUrl(await register(url));
    const app = await startTestApp({
      databaseUrl: http.databaseUrl,
      clock,
      env: {
        ROLES: 'api',
        APP_SECRET: 'the secret that took the place of the old one',
        APP_SECRET_PREVIOUS: ['one in between of thirty-two characters', HTTP_APP_SECRET].join(','),
      },
    });
    try {
      const get = (address: string) => fetch(`${app.baseUrl}${path(address)}`, { redirect: 'manual', headers: BROWSER });
      expect((await get(pixelUrl)).status).toBe(200);
      for (const address of [link, dynamicLinkUrl(url)]) {
        const answer = await get(address);
        expect([answer.status, answer.headers.get('location')]).toEqual([302, url]);
      }
      const left = await fetch(`${app.baseUrl}${path(unsubscribeUrl)}`, {
        method: 'POST',
        body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }),
      });
      expect(left.status).toBe(200);
      expect(await contact()).toMatchObject({ subscribed: false });
    } finally {
      await app.close();
    }
  });
});
