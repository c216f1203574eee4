import { affected, row, rows } from '../../src/database/index.js';
import { ApiClient } from '../support/api-client.js';
import { until } from '../support/poll.js';
import { freePort } from '../support/ports.js';
import { SendGridDouble, type SendGridMail } from '../support/sendgrid-double.js';
import { SmtpSink } from '../support/smtp-sink.js';
import { emailStep, Story } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

/** What providers and people answer to the pace of a campaign; the provider is a double of SendGrid that counts what it was given. */
describe('pacing against a provider', () => {
  let database: TestDatabase;
  let app: TestApp;
  let sendgrid: SendGridDouble;
  let receiver: WebhookReceiver;
  let api: ApiClient;
  let tenantId: string;
  let story: Story;

  const start = () =>
    startTestApp({
      databaseUrl: database.url,
      clock: app?.clock,
      env: {
        SENDGRID_API_KEY: sendgrid.apiKey,
        SENDGRID_BASE_URL: sendgrid.url,
        SENDGRID_CONNECTIONS: '4',
        ALLOW_PRIVATE_NETWORKS: 'true',
      },
    });

  beforeAll(async () => {
    [database, sendgrid, receiver] = await Promise.all([createTestDatabase(), SendGridDouble.start(), WebhookReceiver.start()]);
    app = await start();
  });
  beforeEach(async () => {
    app.clock.set('2030-01-07T08:00:00Z');
    ({ api, tenantId } = await app.tenant());
    story = new Story(app, api);
    sendgrid.messages.length = 0;
    sendgrid.script = undefined;
  });
  afterAll(async () => {
    await app?.close();
    await Promise.all([sendgrid?.stop(), receiver?.stop()]);
    await database?.drop();
  });

  const recipientOf = (mail: SendGridMail) => mail.personalizations[0].to[0].email;
  const of = (id: string) => sendgrid.messages.filter((mail) => mail.custom_args.campaign_id === id).map(recipientOf);
  const query = <T extends object>(sql: string, ...params: unknown[]) =>
    app.db.inTenant(tenantId, (tx) => rows<T>(tx, sql, [tenantId, ...params]));
  const count = async (id: string, status: string) =>
    (
      await query<{ n: number }>(
        'SELECT count(*)::int AS n FROM emails WHERE tenant_id = $1 AND campaign_id = $2 AND status = $3',
        id,
        status,
      )
    )[0].n;
  const restart = async () => {
    await app.close();
    app = await start();
    api = new ApiClient(app.baseUrl, api.apiKey);
    story = new Story(app, api);
  };

  it('that answers 429 to most requests for a while gets every message once, and nobody’s attempts are used up', async () => {
    await story.importContacts(80);
    let refused = 0;
    sendgrid.script = ({ nth }) => {
      if (refused >= 30 || nth % 4 === 0) return undefined;
      refused++;
      return { status: 429, headers: { 'retry-after': '1' } };
    };
    const id = await story.campaign();
    await story.launch(id);
    await until(
      async () => {
        await story.settles(id);
        app.clock.advance({ seconds: 40 });
        return (await story.get(id)).status === 'completed';
      },
      { deadlineMs: 100_000, what: 'the storm to pass' },
    );
    expect(refused).toBe(30);
    expect(of(id)).toHaveLength(80);
    expect(new Set(of(id)).size).toBe(80);
    expect(
      await query(`SELECT 1 FROM emails WHERE tenant_id = $1 AND campaign_id = $2 AND (status <> 'sent' OR attempts <> 1)`, id),
    ).toEqual([]);
  }, 120_000);

  it('keeps the breaker of one account away from the campaigns of another, and sends the held mail once it closes', async () => {
    const sink = await SmtpSink.start();
    try {
      await story.importContacts(60);
      const smtp = { host: '127.0.0.1', port: await freePort(), encryption: 'none' };
      const account = await api.must(201, api.post('/api/provider-accounts', { name: 'Dead', kind: 'smtp', smtp }));
      const stuck = await story.campaign({ providerAccountId: account.id });
      await story.launch(stuck);
      const key = `account/${account.id}`;
      const health = () =>
        app.db.asSystem((tx) => row<{ state: string }>(tx, 'SELECT state FROM provider_health WHERE account_key = $1', [key]));
      await until(
        async () => {
          if ((await health())?.state === 'open') return true;
          app.clock.advance({ seconds: 40 });
          return false;
        },
        { deadlineMs: 30_000, what: 'the breaker to open' },
      );
      const free = await story.campaign();
      await story.launch(free);
      await story.reaches(free, 'completed');
      expect(new Set(of(free)).size).toBe(60);
      expect(of(free)).toHaveLength(60);
      expect((await health())?.state).not.toBe('closed');
      expect(await count(stuck, 'queued')).toBe(60);
      await api.must(200, api.patch(`/api/provider-accounts/${account.id}`, { smtp: { port: sink.port } }));
      await until(
        async () => {
          await app.db.asSystem((tx) =>
            affected(
              tx,
              `UPDATE provider_health SET retry_at = clock_timestamp() - interval '1 ms' WHERE account_key = $1 AND state = 'open'`,
              [key],
            ),
          );
          app.clock.advance({ minutes: 2 });
          return (await story.get(stuck)).status === 'completed';
        },
        { deadlineMs: 60_000, what: 'the mended account to send' },
      );
      const got = sink.messages.flatMap(({ to }) => to);
      expect(got).toHaveLength(60);
      expect(new Set(got).size).toBe(60);
    } finally {
      await sink.stop();
    }
  }, 120_000);

  it('keeps the rate of each provider account over a restart, for all its campaigns together', async () => {
    await story.importContacts(60);
    await api.must(200, api.put('/api/pacing', { accountRatePerMinute: 120 }));
    const account = (name: string) =>
      api.must(201, api.post('/api/provider-accounts', { name, kind: 'sendgrid', sendgrid: { apiKey: sendgrid.apiKey } }));
    const [a, b] = [await account('A'), await account('B')];
    const ids: string[] = [];
    for (const providerAccountId of [a.id, a.id, b.id]) {
      const id = await story.campaign({ providerAccountId });
      await story.launch(id);
      ids.push(id);
    }
    const settle = async () => {
      for (const id of ids) await story.settles(id);
      return [of(ids[0]).length + of(ids[1]).length, of(ids[2]).length];
    };
    // Ten at once are five seconds' worth.
    expect(await settle()).toEqual([10, 10]);
    await restart();
    expect(await settle()).toEqual([10, 10]);
    for (let i = 0; i < 10; i++) {
      app.clock.advance({ seconds: 1 });
      await settle();
    }
    const [ofA, ofB] = await settle();
    for (const sent of [ofA, ofB]) {
      expect(sent).toBeGreaterThan(10);
      expect(sent).toBeLessThanOrEqual(30);
    }
    await restart();
    expect(await settle()).toEqual([ofA, ofB]);
  }, 120_000);

  it('sends by the clock of each contact: inside the window, outside the quiet hours, which receipts need not keep', async () => {
    await story.importContacts(
      [
        'london@example.com,Europe/London',
        'berlin@example.com,Europe/Berlin',
        'york@example.com,America/New_York',
        'tokyo@example.com,Asia/Tokyo',
      ],
      'email,timezone',
    );
    await api.must(200, api.put('/api/pacing', { quietHours: { from: '20:00', to: '10:00' } }));
    const news = await story.campaign({ sendWindow: { from: '09:00', to: '18:00', weekdays: [1, 2, 3, 4, 5] } });
    const receipt = await story.campaign({ category: 'transactional' });
    // Monday 08:30 in London, 09:30 in Berlin, 03:30 in New York, 17:30 in Tokyo.
    app.clock.set('2030-01-07T08:30:00Z');
    await story.launch(news);
    await story.launch(receipt);
    await story.settles(receipt);
    expect(of(receipt)).toHaveLength(4);
    const sentBy = async (instant: string) => {
      app.clock.set(instant);
      await story.settles(news);
      return of(news).map((email) => email.split('@')[0]);
    };
    expect(await sentBy('2030-01-07T08:30:00Z')).toEqual(['tokyo']);
    expect(await sentBy('2030-01-07T08:59:59Z')).toEqual(['tokyo']);
    expect(await sentBy('2030-01-07T09:00:00Z')).toEqual(['tokyo', 'berlin']);
    expect(await sentBy('2030-01-07T10:00:00Z')).toEqual(['tokyo', 'berlin', 'london']);
    expect(await sentBy('2030-01-07T14:59:59Z')).toHaveLength(3);
    expect(await sentBy('2030-01-07T15:00:00Z')).toEqual(['tokyo', 'berlin', 'london', 'york']);
  });

  it('refuses to launch a campaign whose window lies wholly inside the quiet hours, and says what to change', async () => {
    await story.importContacts(1);
    await api.must(200, api.put('/api/pacing', { quietHours: { from: '20:00', to: '10:00' } }));
    const id = await story.campaign({ sendWindow: { from: '08:00', to: '10:00' } });
    const found = async () => (await api.must(200, api.get(`/api/campaigns/${id}/preflight`))).errors.map(({ code }: any) => code);
    expect(await found()).toContain('send_window_never_opens');
    const refused = await api.must(422, api.post(`/api/campaigns/${id}/launch`));
    expect(refused.errors).toContainEqual(expect.objectContaining({ path: 'sendWindow' }));
    await api.must(200, api.patch(`/api/campaigns/${id}`, { sendWindow: { from: '08:00', to: '10:01' } }));
    expect(await found()).not.toContain('send_window_never_opens');
    const receipt = await story.campaign({ category: 'transactional', sendWindow: { from: '08:00', to: '10:00' } });
    const other = (await api.must(200, api.get(`/api/campaigns/${receipt}/preflight`))).errors;
    expect(other.map(({ code }: any) => code)).not.toContain('send_window_never_opens');
  });

  it('pauses by itself when too many complain, says why on the campaign and to the tenant’s program, and resumes with the remainder only', async () => {
    await api.must(201, api.post('/api/webhooks', { url: receiver.url('/paused'), eventTypes: ['campaign.paused'] }));
    await story.importContacts(40);
    const thresholds = { complaintPercent: 5, complaintMinSent: 20 };
    const id = await story.campaign({ rampPlan: [{ day: 1, messages: 25 }], pauseThresholds: thresholds }, [emailStep()]);
    await story.launch(id);
    await until(async () => (await count(id, 'sent')) === 25, { what: 'the first day of the ramp' });
    await app.db.inTenant(tenantId, (tx) =>
      affected(
        tx,
        `INSERT INTO email_events (tenant_id, email_id, campaign_id, type, source, occurred_at, dedupe_key)
         SELECT tenant_id, id, campaign_id, 'complained', 'sendgrid', $2, 'complained-' || id
           FROM emails WHERE tenant_id = $1 AND campaign_id = $3 AND status = 'sent' ORDER BY id LIMIT 2`,
        [tenantId, app.clock.now(), id],
      ),
    );
    const paused = await story.reaches(id, 'paused');
    expect(paused.pauseReason).toBe('complaint_rate');
    const told = await until(() => receiver.at('/paused')[0], { what: 'the event' });
    expect(told.body.data).toMatchObject({
      campaignId: id,
      status: 'paused',
      pauseReason: 'complaint_rate',
      pauseDetail: paused.pauseDetail,
    });
    app.clock.advance({ days: 2 });
    // Another campaign goes out, so the workers have looked, and nothing of this one has.
    const other = await story.campaign();
    await story.launch(other);
    await story.reaches(other, 'completed');
    expect(of(id)).toHaveLength(25);
    await api.must(200, api.post(`/api/campaigns/${id}/resume`));
    await story.reaches(id, 'completed');
    expect(of(id)).toHaveLength(40);
    expect(new Set(of(id)).size).toBe(40);
    expect(receiver.at('/paused')).toHaveLength(1);
  }, 60_000);
});
