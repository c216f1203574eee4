import { EnrollmentEngineQueries } from '../../src/modules/enrollment/enrollment-engine.queries.js';
import { AudienceEnrollment } from '../../src/modules/enrollment/index.js';
import { StepEngine } from '../../src/modules/execution/index.js';
import { ExperimentsService } from '../../src/modules/experiments/index.js';
import { until } from '../support/poll.js';
import { emailStep, Story } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const LONG = { maxMs: 30_000 };
const FLOW = [
  emailStep({
    variants: [{ name: 'A' }, { name: 'B', subjectLine: 'Other' }],
    abTest: { testShare: 0.5, metric: 'click', minDuration: { value: 1, unit: 'hours' }, maxDuration: { value: 1, unit: 'hours' } },
  }),
];

/** Decisions and releases on a real database, with no worker running: crashes and meetings are where the test puts them. */
describe('an A/B test under faults', () => {
  let app: TestApp;
  let story: Story;
  let tenantId: string;
  let engine: StepEngine;
  let experiments: ExperimentsService;

  beforeAll(async () => {
    app = await startTestApp({ env: { ROLES: 'api', ADVANCE_BATCH: '16', MAIL_PROVIDER: 'null' } });
    engine = app.app.get(StepEngine);
    experiments = app.app.get(ExperimentsService);
  });
  afterAll(() => app?.close());
  beforeEach(async () => {
    const tenant = await app.tenant();
    tenantId = tenant.tenantId;
    story = new Story(app, tenant.api);
  });

  const sql: TestApp['sql'] = (text, params) => app.sql(text, params);
  const planned = (id: string) => sql(`SELECT contact_id, count(*)::int AS n FROM emails WHERE campaign_id = $1 GROUP BY 1`, [id]);
  const decision = async (id: string) => (await sql(`SELECT * FROM ab_decisions WHERE campaign_id = $1`, [id]))[0];
  const launched = async (people: number, flow: unknown[] = FLOW): Promise<string> => {
    await story.importContacts(people);
    const id = await story.campaign({ campaignType: 'ab_test' }, flow);
    await story.launch(id);
    await app.app.get(AudienceEnrollment).enrollCampaign(tenantId, id, LONG);
    await engine.advanceCampaign(tenantId, id, LONG);
    return id;
  };

  it('is released by the next run where a worker died between decision and release, and mails nobody twice', async () => {
    const id = await launched(60);
    const before = (await planned(id)).length;
    await sql(`UPDATE emails SET status = 'sent', sent_at = due_at WHERE campaign_id = $1`, [id]);
    // The test is over, and those who wait have not yet begun to look for themselves.
    app.clock.advance({ minutes: 65 });
    const queries = app.app.get(EnrollmentEngineQueries);
    const original = queries.letGo.bind(queries);
    queries.letGo = async (...args) => {
      await original(...args);
      throw new Error('crash');
    };
    try {
      await experiments.runOnce();
    } finally {
      queries.letGo = original;
    }
    expect(await decision(id)).toMatchObject({ status: 'decided', outcome: 'inconclusive', released_at: null });
    await engine.advanceCampaign(tenantId, id, LONG);
    expect(await planned(id)).toHaveLength(before);

    await Promise.all([experiments.runOnce(), experiments.runOnce(), engine.advanceCampaign(tenantId, id, LONG)]);
    await engine.advanceCampaign(tenantId, id, LONG);
    expect((await decision(id)).released_at).not.toBeNull();
    const all = await planned(id);
    expect(all).toHaveLength(60);
    expect(all.every(({ n }) => n === 1)).toBe(true);
  });

  it('loses nobody who came while it was being decided: the decision waits for the batch that did not know of it', async () => {
    const id = await launched(40);
    await sql(`UPDATE emails SET status = 'sent', sent_at = due_at WHERE campaign_id = $1`, [id]);
    app.clock.advance({ hours: 2 });
    await sql(`UPDATE campaign_contacts SET next_email_scheduled_at = $2 WHERE campaign_id = $1 AND next_email_scheduled_at IS NOT NULL`, [
      id,
      app.clock.now(),
    ]);
    // A batch has read "testing" and is about to commit its holds when the decision comes.
    const queries = app.app.get(EnrollmentEngineQueries);
    const original = queries.applyMoves.bind(queries);
    let goOn: () => void = () => undefined;
    const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
    let isInside: () => void = () => undefined;
    const inside = new Promise<void>((resolve) => (isInside = resolve));
    queries.applyMoves = async (...args) => {
      isInside();
      await mayGoOn;
      return original(...args);
    };
    const advancing = engine.advanceCampaign(tenantId, id, LONG);
    try {
      await inside;
      const deciding = experiments.runOnce();
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'`;
      await until(async () => (await sql(waiting)).length > 0, { what: 'the decision to wait for the batch' });
      expect((await decision(id)).status).toBe('testing');
      goOn();
      await Promise.all([advancing, deciding]);
    } finally {
      goOn();
      queries.applyMoves = original;
    }
    await experiments.runOnce();
    await engine.advanceCampaign(tenantId, id, LONG);
    expect(await planned(id)).toHaveLength(40);
  });

  it('begins anew while nothing could be sent, instead of ending without a word', async () => {
    const id = await launched(20);
    app.clock.advance({ hours: 2 });
    await experiments.runOnce();
    const row = await decision(id);
    expect(row.status).toBe('testing');
    expect(row.deadline.getTime()).toBe(app.clock.now().getTime() + 3_600_000);
  });

  it('can be decided by hand, once it is under way, and again', async () => {
    const id = await launched(40);
    const [step] = (await story.api.must(200, story.api.get(`/api/campaigns/${id}/steps`))).data;
    const winner = (variantId: string) => story.api.post(`/api/campaigns/${id}/steps/${step.id}/winner`, { variantId });
    expect(await winner(step.id)).toMatchObject({ status: 422, body: { errors: [{ path: 'variantId', code: 'variant_not_found' }] } });
    expect(await winner('none')).toMatchObject({ status: 400 });
    const [a, b] = step.variants;
    const before = (await planned(id)).length;
    expect(await story.api.must(200, winner(b.id))).toMatchObject({ outcome: 'manual', winnerVariantId: b.id, status: 'decided' });
    await experiments.runOnce();
    await engine.advanceCampaign(tenantId, id, LONG);
    const rest = await sql(`SELECT variant_id, count(*)::int AS n FROM emails WHERE campaign_id = $1 GROUP BY 1`, [id]);
    expect(rest.reduce((sum, { n }) => sum + n, 0)).toBe(40);
    expect(rest.find(({ variant_id }) => variant_id === b.id)!.n).toBeGreaterThanOrEqual(40 - before);
    expect(await story.api.must(200, winner(a.id))).toMatchObject({ winnerVariantId: a.id });
    const draft = await story.campaign({ campaignType: 'ab_test' }, FLOW);
    const [mine] = (await story.api.must(200, story.api.get(`/api/campaigns/${draft}/steps`))).data;
    const early = await story.api.post(`/api/campaigns/${draft}/steps/${mine.id}/winner`, { variantId: mine.variants[0].id });
    expect(early).toMatchObject({ status: 409, body: { currentStatus: 'draft' } });
  });

  it('counts in its report only people, and shows how sure it is', async () => {
    const id = await launched(200, [
      emailStep({ stepName: 'News', variants: [{ name: 'A' }, { name: 'B', subjectLine: 'Other', weight: 1 }] }),
    ]);
    await sql(
      `UPDATE emails e SET status = 'sent', sent_at = due_at, first_clicked_at = due_at,
              first_human_clicked_at = CASE WHEN v.name = 'B' THEN due_at END, bounced_at = NULL
         FROM step_variants v WHERE e.campaign_id = $1 AND v.id = e.variant_id`,
      [id],
    );
    const report = await story.api.must(200, story.api.get(`/api/campaigns/${id}/analytics/variants`));
    expect(report.steps).toHaveLength(1);
    const [{ variants, ...step }] = report.steps;
    expect(step).toMatchObject({ stepName: 'News', metric: 'click', abTest: null, decision: null, waiting: 0 });
    const [a, b] = variants;
    expect(a.sent + b.sent).toBe(200);
    expect(a).toMatchObject({ name: 'A', isControl: true, clicked: 0, successes: 0, rate: 0, pValue: null });
    expect(b).toMatchObject({ name: 'B', isControl: false, clicked: b.sent, successes: b.sent, rate: 1, pValue: 0 });
    expect(a.probabilityToBeBest + b.probabilityToBeBest).toBeCloseTo(1, 5);
    expect(b.probabilityToBeBest).toBeGreaterThan(0.99);
    expect(a.credibleInterval.low).toBeLessThan(0.001);
    const goal = await story.api.get(`/api/campaigns/${id}/analytics/variants?metric=goal`);
    expect(goal).toMatchObject({ status: 400, body: { errors: [{ path: 'query.metric' }] } });
    expect((await story.api.get(`/api/campaigns/${id}/analytics/variants?metric=moon`)).status).toBe(400);
  });
});
