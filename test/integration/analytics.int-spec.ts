import { rows } from '../../src/database/index.js';
import { AnalyticsService } from '../../src/modules/analytics/analytics.service.js';
import { DaysQueries } from '../../src/modules/analytics/days.queries.js';
import { RollupQueries } from '../../src/modules/analytics/rollup.queries.js';
import { Rollup } from '../../src/modules/analytics/rollup.service.js';
import { StepCountersQueries } from '../../src/modules/steps/index.js';
import { Factory, type MadeCampaign } from '../support/factories.js';
import { FakeClock } from '../support/fake-clock.js';
import { openTestDatabase, type OpenTestDatabase } from '../support/test-database.js';

const RATES = 'delivery_rate, open_rate, click_rate, reply_rate, unsubscribe_rate';
const COUNTS =
  'emails_sent, emails_delivered, emails_bounced, unique_opens, total_opens, unique_clicks, total_clicks, replies, spam_complaints, unsubscribes';

describe('the daily aggregation', () => {
  let database: OpenTestDatabase;
  let make: Factory;
  let clock: FakeClock;
  let rollup: Rollup;
  const rollups = new RollupQueries();
  let analytics: AnalyticsService;
  let tenantId: string;
  let queued: string[];
  let isQueueThere: boolean;

  beforeAll(async () => {
    database = await openTestDatabase();
    make = new Factory(database.db);
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    await database.asOwner('TRUNCATE tenants, email_events CASCADE');
    tenantId = await make.tenant();
    clock = new FakeClock('2030-02-01T02:00:00Z');
    queued = [];
    isQueueThere = false;
    rollup = new Rollup(database.db, rollups, new StepCountersQueries());
    const queue = { hint: async (job: string) => (isQueueThere && queued.push(job), isQueueThere) };
    analytics = new AnalyticsService(database.db, clock, new DaysQueries(), rollups, rollup, queue as never);
  });

  const stored = ({ campaignId }: MadeCampaign, columns = COUNTS) =>
    database.db.inTenant(tenantId, (tx) =>
      rows(tx, `SELECT date::text, ${columns} FROM campaign_analytics WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY date`, [
        tenantId,
        campaignId,
      ]),
    );

  it('counts every column, by the day on which each thing happened', async () => {
    const campaign = await make.campaign(tenantId, { launchedAt: '2030-01-10T08:00:00Z' });
    const mail = [];
    for (let i = 0; i < 8; i++) mail.push(await make.sent(campaign, '2030-01-10T09:00:00Z'));
    for (const email of mail.slice(0, 7)) await make.fact(email, 'delivered', '2030-01-10T09:01:00Z');
    await make.fact(mail[7], 'bounced', '2030-01-10T09:02:00Z');
    await make.fact(mail[0], 'opened', '2030-01-10T10:00:00Z');
    await make.fact(mail[0], 'opened', '2030-01-10T11:00:00Z');
    await make.fact(mail[0], 'opened', '2030-01-11T10:00:00Z');
    await make.fact(mail[1], 'opened', '2030-01-11T10:00:00Z');
    await make.fact(mail[1], 'clicked', '2030-01-11T10:01:00Z');
    await make.fact(mail[1], 'clicked', '2030-01-11T10:05:00Z');
    await make.fact(mail[2], 'opened', '2030-01-10T09:01:30Z', { isMachine: true });
    await make.fact(mail[2], 'clicked', '2030-01-10T09:01:31Z', { isMachine: true });
    await make.fact(mail[3], 'replied', '2030-01-12T08:00:00Z');
    await make.fact(mail[4], 'complained', '2030-01-12T09:00:00Z');
    await make.fact(mail[5], 'unsubscribed', '2030-01-10T12:00:00Z');

    expect(await analytics.refreshDays()).toEqual({ campaigns: 1, days: 3, failed: 0 });

    expect(await stored(campaign, `${COUNTS}, ${RATES}`)).toEqual([
      {
        date: '2030-01-10',
        emails_sent: 8,
        emails_delivered: 7,
        emails_bounced: 1,
        unique_opens: 1,
        total_opens: 2,
        unique_clicks: 0,
        total_clicks: 0,
        replies: 0,
        spam_complaints: 0,
        unsubscribes: 1,
        delivery_rate: '87.50',
        open_rate: '14.29',
        click_rate: '0.00',
        reply_rate: '0.00',
        unsubscribe_rate: '14.29',
      },
      expect.objectContaining({
        date: '2030-01-11',
        emails_sent: 0,
        unique_opens: 1,
        total_opens: 2,
        unique_clicks: 1,
        total_clicks: 2,
        delivery_rate: null,
        open_rate: null,
      }),
      expect.objectContaining({ date: '2030-01-12', replies: 1, spam_complaints: 1, unique_opens: 0, reply_rate: null }),
    ]);
  });

  it('counts what comes late on the day it happened, also for paused and completed campaigns', async () => {
    for (const status of ['paused', 'completed'] as const) {
      const campaign = await make.campaign(tenantId, { launchedAt: '2030-01-10T08:00:00Z', status });
      const email = await make.sent(campaign, '2030-01-10T09:00:00Z');
      await analytics.refreshDays();
      expect(await stored(campaign, 'unique_opens')).toEqual([{ date: '2030-01-10', unique_opens: 0 }]);
      clock.advance({ days: 1 });
      await make.fact(email, 'opened', '2030-01-10T15:00:00Z', { appliedAt: clock.now() });
      expect((await analytics.refreshDays()).campaigns).toBe(1);
      expect(await stored(campaign, 'unique_opens')).toEqual([{ date: '2030-01-10', unique_opens: 1 }]);
      clock.advance({ days: 1 });
    }
  });

  it('leaves campaigns alone to which nothing happened since they were counted', async () => {
    const campaign = await make.campaign(tenantId, { launchedAt: '2030-01-10T08:00:00Z' });
    await make.sent(campaign, '2030-01-10T09:00:00Z');
    expect((await analytics.refreshDays()).campaigns).toBe(1);
    clock.advance({ days: 1 });
    expect((await analytics.refreshDays()).campaigns).toBe(0);
  });

  it('computes only the days to which something happened', async () => {
    const campaign = await make.campaign(tenantId, { launchedAt: '2030-01-10T08:00:00Z' });
    const email = await make.sent(campaign, '2030-01-10T09:00:00Z');
    await make.fact(email, 'opened', '2030-01-11T09:00:00Z');
    expect((await analytics.refreshDays()).days).toBe(2);
    const before = clock.now();
    clock.advance({ days: 1 });
    await make.fact(email, 'clicked', '2030-01-11T10:00:00Z');
    expect(await analytics.refreshDays()).toEqual({ campaigns: 1, days: 1, failed: 0 });
    expect(await stored(campaign, 'unique_clicks, calculated_at')).toEqual([
      { date: '2030-01-10', unique_clicks: 0, calculated_at: before },
      { date: '2030-01-11', unique_clicks: 1, calculated_at: clock.now() },
    ]);
  });

  it('divides days at midnight of the campaign’s zone, also when clocks change', async () => {
    const berlin = await make.campaign(tenantId, { launchedAt: '2030-03-30T00:00:00Z', timezone: 'Europe/Berlin' });
    clock.set('2030-04-02T00:00:00Z');
    // The 31st has 23 hours there: from 23:00 UTC of the day before to 22:00 UTC.
    for (const at of ['2030-03-30T22:59:59.999Z', '2030-03-30T23:00:00Z', '2030-03-31T21:59:59.999Z', '2030-03-31T22:00:00Z']) {
      await make.sent(berlin, at);
    }
    const honolulu = await make.campaign(tenantId, { launchedAt: '2030-03-30T00:00:00Z', timezone: 'Pacific/Honolulu' });
    await make.fact(await make.sent(honolulu, '2030-03-31T09:59:00Z'), 'opened', '2030-03-31T10:00:00Z');
    await analytics.refreshDays();
    expect(await stored(berlin, 'emails_sent')).toEqual([
      { date: '2030-03-30', emails_sent: 1 },
      { date: '2030-03-31', emails_sent: 2 },
      { date: '2030-04-01', emails_sent: 1 },
    ]);
    expect(await stored(honolulu, 'emails_sent, unique_opens, total_opens')).toEqual([
      { date: '2030-03-30', emails_sent: 1, unique_opens: 0, total_opens: 0 },
      { date: '2030-03-31', emails_sent: 0, unique_opens: 1, total_opens: 1 },
    ]);
  });

  it('changes nothing when it runs again or twice at once, and takes days back that are no longer counted', async () => {
    const campaign = await make.campaign(tenantId, { launchedAt: '2030-01-10T08:00:00Z' });
    const email = await make.sent(campaign, '2030-01-10T09:00:00Z');
    await make.fact(email, 'opened', '2030-01-11T09:00:00Z');
    await analytics.refreshDays();
    const before = await stored(campaign);
    await Promise.all([analytics.rebuild(), analytics.rebuild(tenantId)]);
    expect(await stored(campaign)).toEqual(before);
    expect(before).toHaveLength(2);
    await database.db.inTenant(tenantId, (tx) =>
      rows(tx, `UPDATE emails SET first_human_opened_at = NULL, delivered_at = NULL WHERE tenant_id = $1`, [tenantId]),
    );
    await database.db.inTenant(tenantId, (tx) => rows(tx, `UPDATE email_events SET is_machine = true WHERE tenant_id = $1`, [tenantId]));
    await analytics.refreshDays();
    expect(await stored(campaign, 'emails_sent')).toEqual([{ date: '2030-01-10', emails_sent: 1 }]);
    await analytics.rebuild();
    expect(await stored(campaign, 'emails_sent')).toEqual([{ date: '2030-01-10', emails_sent: 1 }]);
  });

  it('never counts one tenant’s mail for another, and leaves the counting to a worker', async () => {
    const other = await make.tenant();
    const [mine, theirs] = [
      await make.campaign(tenantId, { launchedAt: '2030-01-10T08:00:00Z' }),
      await make.campaign(other, { launchedAt: '2030-01-10T08:00:00Z' }),
    ];
    await make.sent(mine, '2030-01-10T09:00:00Z');
    for (let i = 0; i < 2; i++) await make.sent(theirs, '2030-01-10T09:00:00Z');
    isQueueThere = true;
    await analytics.runDaily();
    expect(queued).toEqual(['aggregate-days']);
    expect(await stored(mine)).toEqual([]);
    expect(await analytics.refreshDays()).toEqual({ campaigns: 2, days: 2, failed: 0 });
    expect(await stored(mine, 'emails_sent')).toEqual([{ date: '2030-01-10', emails_sent: 1 }]);
    expect(await analytics.rebuild(other)).toEqual({ campaigns: 1, days: 1, failed: 0 });
  });

  it('does the work itself when the queue is away', async () => {
    const campaign = await make.campaign(tenantId, { launchedAt: '2030-01-10T08:00:00Z' });
    await make.sent(campaign, '2030-01-10T09:00:00Z');
    await analytics.runDaily();
    expect(await stored(campaign, 'emails_sent')).toEqual([{ date: '2030-01-10', emails_sent: 1 }]);
  });

  it('counts the others when one campaign cannot be counted', async () => {
    const [good, bad] = [
      await make.campaign(tenantId, { launchedAt: '2030-01-10T08:00:00Z' }),
      await make.campaign(tenantId, { launchedAt: '2030-01-10T08:00:00Z', timezone: 'Mars/Olympus' }),
    ];
    for (const campaign of [good, bad]) await make.sent(campaign, '2030-01-10T09:00:00Z');
    expect(await analytics.refreshDays()).toEqual({ campaigns: 1, days: 1, failed: 1 });
    expect(await stored(good, 'emails_sent')).toHaveLength(1);
  });

  it('stores rates that fit where a day sees far more openings than deliveries', async () => {
    const campaign = await make.campaign(tenantId, { launchedAt: '2030-01-10T08:00:00Z' });
    const mail = [];
    for (let i = 0; i < 11; i++) mail.push(await make.sent(campaign, '2030-01-10T09:00:00Z'));
    for (const email of mail) await make.fact(email, 'delivered', '2030-01-10T09:01:00Z');
    await make.fact(await make.sent(campaign, '2030-01-11T09:00:00Z'), 'delivered', '2030-01-11T09:01:00Z');
    for (const email of mail) await make.fact(email, 'opened', '2030-01-11T10:00:00Z');
    await analytics.refreshDays();
    expect(await stored(campaign, 'open_rate')).toEqual([
      { date: '2030-01-10', open_rate: '0.00' },
      { date: '2030-01-11', open_rate: '999.99' },
    ]);
  });

  it('finds rollups that are wrong, and makes them right while mail goes on', async () => {
    const campaign = await make.campaign(tenantId, { launchedAt: '2030-01-10T08:00:00Z' });
    const email = await make.sent(campaign, '2030-01-10T09:00:00Z');
    await rollup.run();
    const wrong = () => database.db.inTenant(tenantId, (tx) => rollups.differences(tx, tenantId, null));
    expect(await wrong()).toEqual([]);
    await database.db.inTenant(tenantId, async (tx) => {
      await rows(tx, 'UPDATE analytics_buckets SET sent = 5 WHERE tenant_id = $1', [tenantId]);
      await rows(tx, `UPDATE analytics_states SET n = n + 1 WHERE tenant_id = $1 AND kind = 'person'`, [tenantId]);
    });
    expect(await wrong()).toEqual([expect.objectContaining({ campaignId: campaign.campaignId, count: 3 })]);
    await Promise.all([
      analytics.rebuild(),
      make.fact(email, 'opened', '2030-01-10T10:00:00Z'),
      make.sent(campaign, '2030-01-10T11:00:00Z'),
      rollup.run(),
    ]);
    expect(await wrong()).toEqual([]);
    await analytics.refreshDays();
    expect(await stored(campaign, 'emails_sent, unique_opens')).toEqual([{ date: '2030-01-10', emails_sent: 2, unique_opens: 1 }]);
  });

  describe('the counters of the steps', () => {
    const step = ({ stepIds }: MadeCampaign, index = 0) =>
      database.db.inTenant(tenantId, async (tx) => {
        const found = await rows(
          tx,
          'SELECT emails_sent, emails_delivered, opens, clicks, replies, unsubscribes FROM campaign_steps WHERE tenant_id = $1 AND id = $2',
          [tenantId, stepIds[index]],
        );
        return found[0];
      });

    it('say what the ledger and the events say, and no refresh can make them drift', async () => {
      const campaign = await make.campaign(tenantId, { launchedAt: clock.now(), steps: [{ type: 'email' }, { type: 'email' }] });
      const email = await make.sent(campaign, clock.now());
      await make.sent(campaign, clock.now(), campaign.stepIds[1]);
      for (let i = 0; i < 3; i++) await make.fact(email, 'opened', clock.now());
      await make.fact(email, 'clicked', clock.now());
      await make.fact(email, 'clicked', clock.now(), { isMachine: true });
      await make.fact(email, 'unsubscribed', clock.now());
      await rollup.run();
      const expected = { emails_sent: 1, emails_delivered: 1, opens: 3, clicks: 1, replies: 0, unsubscribes: 1 };
      expect(await step(campaign)).toEqual(expected);
      expect(await step(campaign, 1)).toMatchObject({ emails_sent: 1, emails_delivered: 0, opens: 0 });
      await analytics.rebuild();
      expect(await step(campaign)).toEqual(expected);
    });

    it('follow answers that come long after the campaign has completed', async () => {
      const campaign = await make.campaign(tenantId, { launchedAt: '2030-01-10T08:00:00Z', status: 'completed' });
      const email = await make.sent(campaign, '2030-01-10T09:00:00Z');
      await rollup.run();
      await make.fact(email, 'opened', '2030-01-12T09:00:00Z', { appliedAt: clock.now() });
      await rollup.run();
      expect(await step(campaign)).toMatchObject({ emails_sent: 1, opens: 1 });
    });
  });
});
