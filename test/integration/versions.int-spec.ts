import { AudienceEnrollment } from '../../src/modules/enrollment/index.js';
import { DeliveryService } from '../../src/modules/delivery/index.js';
import { SettlementService } from '../../src/modules/delivery/settlement.service.js';
import { StepEngine } from '../../src/modules/execution/index.js';
import { assertInvariants } from '../support/invariants.js';
import { emailStep, Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const LONG = { maxMs: 30_000 };

/** Editing campaigns under way, over HTTP; the engine and the sending are called by the tests, so that edits fall where they want them. */
describe('a campaign edited while people are inside', () => {
  let app: TestApp;
  let story: Story;
  let tenantId: string;

  beforeAll(async () => {
    app = await startTestApp({ env: { ROLES: 'api', ENROLL_CHUNK: '250', ADVANCE_BATCH: '500', MAIL_PROVIDER: 'null' } });
  });
  afterAll(() => app?.close());
  beforeEach(async () => {
    const tenant = await app.tenant();
    tenantId = tenant.tenantId;
    story = new Story(app, tenant.api);
  });

  const sql = <Row = Record<string, any>>(text: string, params: unknown[] = []): Promise<Row[]> =>
    app.db.asSystem((tx) => tx.query(text, params) as Promise<Row[]>);
  const advance = (id: string) => app.app.get(StepEngine).advanceCampaign(tenantId, id, LONG);
  const deliver = (id: string) => app.app.get(DeliveryService).deliverCampaign(tenantId, id, LONG);
  /** Everything that can happen without the clock moving. */
  const work = async (id: string): Promise<void> => {
    for (let goesOn = true; goesOn;) goesOn = (await advance(id)).advanced + (await deliver(id)).sent > 0;
  };
  const launched = async (people: number, steps: unknown[], over: Record<string, unknown> = {}): Promise<string> => {
    await story.importContacts(people);
    const id = await story.campaign({ campaignType: 'drip', ...over }, steps);
    await story.launch(id);
    return id;
  };
  const enrol = (id: string, options = LONG) => app.app.get(AudienceEnrollment).enrollCampaign(tenantId, id, options);
  const versions = (id: string, path = '') => `/api/campaigns/${id}/versions${path}`;
  const draft = (id: string) => story.api.must(201, story.api.post(versions(id)));
  /** A draft with these steps. */
  const edited = async (id: string, steps: unknown[]): Promise<any> => {
    const { version } = (await draft(id)).version;
    return story.api.must(200, story.api.put(versions(id, `/${version}/steps`), { steps }));
  };
  const publish = (id: string, version: number, body: unknown) =>
    story.api.must(200, story.api.post(versions(id, `/${version}/publish`), body));
  const people = (id: string) =>
    sql(
      `SELECT cc.id, cc.status, s.step_name AS step, s.version, cc.next_email_scheduled_at AS due, cc.step_entered_at AS since
         FROM campaign_contacts cc LEFT JOIN campaign_steps s ON s.tenant_id = cc.tenant_id AND s.id = cc.current_step_id
        WHERE cc.campaign_id = $1 ORDER BY cc.contact_id`,
      [id],
    );
  const mails = (id: string) =>
    sql(
      `SELECT e.contact_id, s.lineage_id, min(s.step_name) AS step, count(*) FILTER (WHERE e.sent_at IS NOT NULL)::int AS sent, count(*)::int AS rows
         FROM emails e JOIN campaign_steps s ON s.tenant_id = e.tenant_id AND s.id = e.step_id WHERE e.campaign_id = $1 GROUP BY 1, 2`,
      [id],
    );
  const mail = (stepName: string, over: Record<string, unknown> = {}) => emailStep({ stepName, subjectLine: stepName, ...over });
  const wait = (stepName: string, days: number) => ({ ...waitStep(days, 'days'), stepName });

  it('sends nobody anything twice and loses nobody: a drip edited three times with 1,000 contacts in it, and rolled back', async () => {
    const first = [mail('welcome'), wait('pause', 2), mail('news'), wait('rest', 1), mail('offer'), wait('end', 1), mail('last')];
    const id = await launched(1_000, first);
    // Four groups, half a day apart, so that people stand at all steps.
    for (let group = 0; group < 4; group++) {
      await enrol(id, { maxMs: 0 });
      await work(id);
      app.clock.advance({ hours: 12 });
    }
    await enrol(id);
    app.clock.advance({ hours: 4 });
    // The first group has come to "news": queued, and fifty of them with the provider at the moment of the edit.
    await advance(id);
    const inFlight = await sql(
      `UPDATE emails SET status = 'sending', lease_token = gen_random_uuid(), lease_expires_at = now() + interval '1 hour', attempts = 1
        WHERE id IN (SELECT id FROM emails WHERE campaign_id = $1 AND status = 'queued' ORDER BY id LIMIT 50)
       RETURNING id, lease_token AS token, step_id AS "stepId", enrollment_id AS "enrollmentId", entry_number AS "entryNumber"`,
      [id],
    ).then(([found]) => found as unknown as any[]);
    expect(inFlight).toHaveLength(50);

    const second = [
      mail('welcome'),
      mail('hello again'),
      wait('pause', 3),
      mail('news', { subjectLine: 'Better news' }),
      ...first.slice(3),
    ];
    const two = await edited(id, second);
    expect(two.diff).toMatchObject({ added: [{ stepName: 'hello again' }], removed: [], unchanged: 4 });
    expect(two.diff.changed.map(({ after, changes }: any) => [after.stepName, changes.map(({ field }: any) => field)])).toEqual([
      ['welcome', ['nextStepId']],
      ['pause', ['waitDuration']],
      ['news', ['subjectLine']],
    ]);
    expect(await publish(id, 2, { policy: 'move_everyone' })).toMatchObject({ moved: 1_000, placed: 0, exited: 0 });
    expect((await people(id)).every(({ version }) => version === 2)).toBe(true);
    const settlements = inFlight.map((email) => ({ ...email, status: 'sent' as const, reason: null, detail: null, at: app.clock.now() }));
    await app.app.get(SettlementService).settle(tenantId, settlements);
    await work(id);

    app.clock.advance({ days: 1, hours: 6 });
    await advance(id);
    const third = second.filter(({ stepName }) => stepName !== 'offer' && stepName !== 'pause');
    const three = await edited(id, third);
    expect(three.impact.removed.map(({ stepName }: any) => stepName)).toEqual(['pause', 'offer']);
    await publish(id, 3, { policy: 'new_contacts_only' });
    await work(id);
    app.clock.advance({ hours: 12 });
    await advance(id);

    const four = await edited(id, [mail('welcome'), wait('rest', 2), mail('news'), wait('end', 1), mail('last'), mail('bye')]);
    const to = (name: string): string => four.steps.find(({ stepName }: any) => stepName === name).id;
    const placements = Object.fromEntries(
      four.impact.removed
        .filter(({ contacts }: any) => contacts > 0)
        .map(({ stepId, stepName }: any) => [stepId, to(stepName === 'pause' ? 'news' : 'last')]),
    );
    expect(Object.keys(placements).length).toBeGreaterThan(0);
    await publish(id, 4, { policy: 'move_everyone', placements });
    await work(id);
    app.clock.advance({ hours: 13 });
    await advance(id);
    const back = await story.api.post(versions(id, '/4/rollback'), { policy: 'move_everyone' });
    const elsewhere = Object.fromEntries((back.body.steps ?? []).map(({ stepId }: any) => [stepId, 'exit']));
    if (back.status !== 200)
      await story.api.must(200, story.api.post(versions(id, '/4/rollback'), { policy: 'move_everyone', placements: elsewhere }));

    for (let day = 0; day < 8; day++) {
      await work(id);
      app.clock.advance({ days: 1 });
    }
    await work(id);
    const everybody = await people(id);
    expect(everybody).toHaveLength(1_000);
    expect(everybody.filter(({ status }) => status !== 'completed' && status !== 'exited')).toEqual([]);
    const sent = await mails(id);
    expect(sent.filter((line) => line.sent > 1 || line.rows > 1)).toEqual([]);
    expect(sent.filter(({ step, sent: count }) => step === 'welcome' && count === 1)).toHaveLength(1_000);
    expect(sent.filter(({ step, sent: count }) => step === 'news' && count === 1)).toHaveLength(1_000);
    await assertInvariants(app.app);
  });
});
