import { WebhookAccounts } from '../../src/modules/tracking/index.js';
import { readP256PublicKey } from '../../src/config/index.js';
import { until } from '../support/poll.js';
import { SendGridDouble, targetOf, type SendGridMail } from '../support/sendgrid-double.js';
import { batchesFor, eventOf, postEvents, SendGridSigner, type SendGridEvent } from '../support/sendgrid-events.js';
import { Story, emailStep, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

interface Batch {
  event_count: number;
  stored_count: number;
  ignored_count: number;
  foreign_count: number;
  error_count: number;
  errors: { index: number; message: string }[] | null;
  body: Buffer | null;
}

/** What SendGrid tells about our messages, over HTTP, into the numbers a user sees. */
describe('the SendGrid event webhook', () => {
  const signer = new SendGridSigner();
  let app: TestApp;
  let sendgrid: SendGridDouble;
  let story: Story;
  let tenantId: string;

  beforeAll(async () => {
    sendgrid = await SendGridDouble.start();
    app = await startTestApp({
      env: {
        SENDGRID_API_KEY: sendgrid.apiKey,
        SENDGRID_BASE_URL: sendgrid.url,
        SENDGRID_WEBHOOK_PUBLIC_KEY: signer.publicKey,
        UNKNOWN_GRACE_SECONDS: '3600',
      },
    });
  });
  beforeEach(async () => {
    const tenant = await app.tenant();
    tenantId = tenant.tenantId;
    story = new Story(app, tenant.api);
  });
  afterAll(async () => {
    await app?.close();
    await sendgrid?.stop();
  });

  const url = () => `${app.baseUrl}/webhooks/sendgrid/events`;
  const now = () => app.clock.now();
  const seconds = (offset = 0) => Math.floor(now().getTime() / 1000) + offset;
  const post = (batch: unknown, at = now()) => postEvents(url(), signer, batch, at);
  const sql: TestApp['sql'] = (text, params) => app.sql(text, params);
  const mailOf = (campaignId: string): SendGridMail[] =>
    sendgrid.messages.filter(({ custom_args: args }) => args.campaign_id === campaignId);
  const target = (mail: SendGridMail) => targetOf(mail);

  /** Until every stored call is taken apart and everything that can be applied is. */
  const applied = () =>
    until(
      async () => {
        const [open] = await sql<{ batches: number; events: number }>(
          `SELECT (SELECT count(*)::int FROM webhook_batches WHERE processed_at IS NULL) AS batches,
                  (SELECT count(*)::int FROM email_events v JOIN emails e USING (tenant_id) WHERE e.id = v.email_id AND v.applied_at IS NULL) AS events`,
        );
        return open.batches + open.events === 0;
      },
      { deadlineMs: 20_000, what: 'all events to be applied' },
    );
  const lastBatch = async () => (await sql<Batch>(`SELECT * FROM webhook_batches ORDER BY id DESC LIMIT 1`))[0];
  const ledgerOf = (campaignId: string) =>
    sql<Record<string, unknown>>(
      `SELECT to_email, status, reason, delivered_at, bounced_at, complained_at, unsubscribed_at, first_opened_at, first_human_opened_at,
              first_clicked_at, first_human_clicked_at FROM emails WHERE campaign_id = $1 ORDER BY to_email`,
      [campaignId],
    );
  const totalsOf = async (campaignId: string) => {
    const { totals } = await story.api.must(
      200,
      story.api.get(`/api/campaigns/${campaignId}/analytics?startDate=2030-01-01&endDate=2030-01-31`),
    );
    return totals;
  };
  async function sent(contacts: number): Promise<string> {
    await story.importContacts(contacts);
    const id = await story.campaign();
    await story.launch(id);
    await story.reaches(id, 'completed');
    return id;
  }

  it('counts each event once, in whatever order and however often it comes', async () => {
    const one = await sent(40);
    const story2 = new Story(app, (await app.tenant('Other')).api);
    await story2.importContacts(40);
    const other = await story2.campaign();
    await story2.launch(other);
    await story2.reaches(other, 'completed');

    app.clock.advance({ minutes: 10 });
    const types = ['processed', 'deferred', 'delivered', 'open', 'click', 'open'];
    const batches = (id: string, more: object) => batchesFor(mailOf(id).map(target), { types, now, batchSize: 50, ...more });
    for (const batch of batches(one, {})) expect((await post(batch)).status).toBe(200);
    await applied();
    const once = await totalsOf(one);
    expect(once).toMatchObject({ emailsDelivered: 40, uniqueOpens: 40, totalOpens: 80, uniqueClicks: 40, totalClicks: 40 });

    // The other campaign's events come shuffled, partly under a second id; then both are replayed as they were, twice.
    const shuffled = batches(other, { shuffle: true, duplicatePercent: 20, seed: 7 });
    for (const batch of [...shuffled, ...shuffled.toReversed(), ...shuffled]) expect((await post(batch)).status).toBe(200);
    for (const batch of [...batches(one, { shuffle: true }), ...batches(one, {})]) await post(batch);
    await applied();
    expect(await totalsOf(one)).toEqual(once);
    const strip = (ledger: Record<string, unknown>[]) => ledger;
    expect(strip(await ledgerOf(other))).toEqual(strip(await ledgerOf(one)));
    const { totals } = await story2.api.must(
      200,
      story2.api.get(`/api/campaigns/${other}/analytics?startDate=2030-01-01&endDate=2030-01-31`),
    );
    expect(totals).toEqual(once);
  });

  it('knows what each type means', async () => {
    const id = await sent(12);
    app.clock.advance({ minutes: 5 });
    const mails = mailOf(id).sort((a, b) => Number(/\d+/.exec(target(a).email)) - Number(/\d+/.exec(target(b).email)));
    const event = (n: number, type: string, more = {}) => eventOf(target(mails[n]), type, seconds(), more);
    const status = { type: 'bounce', status: '5.2.2', bounce_classification: 'Mailbox Unavailable' };
    await post([
      event(0, 'bounce'),
      event(1, 'bounce', status),
      event(2, 'bounce', { type: 'blocked', status: '5.7.1', bounce_classification: 'Reputation', reason: '550 blocked' }),
      event(3, 'dropped'),
      event(4, 'spamreport'),
      event(5, 'unsubscribe'),
      event(6, 'group_unsubscribe'),
      event(7, 'group_resubscribe'),
      event(8, 'open', { sg_machine_open: true }),
      event(9, 'click', { useragent: 'Barracuda Sentinel (EE)' }),
      event(10, 'click'),
      event(11, 'account_status_change'),
      { event: 'delivered', email: 'else@example.com', timestamp: seconds(), sg_event_id: 'not ours' },
    ]);
    await applied();
    expect(await lastBatch()).toMatchObject({ event_count: 13, stored_count: 11, ignored_count: 2, error_count: 0, body: null });
    const emails = new Map((await ledgerOf(id)).map((email) => [email.to_email as string, email]));
    const of = (n: number) => emails.get(target(mails[n]).email)!;
    expect([0, 1, 2, 3].map((n) => [of(n).status, of(n).reason])).toEqual([
      ['bounced', 'bounce_hard'],
      ['bounced', 'bounce_soft'],
      ['bounced', 'bounce_block'],
      ['dropped', 'dropped'],
    ]);
    expect(of(4).complained_at).not.toBeNull();
    expect(of(5).unsubscribed_at).not.toBeNull();
    expect(of(6).unsubscribed_at).not.toBeNull();
    expect(of(7)).toMatchObject({ status: 'sent', unsubscribed_at: null });
    expect(of(8)).toMatchObject({ first_opened_at: expect.any(Date) as Date, first_human_opened_at: null });
    expect(of(9)).toMatchObject({ first_clicked_at: expect.any(Date) as Date, first_human_clicked_at: null });
    expect(of(10)).toMatchObject({ first_human_clicked_at: expect.any(Date) as Date });
    const reasons = await sql(
      `SELECT machine_reason FROM email_events WHERE tenant_id = $1 AND is_machine ORDER BY machine_reason COLLATE "C"`,
      [tenantId],
    );
    expect(reasons).toEqual([{ machine_reason: 'sg_machine_open' }, { machine_reason: 'user_agent' }]);
    // Who bounced hard, complained or left is not written to again, and why is on record.
    const suppressed = await sql(`SELECT email_norm, reason FROM suppressions WHERE tenant_id = $1 ORDER BY email_norm`, [tenantId]);
    const address = (n: number) => target(mails[n]).email;
    expect(suppressed).toEqual(
      [
        { email_norm: address(0), reason: 'hard_bounce' },
        { email_norm: address(4), reason: 'complaint' },
        { email_norm: address(5), reason: 'unsubscribed' },
        { email_norm: address(6), reason: 'unsubscribed' },
      ].sort((a, b) => (a.email_norm < b.email_norm ? -1 : 1)),
    );
  });

  it('loses nothing over a bad entry: the others of the batch count, and what was wrong is kept', async () => {
    const id = await sent(2);
    const [one, two] = mailOf(id).map(target);
    const good = [eventOf(one, 'delivered', seconds()), eventOf(two, 'delivered', seconds())];
    const bad: unknown[] = [
      null,
      'delivered',
      [],
      {},
      { ...good[0], timestamp: 'yesterday' },
      { ...good[0], timestamp: seconds() + 864_000 },
      { ...good[0], email_id: '1; DROP TABLE emails' },
      { ...good[0], tenant_id: undefined },
    ];
    const odd: SendGridEvent[] = [
      eventOf(one, 'open', seconds(), { useragent: 'a\u0000b\ud800c', url: { a: 1 }, reason: 7, __proto__: { x: 1 }, new_field: [1] }),
    ];
    const answer = await post([bad[0], good[0], ...bad.slice(1), ...odd, good[1]]);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ events: 11 });
    await applied();
    const batch = await lastBatch();
    expect(batch).toMatchObject({ event_count: 11, stored_count: 3, error_count: 8 });
    expect(batch.errors!.map(({ index }) => index)).toEqual([0, 2, 3, 4, 5, 6, 7, 8]);
    expect(batch.errors![4].message).toContain('timestamp');
    expect((await ledgerOf(id)).map(({ status }) => status)).toEqual(['delivered', 'delivered']);
  });

  it('refuses what is not signed, wrongly or long ago, and what is too much, without taking anything from it', async () => {
    const id = await sent(1);
    const [mail] = mailOf(id).map(target);
    const body = JSON.stringify([eventOf(mail, 'bounce', seconds())]);
    const headers = signer.headers(body, now());
    const TIMESTAMP = 'x-twilio-email-event-webhook-timestamp';
    const SIGNATURE = 'x-twilio-email-event-webhook-signature';
    const stamp = headers[TIMESTAMP];
    const shifted = `${stamp.slice(-1)}${body}`;
    const at = (offset: number) => signer.headers(body, new Date(now().getTime() + offset * 1000));
    const calls: [number, string, Record<string, string>][] = [
      [401, body, { 'content-type': 'application/json' }],
      [401, body, { ...headers, [SIGNATURE]: '' }],
      [401, body, { ...headers, [SIGNATURE]: 'garbage' }],
      [401, body, { ...headers, [SIGNATURE]: Buffer.alloc(4_000, 0x30).toString('base64') }],
      [401, body.replace('bounce', 'bounc3'), headers],
      [401, JSON.stringify(JSON.parse(body), null, 1), headers],
      // The digit moved over into the body verifies: only the ten digits stop it.
      [401, shifted, { ...headers, [TIMESTAMP]: stamp.slice(0, -1) }],
      [401, body, { ...headers, [TIMESTAMP]: `${stamp}.0` }],
      [401, body, new SendGridSigner().headers(body, now())],
      [401, body, at(-25 * 3600 - 60)],
      [401, body, at(400)],
      [400, '{', signer.headers('{', now())],
      [400, '{}', signer.headers('{}', now())],
      [400, 'null', signer.headers('null', now())],
      [400, '\xff', signer.headers('\xff', now())],
      [413, JSON.stringify(Array(1001).fill({})), signer.headers(JSON.stringify(Array(1001).fill({})), now())],
      [413, `["${'x'.repeat(1024 * 1024)}"]`, signer.headers(`["${'x'.repeat(1024 * 1024)}"]`, now())],
      [413, `["${'x'.repeat(1024 * 1024)}"]`, { ...signer.headers(`["${'x'.repeat(1024 * 1024)}"]`, now()), 'content-type': 'text/plain' }],
    ];
    const [before] = await sql<{ n: number }>(`SELECT count(*)::int AS n FROM webhook_batches`);
    for (const [status, text, sentHeaders] of calls) {
      const answer = await fetch(url(), { method: 'POST', body: text, headers: sentHeaders });
      expect([text.slice(0, 40), JSON.stringify(sentHeaders).slice(0, 200), answer.status]).toEqual([
        text.slice(0, 40),
        JSON.stringify(sentHeaders).slice(0, 200),
        status,
      ]);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
    }
    expect(await sql(`SELECT count(*)::int AS n FROM webhook_batches`)).toEqual([before]);
    expect((await ledgerOf(id))[0].status).toBe('sent');
    // What is old but within SendGrid's day of repetitions counts.
    const late = await fetch(url(), { method: 'POST', body, headers: at(-24 * 3600) });
    expect(late.status).toBe(200);
    await applied();
    expect((await ledgerOf(id))[0].status).toBe('bounced');
    expect((await fetch(`${url()}/no-such-account`, { method: 'POST', body, headers })).status).toBe(404);
  });

  it('lets the account of one tenant tell nothing about the messages of another', async () => {
    const id = await sent(1);
    const [mine] = mailOf(id).map(target);
    const stranger = await app.tenant('Stranger');
    const theirs = new SendGridSigner();
    app.app
      .get(WebhookAccounts)
      .register((key) =>
        Promise.resolve(key === 'stranger-key' ? { tenantId: stranger.tenantId, publicKey: readP256PublicKey(theirs.publicKey) } : null),
      );
    const account = `${url()}/stranger-key`;
    const { tenant_id: _tenant, ...withoutTenant } = eventOf(mine, 'bounce', seconds(1));
    const forged = [
      eventOf(mine, 'bounce', seconds()),
      withoutTenant,
      { ...eventOf(mine, 'spamreport', seconds(2)), tenant_id: stranger.tenantId },
    ];
    expect((await postEvents(account, theirs, forged, now())).status).toBe(200);
    // Nor does the installation's key open the account's address.
    expect((await postEvents(account, signer, forged, now())).status).toBe(401);
    await applied();
    expect(await lastBatch()).toMatchObject({ event_count: 3, foreign_count: 1, stored_count: 2 });
    expect(await ledgerOf(id)).toEqual([expect.objectContaining({ status: 'sent', bounced_at: null, complained_at: null })]);
    expect(await sql(`SELECT FROM suppressions WHERE tenant_id = ANY ($1)`, [[tenantId, stranger.tenantId]])).toEqual([]);
    // They wait in the stranger's own events, where they never find a message.
    expect(await sql(`SELECT FROM email_events WHERE tenant_id = $1 AND applied_at IS NULL`, [stranger.tenantId])).toHaveLength(2);
  });

  it('settles messages in doubt by the events that come for them, and the contacts go on', async () => {
    await story.importContacts(6);
    const id = await story.campaign({ campaignType: 'drip' }, [emailStep(), waitStep(3, 'days'), emailStep()]);
    // SendGrid takes every message; of half of them the answer is lost, and of half of those so is the whole message.
    let nth = 0;
    sendgrid.script = ({ mail }) => {
      if (mail.custom_args.campaign_id !== id) return undefined;
      nth += 1;
      return nth % 2 === 0 ? { reset: true, accept: nth % 4 === 0 } : undefined;
    };
    await story.launch(id);
    const statuses = async () => (await ledgerOf(id)).map(({ status }) => status).sort();
    await until(async () => (await statuses()).join() === 'sent,sent,sent,unknown,unknown,unknown', {
      deadlineMs: 20_000,
      what: 'three messages to be in doubt',
    });
    sendgrid.script = undefined;
    const taken = mailOf(id).map(target);
    expect(taken).toHaveLength(4);
    await sendgrid.emit(
      { url: url(), signer, now, types: ['processed', 'delivered'], shuffle: true },
      (mail) => mail.custom_args.campaign_id === id,
    );
    await applied();
    expect(await statuses()).toEqual(['delivered', 'delivered', 'delivered', 'delivered', 'unknown', 'unknown']);
    const waiting = await sql(
      `SELECT count(*)::int AS n FROM campaign_contacts n JOIN campaign_steps s ON s.tenant_id = n.tenant_id AND s.id = n.current_step_id
        WHERE n.campaign_id = $1 AND s.step_type = 'wait'`,
      [id],
    );
    expect(waiting).toEqual([{ n: 4 }]);
    // Nobody got a second copy.
    expect(new Set(taken.map(({ email }) => email)).size).toBe(4);
  });

  it('applies events that overtake the answer to the sending', async () => {
    await story.importContacts(1);
    const id = await story.campaign();
    let early: Promise<number> | undefined;
    sendgrid.script = ({ mail }) => {
      if (mail.custom_args.campaign_id !== id) return undefined;
      early = post([eventOf(target(mail), 'processed', seconds()), eventOf(target(mail), 'delivered', seconds(1))]).then(
        ({ status }) => status,
      );
      return { delayMs: 700 };
    };
    await story.launch(id);
    await story.reaches(id, 'completed');
    sendgrid.script = undefined;
    expect(await early).toBe(200);
    await applied();
    expect(await ledgerOf(id)).toEqual([expect.objectContaining({ status: 'delivered' })]);
  });
});
