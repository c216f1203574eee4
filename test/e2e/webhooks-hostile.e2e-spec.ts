import { until } from '../support/poll.js';
import { SendGridDouble, targetOf, type SendGridMail } from '../support/sendgrid-double.js';
import { eventOf, postEvents, SendGridSigner, type EventTarget } from '../support/sendgrid-events.js';
import { Story } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

/** Signed calls whose content nobody foresaw: a call that cannot be taken apart must hold up no other, and no bounce may be lost over a text. */
describe('odd content in the SendGrid event webhook', () => {
  const signer = new SendGridSigner();
  let app: TestApp;
  let sendgrid: SendGridDouble;
  let story: Story;
  let targets: EventTarget[];

  beforeAll(async () => {
    sendgrid = await SendGridDouble.start();
    app = await startTestApp({
      env: { SENDGRID_API_KEY: sendgrid.apiKey, SENDGRID_BASE_URL: sendgrid.url, SENDGRID_WEBHOOK_PUBLIC_KEY: signer.publicKey },
    });
    story = new Story(app, (await app.tenant()).api);
  });
  afterAll(async () => {
    await app?.close();
    await sendgrid?.stop();
  });
  beforeEach(async () => {
    await story.importContacts(Array.from({ length: 3 }, () => `${app.clock.now().getTime()}-${++made}@example.com,Ada,pro`));
    sendgrid.messages.length = 0;
    const id = await story.campaign();
    await story.launch(id);
    await story.reaches(id, 'completed');
    targets = sendgrid.messages
      .filter((mail: SendGridMail) => mail.custom_args.campaign_id === id)
      .map(targetOf)
      .slice(-3);
  });
  let made = 0;

  const url = () => `${app.baseUrl}/webhooks/sendgrid/events`;
  const seconds = () => Math.floor(app.clock.now().getTime() / 1000);
  const sql: TestApp['sql'] = (text, params) => app.sql(text, params);
  const post = (batch: unknown) => postEvents(url(), signer, batch, app.clock.now());
  const statusOf = async ({ customArgs }: EventTarget) =>
    (await sql<{ status: string }>(`SELECT status FROM emails WHERE id = $1`, [customArgs.email_id]))[0]?.status;
  const suppressed = async ({ email }: EventTarget) =>
    (await sql<{ reason: string }>(`SELECT reason FROM suppressions WHERE email_norm = lower($1)`, [email])).map(({ reason }) => reason);
  const becomes = (target: EventTarget, status: string) =>
    until(async () => (await statusOf(target)) === status, { deadlineMs: 15_000, what: `${target.email} to be ${status}` });

  it.each([
    ['an entry nested a hundred thousand levels deep', () => `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['an unreadable entry that is cut in the middle of an emoji', () => JSON.stringify({ event: 7, pad: '😀'.repeat(1_000) })],
    ['an unreadable entry that is cut there one letter later', () => JSON.stringify({ event: 7, padd: '😀'.repeat(1_000) })],
  ])('loses neither the bounce beside %s nor the calls behind it', async (_what, entry) => {
    const [one, two] = targets;
    const body = `[${entry()},${JSON.stringify(eventOf(one, 'bounce', seconds()))}]`;
    const answer = await fetch(url(), { method: 'POST', body, headers: signer.headers(body, app.clock.now()) });
    expect(answer.status).toBe(200);
    expect((await post([eventOf(two, 'spamreport', seconds())])).status).toBe(200);
    await becomes(one, 'bounced');
    await becomes(two, 'delivered');
    expect(await suppressed(one)).toEqual(['hard_bounce']);
    expect(await suppressed(two)).toEqual(['complaint']);
    expect(await sql(`SELECT FROM webhook_batches WHERE processed_at IS NULL`)).toEqual([]);
  });

  it.each([
    ['half of a surrogate pair', 'no such user \ud800'],
    ['an emoji where the text is cut', `${'x'.repeat(499)}😀`],
    ['NUL', 'no such\u0000user'],
  ])('suppresses an address also when the reason of its bounce has %s', async (_what, reason) => {
    const [one] = targets;
    await post([eventOf(one, 'bounce', seconds(), { reason })]);
    await becomes(one, 'bounced');
    expect(await suppressed(one)).toEqual(['hard_bounce']);
  });

  it('keeps no address of somebody who is erased, not even where a provider quoted it, before or afterwards', async () => {
    const [one] = targets;
    await story.api.must(
      201,
      story.api.post('/api/webhooks', { url: 'https://hooks.invalid/', eventTypes: ['email.bounced', 'email.clicked'] }),
    );
    const reason = `550 5.1.1 <${one.email}>: no such user`;
    const url = `https://acme.example/offer?for=${encodeURIComponent(one.email)}`;
    await post([eventOf(one, 'click', seconds() - 1, { url }), eventOf(one, 'bounce', seconds(), { reason })]);
    const TABLES = ['contacts', 'emails', 'email_events', 'webhook_deliveries', 'soft_bounces', 'campaign_contacts', 'audit_log'];
    const quoting = async () => {
      const found = await Promise.all(
        TABLES.map(async (table) => {
          const hits = await sql(`SELECT 1 FROM ${table} t WHERE strpos(replace(t::text, '%40', '@'), $1) > 0`, [one.email]);
          return [table, hits.length] as const;
        }),
      );
      return Object.fromEntries(found.filter(([, count]) => count > 0));
    };
    await until(async () => (await quoting()).webhook_deliveries === 2, { deadlineMs: 15_000, what: 'both webhooks to be stored' });
    expect(Object.keys(await quoting())).toEqual(expect.arrayContaining(['contacts', 'emails', 'email_events']));
    await story.api.must(204, story.api.delete(`/api/contacts/${await story.contactId(one.email)}`));
    expect(await quoting()).toEqual({});
    await post([eventOf(one, 'dropped', seconds() + 1, { reason })]);
    const arrived = () => sql(`SELECT FROM email_events WHERE email_id = $1 AND type = 'dropped'`, [one.customArgs.email_id]);
    await until(async () => (await arrived()).length === 1, { deadlineMs: 15_000, what: 'the late event' });
    expect(await quoting()).toEqual({});
  });

  it('goes on with later calls when some that are stored cannot be taken apart, and keeps those', async () => {
    const [one] = targets;
    await sql(
      `INSERT INTO webhook_batches (id, provider, body, received_at)
       SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'sendgrid', 'no JSON', $1 FROM generate_series(1, 3) AS n`,
      [app.clock.now()],
    );
    await post([eventOf(one, 'bounce', seconds())]);
    await becomes(one, 'bounced');
    expect(await sql(`DELETE FROM webhook_batches WHERE processed_at IS NULL RETURNING id`)).toHaveLength(3);
  });
});
