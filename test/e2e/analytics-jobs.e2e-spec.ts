import { SchedulerRegistry } from '@nestjs/schedule';
import { analyticsRebuild, ledgerCheck } from '../../src/app/cli/analytics.commands.js';
import { row, rows } from '../../src/database/index.js';
import { Factory } from '../support/factories.js';
import { assertInvariants } from '../support/invariants.js';
import { until } from '../support/poll.js';
import { emailStep, Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

describe('the analytics of a running service', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  it('are aggregated at 02:00 by a queued job, and the counters of steps follow by themselves', async () => {
    const { tenantId, api } = await app.tenant();
    const make = new Factory(app.db);
    const campaign = await make.campaign(tenantId, { launchedAt: app.clock.now() });
    const email = await make.sent(campaign, app.clock.now());
    await make.fact(email, 'opened', app.clock.now());

    const cron = app.app.get(SchedulerRegistry).getCronJob('campaign-analytics');
    expect(String(cron.cronTime.source)).toBe('0 2 * * *');
    await cron.fireOnTick();

    // The worker may have stored the day once before the opening was told.
    const latestDay = async () => {
      const { latestDay: stored } = (await api.must(200, api.get(`/api/campaigns/${campaign.campaignId}`))).analytics;
      return stored?.uniqueOpens > 0 && stored;
    };
    const day = await until(latestDay, { deadlineMs: 15_000, what: 'the day to be stored' });
    expect(day).toMatchObject({ date: '2030-01-07', emailsSent: 1, emailsDelivered: 1, uniqueOpens: 1, openRate: 100 });

    await make.fact(email, 'clicked', app.clock.now());
    const clicks = () =>
      app.db.inTenant(tenantId, async (tx) => {
        const sql = 'SELECT clicks FROM campaign_steps WHERE tenant_id = $1 AND id = $2';
        return (await row<{ clicks: number }>(tx, sql, [tenantId, campaign.stepIds[0]]))?.clicks;
      });
    await until(async () => (await clicks()) === 1, { deadlineMs: 20_000, what: 'the counters of the step to follow' });
    await assertInvariants(app.app);
  });

  it('account for a campaign that the engine runs, half-way and at its end', async () => {
    const { api } = await app.tenant();
    const story = new Story(app, api);
    await story.importContacts(7);
    const id = await story.campaign({ campaignType: 'drip' }, [emailStep(), waitStep(2, 'days'), emailStep({ stepName: 'Again' })]);
    await story.launch(id);
    await story.settles(id);
    await assertInvariants(app.app);
    const report = () => api.must(200, api.get(`/api/campaigns/${id}/analytics`));
    expect((await report()).byStep).toMatchObject([
      { entered: 7, waitingNow: 0, emailsSent: 7 },
      { entered: 7, waitingNow: 7 },
      { stepName: 'Again', entered: 0, emailsSent: 0 },
    ]);
    app.clock.advance({ days: 2 });
    await story.reaches(id, 'completed');
    await assertInvariants(app.app);
    const { overall, byStep, totals } = await report();
    expect(overall.map(({ emailsSent }: { emailsSent: number }) => emailsSent)).toEqual([7, 0, 7]);
    expect([totals.emailsSent, byStep[2].entered, byStep[2].emailsSent]).toEqual([14, 7, 7]);
    const contactId = await story.contactId('person1@example.com');
    const { entries } = await api.must(200, api.get(`/api/campaigns/${id}/contacts/${contactId}/timeline`));
    expect(entries.map(({ type }: { type: string }) => type)).toEqual([
      'enrolled',
      'started',
      'planned',
      'sent',
      'wait_began',
      'planned',
      'sent',
      'completed',
    ]);
  });

  it('are rebuilt and checked from the command line, where a fault is an exit code', async () => {
    const { tenantId } = await app.tenant('Broken');
    const make = new Factory(app.db);
    const campaign = await make.campaign(tenantId, { launchedAt: app.clock.now(), status: 'paused' });
    await make.sent(campaign, app.clock.now());
    const lines: string[] = [];
    const input = (options: Record<string, string>) => ({ options, app: app.app, print: (line: string) => void lines.push(line) });
    expect(await analyticsRebuild.run(input({ tenant: tenantId }))).toBe(0);
    expect(await ledgerCheck.run(input({ tenant: tenantId }))).toBe(0);
    expect(lines).toEqual(['1 campaign counted anew, 1 day stored.', '1 campaign checked: everything adds up.']);
    await app.db.inTenant(tenantId, (tx) => rows(tx, 'UPDATE analytics_steps SET sent = sent + 1 WHERE tenant_id = $1', [tenantId]));
    expect(await ledgerCheck.run(input({ tenant: tenantId }))).toBe(1);
    expect(lines.splice(2).join('\n')).toContain('1 number(s) of the analytics differ from a recount');
    expect(await analyticsRebuild.run(input({ tenant: tenantId }))).toBe(0);
    expect(await ledgerCheck.run(input({ tenant: tenantId }))).toBe(0);
    await app.db.inTenant(tenantId, (tx) => rows(tx, 'UPDATE campaigns SET total_contacts = 5 WHERE tenant_id = $1', [tenantId]));
    expect(await ledgerCheck.run(input({}))).toBe(1);
    expect(lines.join('\n')).toContain(
      `Campaign ${campaign.campaignId} (paused): The campaign says it has enrolled 5, but has 1 enrolment(s).`,
    );
    await expect(ledgerCheck.run(input({ campaign: campaign.campaignId }))).rejects.toThrow('--campaign needs --tenant');
  });
});
