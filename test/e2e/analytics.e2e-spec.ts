import { AnalyticsModule, isSound, LedgerCheck } from '../../src/modules/analytics/index.js';
import { CampaignsModule } from '../../src/modules/campaigns/index.js';
import { StepsModule } from '../../src/modules/steps/index.js';
import { rows } from '../../src/database/index.js';
import { startCampaignsApp, type CampaignsApp, type TestTenant } from '../support/campaigns-app.js';
import { Factory, type MadeCampaign } from '../support/factories.js';

const LAUNCH = '2029-12-30T08:00:00Z';

describe('the numbers of a campaign over HTTP', () => {
  let app: CampaignsApp;
  let make: Factory;
  let tenant: TestTenant;

  beforeAll(async () => {
    app = await startCampaignsApp([CampaignsModule, StepsModule, AnalyticsModule]);
    make = new Factory(app.db);
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    app.clock.set('2030-01-01T12:00:00Z');
    tenant = await app.tenant();
  });

  const campaignOf = (o: Partial<Parameters<Factory['campaign']>[1]> = {}) => make.campaign(tenant.tenantId, { launchedAt: LAUNCH, ...o });
  const get = (campaign: MadeCampaign, path: string) => tenant.call('GET', `/api/campaigns/${campaign.campaignId}/${path}`);
  const ok = async (campaign: MadeCampaign, path: string) => {
    const answer = await get(campaign, path);
    expect(answer).toMatchObject({ status: 200 });
    return answer.body;
  };

  describe('GET analytics', () => {
    it('has every day from the launch to today, today included, adds them up, and shows the funnel', async () => {
      const campaign = await campaignOf({ steps: [{ type: 'email', name: 'Welcome' }, { type: 'wait' }, { type: 'email' }] });
      const [first, wait, last] = campaign.stepIds;
      const mail = [];
      for (const [stepId, extra] of [
        [wait, { dueAt: '2030-01-02T08:00:00Z' }],
        [last, { status: 'completed' }],
        [first, { ends: true }],
        [first, {}],
        [first, { status: 'enrolled', dueAt: '2030-01-01T12:00:00Z' }],
      ] as const) {
        const enrollment = await make.enroll(campaign, { at: LAUNCH, stepId, ...extra });
        if ('status' in extra && extra.status === 'enrolled') continue;
        const status = stepId === first ? ('ends' in extra ? 'skipped' : 'queued') : 'delivered';
        mail.push(await make.email(campaign, enrollment, { at: '2029-12-30T09:00:00Z', status, reason: 'unsubscribed' }));
        if (stepId === last) await make.email(campaign, enrollment, { at: '2029-12-31T09:00:00Z', stepId: last });
        if ('ends' in extra) await make.exit(campaign, enrollment, LAUNCH, 'unsubscribed');
      }
      await make.fact(mail[0], 'opened', '2030-01-01T11:00:00Z');
      await make.fact(mail[0], 'opened', '2030-01-01T11:30:00Z');
      await make.fact(mail[1], 'opened', '2029-12-30T09:00:05Z', { isMachine: true });

      const { range, overall, byStep, totals } = await ok(campaign, 'analytics');
      expect(range).toEqual({ startDate: '2029-12-30', endDate: '2030-01-01', timezone: 'UTC', granularity: 'day', cohort: 'event' });
      expect(overall.map(({ date, emailsSent, uniqueOpens, openRate }: never) => ({ date, emailsSent, uniqueOpens, openRate }))).toEqual([
        { date: '2029-12-30', emailsSent: 2, uniqueOpens: 0, openRate: 0 },
        { date: '2029-12-31', emailsSent: 1, uniqueOpens: 0, openRate: null },
        { date: '2030-01-01', emailsSent: 0, uniqueOpens: 1, openRate: null },
      ]);
      expect(totals).toMatchObject({
        emailsSent: 3,
        emailsDelivered: 2,
        uniqueOpens: 1,
        totalOpens: 2,
        deliveryRate: 66.67,
        openRate: 50,
        clickRate: 0,
      });
      expect(byStep).toMatchObject([
        {
          stepId: first,
          stepOrder: 1,
          stepName: 'Welcome',
          stepType: 'email',
          entered: 5,
          waitingNow: 2,
          exited: 1,
          exitedByReason: { unsubscribed: 1 },
          emailsSent: 2,
          opens: 2,
          uniqueOpens: 1,
          machineOpens: 1,
          skipped: 1,
          skippedByReason: { unsubscribed: 1 },
          pending: 1,
          openRate: 50,
        },
        { stepId: wait, stepType: 'wait', entered: 2, waitingNow: 1, emailsSent: 0, openRate: null },
        { stepId: last, stepType: 'email', entered: 1, waitingNow: 0, emailsSent: 1, emailsDelivered: 0, openRate: null },
      ]);
    });

    it('divides days where the caller says, and by the campaign’s zone otherwise', async () => {
      const campaign = await campaignOf({ timezone: 'America/New_York' });
      await make.sent(campaign, '2029-12-31T03:00:00Z');
      const sentOn = async (query: string) =>
        (await ok(campaign, `analytics${query}`)).overall
          .filter((day: { emailsSent: number }) => day.emailsSent > 0)
          .map((day: { date: string }) => day.date);
      expect(await sentOn('')).toEqual(['2029-12-30']);
      expect(await sentOn('?timezone=UTC')).toEqual(['2029-12-31']);
      expect(await sentOn('?startDate=2029-12-31&endDate=2029-12-31')).toEqual([]);
    });

    it('shows hours and weeks, and on request what became of the mail of a day', async () => {
      const campaign = await campaignOf({ timezone: 'Asia/Kathmandu' });
      const email = await make.sent(campaign, '2029-12-30T20:10:00Z');
      await make.fact(email, 'delivered', '2029-12-30T20:11:00Z');
      await make.fact(email, 'opened', '2029-12-31T18:20:00Z');
      const counted = async (query: string, name = 'uniqueOpens') =>
        (await ok(campaign, `analytics?startDate=2029-12-31&endDate=2030-01-01&${query}`)).overall
          .filter((row: Record<string, number>) => row[name] > 0)
          .map((row: Record<string, unknown>) => [row.date, row.startsAt, row.openRate]);
      // There the day begins at 18:15 UTC, and the hours at a quarter past.
      expect(await counted('granularity=hour')).toEqual([['2030-01-01', '2029-12-31T18:15:00.000Z', null]]);
      expect(await counted('granularity=hour', 'emailsSent')).toEqual([['2029-12-31', '2029-12-30T19:15:00.000Z', 0]]);
      expect(await counted('granularity=week')).toEqual([['2029-12-31', '2029-12-30T18:15:00.000Z', 100]]);
      expect(await counted('cohort=send')).toEqual([['2029-12-31', '2029-12-30T18:15:00.000Z', 100]]);
      const { overall } = await ok(campaign, 'analytics?startDate=2029-12-31&endDate=2030-01-01&granularity=hour');
      expect(overall).toHaveLength(48);
    });

    it.each([
      ['Europe/Berlin', '2030-03-31', 23, '2030-03-31T01:00:00.000Z'],
      ['Europe/Berlin', '2030-10-27', 25, '2030-10-27T01:00:00.000Z'],
      ['America/Sao_Paulo', '2030-10-27', 24, '2030-10-27T05:00:00.000Z'],
      // By half an hour: from 02:00 to 02:30, and from 02:00 back to 01:30.
      ['Australia/Lord_Howe', '2030-10-06', 24, '2030-10-05T15:30:00.000Z'],
      ['Australia/Lord_Howe', '2030-04-07', 25, '2030-04-06T15:00:00.000Z'],
    ])('has every hour of %s on %s, each from its first instant', async (timezone, day, hours, third) => {
      const campaign = await campaignOf({ timezone });
      await make.sent(campaign, new Date(Date.parse(third) + 60_000));
      const { overall } = await ok(campaign, `analytics?granularity=hour&startDate=${day}&endDate=${day}`);
      expect(overall).toHaveLength(hours);
      expect(overall.filter(({ emailsSent }: { emailsSent: number }) => emailsSent > 0)).toMatchObject([{ startsAt: third, date: day }]);
      const starts = overall.map(({ startsAt }: { startsAt: string }) => Date.parse(startsAt));
      const gaps = starts.slice(1).map((at: number, place: number) => at - starts[place]);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(30 * 60_000);
      expect(Math.max(...gaps)).toBe(60 * 60_000);
    });

    it('begins the first week of a year on its Monday, in the year before', async () => {
      const { overall } = await ok(await campaignOf(), 'analytics?granularity=week&startDate=2029-12-30&endDate=2030-01-07');
      expect(overall.map(({ date, startsAt }: Record<string, string>) => [date, startsAt.slice(0, 10)])).toEqual([
        ['2029-12-24', '2029-12-30'],
        ['2029-12-31', '2029-12-31'],
        ['2030-01-07', '2030-01-07'],
      ]);
    });

    it('answers zeros and nulls, never NaN, where nothing happened', async () => {
      const { body: draft } = await tenant.call('POST', '/api/campaigns', { name: 'Draft', campaignType: 'broadcast' });
      const { body } = await tenant.call('GET', `/api/campaigns/${draft.id}/analytics`);
      expect(body).toMatchObject({
        overall: [{ emailsSent: 0, openRate: null }],
        byStep: [],
        totals: { emailsSent: 0, deliveryRate: null, openRate: null },
      });
      const { body: detail } = await tenant.call('GET', `/api/campaigns/${draft.id}`);
      expect(detail.analytics).toMatchObject({ emailsSent: 0, openRate: null, latestDay: null });
    });

    it.each([
      ['startDate=2030-02-30', 'query.startDate'],
      ['startDate=yesterday', 'query.startDate'],
      ['endDate=2030-01-01T00:00:00Z', 'query.endDate'],
      ['startDate=2030-01-02&endDate=2030-01-01', 'query.endDate'],
      ['startDate=1970-01-01&endDate=2199-12-31', 'query.endDate'],
      ['startDate=2030-01-01&endDate=2030-02-01&granularity=hour', 'query.endDate'],
      ['startDate=0000-01-01', 'query.startDate'],
      ['endDate=+275760-09-13', 'query.endDate'],
      ['granularity=month', 'query.granularity'],
      ['cohort=all', 'query.cohort'],
      ['timezone=Mars/Olympus', 'query.timezone'],
      ['timezone=', 'query.timezone'],
      ['from=2030-01-01', 'query.from'],
    ])('refuses ?%s and names the fault', async (query, path) => {
      const answer = await get(await campaignOf(), `analytics?${query}`);
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ path }] } });
    });

    it('stands with the campaign: the totals and the last day stored', async () => {
      const campaign = await campaignOf();
      await make.fact(await make.sent(campaign, '2029-12-30T09:00:00Z'), 'opened', '2029-12-30T10:00:00Z');
      const { body } = await tenant.call('GET', `/api/campaigns/${campaign.campaignId}`);
      expect(body.analytics).toMatchObject({ emailsSent: 1, uniqueOpens: 1, totalOpens: 1, openRate: 100, latestDay: null });
    });
  });

  describe('GET ledger', () => {
    it('accounts for every enrolment and every message, with the reasons', async () => {
      const campaign = await campaignOf();
      const states = ['queued', 'sending', 'sent', 'delivered', 'bounced', 'dropped', 'unknown', 'failed', 'skipped', 'cancelled'];
      for (const status of states) {
        const isOpen = status === 'queued' || status === 'sending';
        const enrollment = await make.enroll(campaign, { at: LAUNCH, stepId: campaign.stepIds[0] });
        await make.email(campaign, enrollment, { at: LAUNCH, status, reason: `${status}_reason` });
        if (!isOpen) await make.exit(campaign, enrollment, LAUNCH, status);
      }
      await make.enroll(campaign, { at: LAUNCH, status: 'completed' });
      await make.enroll(campaign, { at: LAUNCH, status: 'failed' });
      const ledger = await ok(campaign, 'ledger');
      expect(ledger.enrollments).toMatchObject({ enrolled: 12, inProgress: 2, completed: 1, exited: 8, failed: 1, addsUp: true });
      expect(ledger.enrollments.exitedByReason).toMatchObject({ skipped: 1, bounced: 1 });
      expect(ledger.emails).toMatchObject({ planned: 10, queued: 1, sending: 1, sent: 4, delivered: 1, bounced: 1, dropped: 1, unknown: 1, failed: 1, skipped: 1, cancelled: 1, addsUp: true }); // prettier-ignore
      expect(ledger.emails.byReason).toMatchObject({ skipped: { skipped_reason: 1 }, bounced: { bounced_reason: 1 } });
      expect(ledger.problems).toEqual([]);
    });

    it('says that it does not add up when an enrolment is missing', async () => {
      const campaign = await campaignOf();
      await make.enroll(campaign, { at: LAUNCH, status: 'completed' });
      await app.db.inTenant(tenant.tenantId, (tx) =>
        rows(tx, `UPDATE campaigns SET total_contacts = 2 WHERE tenant_id = $1`, [tenant.tenantId]),
      );
      const ledger = await ok(campaign, 'ledger');
      expect(ledger.enrollments.addsUp).toBe(false);
      expect(ledger.problems).toMatchObject([{ code: 'enrolled_differs', count: 1 }]);
    });

    it('names everything that would be lost without a sound', async () => {
      const campaign = await campaignOf({ status: 'completed', steps: [{ type: 'email' }, { type: 'wait' }] });
      const [mail, wait] = campaign.stepIds;
      const parked = await make.enroll(campaign, { at: LAUNCH, stepId: mail });
      await make.email(campaign, parked, { at: LAUNCH, status: 'sent' });
      const stuck = await make.enroll(campaign, { at: LAUNCH, stepId: wait });
      const gone = await make.enroll(campaign, { at: LAUNCH, status: 'completed' });
      const left = await make.email(campaign, gone, { at: LAUNCH, status: 'queued' });
      const undecided = await make.enroll(campaign, { at: LAUNCH, stepId: mail });
      await make.email(campaign, undecided, { at: LAUNCH, status: 'unknown', settled: false });

      const { problems } = await ok(campaign, 'ledger');
      expect(problems).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ code: 'completed_with_open', count: 5 }),
          expect.objectContaining({ code: 'parked_without_email', count: 1, sampleIds: [parked.enrollmentId] }),
          expect.objectContaining({ code: 'stuck_without_due_time', count: 1, sampleIds: [stuck.enrollmentId] }),
          expect.objectContaining({ code: 'open_email_of_departed', count: 1, sampleIds: [left.emailId] }),
        ]),
      );
      expect(problems).toHaveLength(4);
    });

    it('is checked for all launched campaigns of a tenant at once, and of no other', async () => {
      const campaign = await campaignOf();
      await make.enroll(campaign, { at: LAUNCH, status: 'completed' });
      await make.campaign((await app.tenant()).tenantId, { launchedAt: LAUNCH });
      const reports = await app.db.inTenant(tenant.tenantId, (tx) => app.app.get(LedgerCheck).check(tx, tenant.tenantId));
      expect(reports.map(({ campaignId }) => campaignId)).toEqual([campaign.campaignId]);
      expect(reports.every(isSound)).toBe(true);
    });
  });

  describe('GET timeline', () => {
    const timeline = async (campaign: MadeCampaign, contactId: string) => ok(campaign, `contacts/${contactId}/timeline`);

    it('tells what happened in order, where the provider’s clock is coarse too, and what comes next', async () => {
      const campaign = await campaignOf({
        steps: [
          { type: 'email', name: 'Welcome' },
          { type: 'wait', name: 'Two days' },
        ],
      });
      const contact = await make.enroll(campaign, { at: LAUNCH, stepId: campaign.stepIds[1], dueAt: '2030-01-02T08:00:00Z' });
      const email = await make.email(campaign, contact, { at: '2029-12-30T08:00:00.400Z' });
      await make.fact(email, 'delivered', '2029-12-30T08:00:00Z', { source: 'sendgrid' });
      await make.fact(email, 'opened', '2029-12-30T08:00:01Z', { isMachine: true });
      await make.fact(email, 'clicked', '2029-12-30T09:00:00Z', { url: 'https://acme.example/offer' });
      const { status, entries, truncated } = await timeline(campaign, contact.contactId);
      expect([status, truncated]).toEqual(['active', false]);
      expect(entries.map(({ type }: { type: string }) => type)).toEqual([
        'enrolled',
        'started',
        'planned',
        'sent',
        'delivered',
        'opened',
        'clicked',
        'waiting',
      ]);
      expect(entries[4]).toMatchObject({ stepName: 'Welcome', detail: { emailId: email.emailId, source: 'sendgrid' } });
      expect(entries[5].detail).toMatchObject({ isMachine: true });
      expect(entries[6].detail).toMatchObject({ isMachine: false, url: 'https://acme.example/offer' });
      expect(entries[7]).toMatchObject({ stepName: 'Two days', detail: { until: '2030-01-02T08:00:00.000Z', because: 'due_time' } });
    });

    it('says why a message was skipped and why the contact left', async () => {
      const campaign = await campaignOf();
      const contact = await make.enroll(campaign, {
        at: LAUNCH,
        status: 'exited',
        stepId: campaign.stepIds[0],
        endedAt: '2029-12-30T09:00:00Z',
        exitReason: 'suppressed',
      });
      await make.email(campaign, contact, { at: '2029-12-30T09:00:00Z', status: 'skipped', reason: 'suppressed' });
      const { entries } = await timeline(campaign, contact.contactId);
      expect(entries.slice(2)).toMatchObject([
        { type: 'planned' },
        { type: 'skipped', detail: { reason: 'suppressed' } },
        { type: 'exited', detail: { reason: 'suppressed' } },
      ]);
    });

    it.each([
      ['held', 'active', 'paused'],
      ['campaign_paused', 'paused', 'active'],
    ] as const)('says that a contact waits because it is %s', async (because, campaignStatus, status) => {
      const campaign = await campaignOf({ status: campaignStatus });
      const contact = await make.enroll(campaign, { at: LAUNCH, status, stepId: campaign.stepIds[0], dueAt: LAUNCH });
      const { entries } = await timeline(campaign, contact.contactId);
      expect(entries.at(-1)).toMatchObject({ type: 'waiting', detail: { because } });
    });

    it('is not found for a contact who is not in the campaign', async () => {
      const [one, other] = [await campaignOf(), await campaignOf()];
      const { contactId } = await make.enroll(other, { at: LAUNCH });
      expect(await get(one, `contacts/${contactId}/timeline`)).toMatchObject({ status: 404, body: { code: 'enrollment_not_found' } });
    });
  });

  it.each(['analytics', 'ledger', 'contacts/0193a7c4-7b1e-7cc3-98c4-dc0c0c07398f/timeline'])(
    'hides another tenant’s campaign from %s',
    async (path) => {
      const theirs = await make.campaign((await app.tenant()).tenantId, { launchedAt: LAUNCH });
      expect(await get(theirs, path)).toMatchObject({ status: 404 });
    },
  );
});
