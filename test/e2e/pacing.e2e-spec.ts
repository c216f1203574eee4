import { affected, rows } from '../../src/database/index.js';
import type { ApiClient } from '../support/api-client.js';
import { until } from '../support/poll.js';
import { Story } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

describe('pacing over HTTP', () => {
  let app: TestApp;
  let second: TestApp | undefined;
  let api: ApiClient;
  let tenantId: string;
  let story: Story;

  beforeAll(async () => {
    app = await startTestApp({ env: { MAIL_PROVIDER: 'null' } });
  });
  beforeEach(async () => {
    ({ api, tenantId } = await app.tenant());
    story = new Story(app, api);
  });
  // It would do some of the next test's work, which then shows on its metrics.
  afterEach(async () => {
    await second?.close();
    second = undefined;
  });
  afterAll(() => app.close());

  const statuses = async (id: string) => {
    const found = await app.db.inTenant(tenantId, (tx) =>
      rows<{ status: string; count: number }>(
        tx,
        `SELECT status, count(*)::int AS count FROM emails WHERE tenant_id = $1 AND campaign_id = $2 GROUP BY status`,
        [tenantId, id],
      ),
    );
    return Object.fromEntries(found.map(({ status, count }) => [status, count]));
  };

  it('keeps a rate with two applications on one database, and over the restart of both', async () => {
    await story.importContacts(100);
    const id = await story.campaign({ sendRatePerMinute: 60 });
    second = await startTestApp({ env: { MAIL_PROVIDER: 'null' }, databaseUrl: app.databaseUrl, clock: app.clock });
    await story.launch(id);
    await story.settles(id);
    expect(await statuses(id)).toEqual({ sent: 5, queued: 95 });
    await second.close();
    second = await startTestApp({ env: { MAIL_PROVIDER: 'null' }, databaseUrl: app.databaseUrl, clock: app.clock });
    await story.settles(id);
    expect(await statuses(id)).toEqual({ sent: 5, queued: 95 });
    app.clock.advance({ seconds: 10 });
    await story.settles(id);
    const { sent, queued } = await statuses(id);
    expect(sent).toBeGreaterThanOrEqual(9);
    expect(sent).toBeLessThanOrEqual(15);
    expect(sent + queued).toBe(100);
  });

  it('tells the operators on /metrics how late mail is, what was sent, and what waits', async () => {
    await story.importContacts(10);
    const id = await story.campaign({ sendRatePerMinute: 60 });
    await story.launch(id);
    await until(async () => ((await statuses(id)).sent ?? 0) >= 5, { what: 'the first messages of the rate' });
    await story.settles(id);
    // A worker that hangs: its rows are leased and overdue.
    const hung = `UPDATE emails SET due_at = $3, lease_expires_at = clock_timestamp() + interval '1 hour' WHERE tenant_id = $1 AND campaign_id = $2 AND status = 'queued'`;
    const hourAgo = new Date(app.clock.now().getTime() - 3_600_000);
    expect(await app.db.inTenant(tenantId, (tx) => affected(tx, hung, [tenantId, id, hourAgo]))).toBeGreaterThan(0);
    const text = await (await fetch(`${app.baseUrl}/metrics`)).text();
    const value = (series: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${series} `))
          ?.slice(series.length),
      );
    expect(value('campaign_messages_due_lag_seconds')).toBeGreaterThanOrEqual(3_600);
    expect(value('campaign_messages_total{outcome="sent"}')).toBeGreaterThanOrEqual(5);
    expect(value('campaign_message_failures_total{class="held",reason="rate_limited"}')).toBeGreaterThan(0);
    expect(text).not.toMatch(/^campaign_\w+\{.*reason="other"/m);
    expect(value('campaign_contacts_due_lag_seconds')).toBeGreaterThanOrEqual(0);
    for (const stage of ['webhook_call', 'hit', 'event']) expect(value(`campaign_events_lag_seconds{stage="${stage}"}`)).toBe(0);
    expect(value('queue_jobs{queue="delivery",state="waiting"}')).toBeGreaterThanOrEqual(0);
    expect(value('database_connections{pool="app",state="total"}')).toBeGreaterThan(0);
    expect(text).not.toMatch(new RegExp(`${id}|${tenantId}`));
  });

  it('shows why a campaign was paused; resuming sends only the remainder, and counts afresh', async () => {
    await story.importContacts(30);
    const id = await story.campaign({
      rampPlan: [{ day: 1, messages: 20 }],
      pauseThresholds: { bouncePercent: 10, bounceMinSent: 20 },
    });
    await story.launch(id);
    await until(async () => (await statuses(id)).sent === 20, { what: 'the first day of the ramp' });
    await app.db.inTenant(tenantId, (tx) =>
      affected(
        tx,
        `INSERT INTO email_events (tenant_id, email_id, campaign_id, type, source, occurred_at, dedupe_key, bounce_class)
         SELECT tenant_id, id, campaign_id, 'bounced', 'sendgrid', $2, 'bounced-' || id, 'hard'
           FROM emails WHERE tenant_id = $1 AND campaign_id = $3 AND status = 'sent' ORDER BY id LIMIT 2`,
        [tenantId, app.clock.now(), id],
      ),
    );
    const paused = await story.reaches(id, 'paused');
    expect(paused).toMatchObject({ pauseReason: 'bounce_rate', pauseDetail: '2 bounces of 20 messages sent: 10.00 %, the limit is 10 %' });
    expect(paused).not.toHaveProperty('ratesCountedFrom');
    app.clock.advance({ days: 1 });
    await api.must(200, api.post(`/api/campaigns/${id}/resume`));
    await until(async () => (await statuses(id)).sent === 28, { what: 'the remainder to go out' });
    expect(await statuses(id)).toEqual({ sent: 28, bounced: 2 });
    expect(await story.get(id)).toMatchObject({ pauseReason: null, pauseDetail: null });
    const twice = await app.db.inTenant(tenantId, (tx) =>
      rows(
        tx,
        `SELECT to_email FROM emails WHERE tenant_id = $1 AND campaign_id = $2 GROUP BY to_email HAVING count(*) > 1 OR max(attempts) > 1`,
        [tenantId, id],
      ),
    );
    expect(twice).toEqual([]);
  });

  it('takes what makes sense and says where the rest does not', async () => {
    const settings = {
      quietHours: { from: '21:00', to: '08:00' },
      frequencyCap: { messages: 3, perDays: 7 },
      accountRatePerMinute: 6000,
      domainRates: [{ domain: 'gmail.com', perMinute: 300 }],
      pauseThresholds: { bouncePercent: 3 },
    };
    expect(await api.must(200, api.put('/api/pacing', settings))).toEqual(settings);
    expect(await api.must(200, api.get('/api/pacing'))).toEqual(settings);
    const sendWindow = { from: '09:00', to: '18:00', weekdays: [1, 2, 3, 4, 5] };
    const over = { sendRatePerMinute: 600, sendWindow, rampPlan: [{ day: 1, percent: 5 }], frequencyCap: { messages: 1, perDays: 1 } };
    const id = await story.campaign(over);
    expect(await story.get(id)).toMatchObject(over);
    const clone = await api.must(201, api.post(`/api/campaigns/${id}/clone`));
    expect(clone).toMatchObject(over);
    for (const [status, body] of [
      [400, { sendRatePerMinute: 0 }],
      [400, { sendWindow: { from: '9', to: '18:00' } }],
      [400, { sendWindow: { from: '09:00', to: '18:00', weekdays: [8] } }],
      [400, { rampPlan: 'fast' }],
      [400, { frequencyCap: { messages: 1, perDays: 1, policy: 'drop' } }],
      [422, { sendWindow: { from: '18:00', to: '09:00' } }],
      [422, { rampPlan: [{ day: 1 }] }],
      [
        422,
        {
          rampPlan: [
            { day: 2, messages: 1 },
            { day: 1, messages: 2 },
          ],
        },
      ],
    ] as const) {
      const answer = await api.must(status, api.patch(`/api/campaigns/${id}`, body));
      expect(answer.errors[0].path).toMatch(new RegExp(`^${Object.keys(body)[0]}`));
    }
    await api.must(400, api.put('/api/pacing', { domainRates: [{ domain: 'GMAIL', perMinute: 1 }] }));
    await api.must(
      200,
      api.patch(`/api/campaigns/${id}`, { sendRatePerMinute: null, rampPlan: null, sendWindow: null, frequencyCap: null }),
    );
    expect(await story.get(id)).toMatchObject({ sendRatePerMinute: null, rampPlan: null, sendWindow: null, frequencyCap: null });
  });
});
