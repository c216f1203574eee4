import { AudienceEnrollment, VersionMoves } from '../../src/modules/enrollment/index.js';
import { DeliveryService } from '../../src/modules/delivery/index.js';
import { SettlementService } from '../../src/modules/delivery/settlement.service.js';
import { StepEngine } from '../../src/modules/execution/index.js';
import { ExperimentsService } from '../../src/modules/experiments/index.js';
import { TriggerEvents } from '../../src/modules/triggers/index.js';
import { assertInvariants } from '../support/invariants.js';
import { until } from '../support/poll.js';
import { emailStep, Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const LONG = { maxMs: 30_000 };
const DAY = 86_400_000;

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

  const sql: TestApp['sql'] = (text, params) => app.sql(text, params);
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
  const rollBack = (id: string, version: number, body: unknown) => story.api.post(versions(id, `/${version}/rollback`), body);
  /** Messages that are queued and due get to the provider's door; `accept` lets the provider take them. */
  const handOver = (id: string, limit = 100_000): Promise<any[]> =>
    sql(
      `UPDATE emails SET status = 'sending', lease_token = gen_random_uuid(), lease_expires_at = now() + interval '1 hour', attempts = 1
        WHERE id IN (SELECT id FROM emails WHERE campaign_id = $1 AND status = 'queued' AND due_at <= $2 ORDER BY id LIMIT $3)
       RETURNING id, lease_token AS token, step_id AS "stepId", enrollment_id AS "enrollmentId", entry_number AS "entryNumber"`,
      [id, app.clock.now(), limit],
    );
  const accept = async (fired: any[]): Promise<void> => {
    const settlements = fired.map((email) => ({ ...email, status: 'sent' as const, reason: null, detail: null, at: app.clock.now() }));
    await app.app.get(SettlementService).settle(tenantId, settlements);
  };
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
    // Only what the ledger has to do with it: composing and sending five thousand messages would take most of the time.
    const work = async (id: string): Promise<void> => {
      for (let goesOn = true; goesOn;) {
        const { advanced } = await advance(id);
        const fired = await handOver(id);
        await accept(fired);
        goesOn = advanced + fired.length > 0;
      }
    };
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
    const inFlight = await handOver(id, 50);
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
    await accept(inFlight);
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
    expect(await story.api.must(200, rollBack(id, 4, { policy: 'move_everyone' }))).toMatchObject({
      moved: 1_000,
      version: { version: 3 },
    });

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

  it('keeps the end of a wait that stays, counts a changed one from its beginning, and lets what follows count from now', async () => {
    const flow = (first: number, second: number) => [mail('hi'), wait('one', first), wait('two', second), mail('bye')];
    const id = await launched(3, flow(2, 2));
    await enrol(id);
    await work(id);
    const began = app.clock.now().getTime();
    const dues = async () => [...new Set((await people(id)).map(({ step, due }) => `${step} ${(due.getTime() - began) / DAY}`))];
    expect(await dues()).toEqual(['one 2']);
    app.clock.advance({ hours: 12 });
    await edited(id, [...flow(2, 2), mail('extra')]);
    await publish(id, 2, { policy: 'move_everyone' });
    expect(await dues()).toEqual(['one 2']);
    await edited(id, flow(4, 2));
    await publish(id, 3, { policy: 'move_everyone' });
    expect(await dues()).toEqual(['one 4']);
    app.clock.advance({ days: 2 });
    // Would have been over a day and a half ago: over now, and the second wait begins now.
    await edited(id, flow(1, 2));
    await publish(id, 4, { policy: 'move_everyone' });
    expect(await dues()).toEqual(['one 2.5']);
    await work(id);
    expect(await dues()).toEqual(['two 4.5']);
    const contactId = await story.contactId('person1@example.com');
    const { entries } = await story.api.must(200, story.api.get(`/api/campaigns/${id}/contacts/${contactId}/timeline`));
    expect(entries.slice(4, -1).map(({ type, stepName }: Record<string, string>) => `${type} ${stepName}`)).toEqual([
      'wait_began one',
      ...Array<string>(3).fill('moved one'),
      'wait_began two',
    ]);
  });

  it('sends what is queued with the new content, finishes what is with the provider, and goes back to the old content', async () => {
    const id = await launched(3, [mail('hi', { subjectLine: 'Helo' }), wait('rest', 1), mail('gone')]);
    await enrol(id);
    await advance(id);
    const [first] = await handOver(id, 1);
    await edited(id, [mail('hi', { subjectLine: 'Hello' }), wait('rest', 1)]);
    await publish(id, 2, { policy: 'move_everyone' });
    const queued = () =>
      sql(
        `SELECT s.version, s.compiled_content -> 'compiled' ->> 'subject' AS subject FROM emails e JOIN campaign_steps s ON s.id = e.step_id
          WHERE e.campaign_id = $1 AND e.status = 'queued'`,
        [id],
      );
    expect(await queued()).toEqual([
      { version: 2, subject: 'Hello' },
      { version: 2, subject: 'Hello' },
    ]);
    await accept([first]);
    expect((await people(id)).map(({ step, version }) => `${step} ${version}`).sort()).toEqual(['hi 2', 'hi 2', 'rest 2']);
    await story.api.must(200, rollBack(id, 2, { policy: 'move_everyone' }));
    expect(await queued()).toEqual([
      { version: 1, subject: 'Helo' },
      { version: 1, subject: 'Helo' },
    ]);
    await work(id);
    app.clock.advance({ days: 1 });
    await work(id);
    expect((await mails(id)).map(({ step, sent, rows }) => `${step} ${sent} ${rows}`).sort()).toEqual([
      ...Array(3).fill('gone 1 1'),
      ...Array(3).fill('hi 1 1'),
    ]);
    expect((await story.api.must(200, story.api.get(`/api/campaigns/${id}/analytics`))).byStep).toMatchObject([
      { stepName: 'hi', version: 1, emailsSent: 3, entered: 3 },
      { stepName: 'rest', version: 1, entered: null },
      { stepName: 'gone', version: 1, emailsSent: 3 },
    ]);
    await assertInvariants(app.app);
  });

  it('moves on whoever was leaving an email at the moment of the edit: the result of the message waits, and finds them in the new version', async () => {
    const id = await launched(2, [mail('hi'), wait('rest', 1)]);
    await enrol(id);
    await advance(id);
    const fired = await handOver(id);
    await edited(id, [mail('hi'), mail('extra'), wait('rest', 1)]);
    const moves = app.app.get(VersionMoves);
    const original = moves.exitFrom.bind(moves);
    let isInside: () => void = () => undefined;
    const inside = new Promise<void>((resolve) => (isInside = resolve));
    let goOn: () => void = () => undefined;
    const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
    // Everybody is moved and nothing is committed when the provider answers.
    moves.exitFrom = async (...args) => {
      isInside();
      await mayGoOn;
      return original(...args);
    };
    try {
      const publishing = publish(id, 2, { policy: 'move_everyone' });
      await inside;
      const settling = accept(fired);
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%campaign_contacts%'`;
      await until(async () => (await sql(waiting)).length > 0, { what: 'the result to wait for the edit' });
      goOn();
      await Promise.all([publishing, settling]);
    } finally {
      goOn();
      moves.exitFrom = original;
    }
    expect((await people(id)).map(({ step, version }) => `${step} ${version}`)).toEqual(['extra 2', 'extra 2']);
  });

  it('does not send what was queued for a step that is no more, and sends nobody again what they had when it comes back', async () => {
    const id = await launched(2, [mail('one'), wait('rest', 1), mail('two')]);
    await enrol(id);
    await work(id);
    app.clock.advance({ days: 1 });
    await advance(id);
    const two = await edited(id, [mail('one'), wait('rest', 1), mail('other')]);
    const gone = two.impact.removed.find(({ stepName }: any) => stepName === 'two');
    expect(gone).toMatchObject({ contacts: 2, message: '2 contacts wait at "two", which version 2 does not have.' });
    const refused = await story.api.post(versions(id, '/2/publish'), { policy: 'move_everyone' });
    expect(refused).toMatchObject({
      status: 422,
      body: { errors: [{ path: `placements.${gone.stepId}` }], steps: [{ stepId: gone.stepId, contacts: 2 }] },
    });
    expect(await story.get(id)).toMatchObject({ stepsVersion: 1 });
    // Sent back to the beginning: they have had that, and wait anew.
    const [one] = two.steps;
    expect(await publish(id, 2, { policy: 'move_everyone', placements: { [gone.stepId]: one.id } })).toMatchObject({ placed: 2 });
    await work(id);
    expect((await people(id)).map(({ step }) => step)).toEqual(['rest', 'rest']);
    expect((await mails(id)).map(({ step, sent, rows }) => `${step} ${sent} ${rows}`).sort()).toEqual([
      ...Array(2).fill('one 1 1'),
      ...Array(2).fill('two 0 1'),
    ]);
    await assertInvariants(app.app);
  });

  it('goes on with an A/B test that stays as it is: the same draws, one decision, and whoever waits for it is let go', async () => {
    const duration = { value: 1, unit: 'hours' };
    const tested = mail('ab', {
      variants: [{ name: 'A' }, { name: 'B', subjectLine: 'Other' }],
      abTest: { testShare: 0.5, metric: 'click', minDuration: duration, maxDuration: duration },
    });
    const id = await launched(20, [tested]);
    await enrol(id);
    await work(id);
    const before = (await mails(id)).length;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(20);
    await edited(id, [tested, mail('after')]);
    await publish(id, 2, { policy: 'move_everyone' });
    await advance(id);
    expect(await mails(id)).toHaveLength(before + (await people(id)).filter(({ step }) => step === 'after').length);
    app.clock.advance({ minutes: 65 });
    await app.app.get(ExperimentsService).runOnce();
    await work(id);
    const all = await mails(id);
    expect(all.filter(({ step }) => step === 'ab')).toHaveLength(20);
    expect(all.filter(({ sent, rows }) => sent !== 1 || rows !== 1)).toEqual([]);
    const { steps } = await story.api.must(200, story.api.get(`/api/campaigns/${id}/analytics/variants`));
    expect(steps).toMatchObject([{ version: 2, waiting: 0, decision: { status: 'decided' } }]);
    expect(steps[0].variants.reduce((sum: number, { sent }: any) => sum + sent, 0)).toBe(20);
  });

  it('leaves those inside to their version where it is for new contacts only: they still hear what they wait for', async () => {
    const waits = (then: string) => [
      {
        stepType: 'wait_for',
        stepName: 'paid?',
        waitEvent: { name: 'paid' },
        waitDuration: { value: 9, unit: 'days' },
        falseNextRef: null,
      },
      mail(then),
    ];
    const id = await launched(1, waits('old'), { keepEnrolling: true });
    await enrol(id);
    await advance(id);
    await edited(id, waits('new'));
    await publish(id, 2, { policy: 'new_contacts_only' });
    const [{ contact_id: old }] = await sql(`SELECT contact_id FROM campaign_contacts WHERE campaign_id = $1`, [id]);
    await story.importContacts(['late@example.com,Late,pro']);
    const late = await story.contactId('late@example.com');
    await story.api.must(201, story.api.post(`/api/campaigns/${id}/contacts`, { contactIds: [late] }));
    await advance(id);
    for (const contactId of [old, late]) await story.api.post('/api/events', { contactId, name: 'paid' });
    await app.app.get(TriggerEvents).applyTenant(tenantId);
    await work(id);
    const sent = new Map((await mails(id)).map(({ contact_id, step }) => [contact_id, step]));
    expect([sent.get(old), sent.get(late)]).toEqual(['old', 'new']);
    const { byStep } = await story.api.must(200, story.api.get(`/api/campaigns/${id}/analytics`));
    expect(byStep.map((step: any) => [step.version, step.stepName, step.entered])).toEqual([
      [2, 'paid?', 1],
      [2, 'new', 1],
      [1, 'paid?', 1],
      [1, 'old', 1],
    ]);
  });

  it('answers every mistake with what is wrong and where, and nothing changes', async () => {
    const id = await story.campaign({ campaignType: 'drip' }, [mail('one')]);
    const { post, put, get } = {
      post: story.api.post.bind(story.api),
      put: story.api.put.bind(story.api),
      get: story.api.get.bind(story.api),
    };
    expect(await post(versions(id))).toMatchObject({ status: 409, body: { currentStatus: 'draft' } });
    expect((await get(versions(id))).body).toEqual({ data: [], nextCursor: null });
    await story.importContacts(1);
    await story.launch(id);
    const made = await draft(id);
    expect(made).toMatchObject({
      version: { version: 2, status: 'draft', basedOn: 1 },
      diff: { added: [], removed: [], changed: [], unchanged: 1 },
    });
    expect(made.steps[0].continues).toBe(made.impact.kept[0].stepId);
    expect(await post(versions(id))).toMatchObject({ status: 409, body: { draft: 2 } });
    const steps = (...list: unknown[]) => put(versions(id, '/2/steps'), { steps: list });
    const faults: [Promise<{ status: number; body: any }>, number, string][] = [
      [steps({ ...mail('one'), nextRef: 'nowhere' }), 422, 'steps[0].nextRef'],
      [steps({ ...mail('one'), ref: 'a', nextRef: 'b' }, { ...mail('two'), ref: 'b', nextRef: 'a' }), 422, 'steps[1]'],
      [steps({ ...mail('one'), continues: made.version.createdBy ?? id }), 422, 'steps[0].continues'],
      [steps({ ...mail('one'), continues: 'x' }), 400, 'steps[0].continues'],
      [steps(mail('one', { emailContent: '{{ broken' })), 422, 'steps[0].emailContent'],
      [get(versions(id, '/two')), 400, 'params.version'],
      [post(versions(id, '/2/publish'), {}), 400, 'policy'],
      [post(versions(id, '/2/publish'), { policy: 'new_contacts_only', placements: { [id]: 'exit' } }), 422, `placements.${id}`],
      [post(versions(id, '/2/publish'), { policy: 'move_everyone', placements: { [id]: 'exit' } }), 422, `placements.${id}`],
      [post(versions(id, '/2/publish'), { policy: 'move_everyone', placements: { [id]: null } }), 422, `placements.${id}`],
    ];
    for (const [answer, status, path] of faults) {
      const { status: got, body } = await answer;
      expect([got, body.errors?.map((error: any) => error.path)]).toEqual([status, expect.arrayContaining([path])]);
    }
    expect((await get(versions(id, '/9'))).status).toBe(404);
    expect(await post(versions(id, '/1/publish'), { policy: 'move_everyone' })).toMatchObject({
      status: 409,
      body: { currentStatus: 'live' },
    });
    expect((await rollBack(id, 1, { policy: 'move_everyone' })).status).toBe(409);
    const other = (await app.tenant('Other')).api;
    for (const path of ['', '/2', '/2/diff', '/2/impact']) expect((await other.get(versions(id, path))).status).toBe(404);
    expect((await other.post(versions(id, '/2/publish'), { policy: 'move_everyone' })).status).toBe(404);

    await steps();
    expect(await post(versions(id, '/2/publish'), { policy: 'new_contacts_only' })).toMatchObject({
      status: 422,
      body: { errors: [{ code: 'no_steps' }] },
    });
    expect((await story.api.delete(versions(id, '/2'))).status).toBe(204);
    expect((await steps(mail('one'))).status).toBe(409);
    expect((await draft(id)).version.version).toBe(3);
    expect((await get(versions(id))).body.data.map(({ version, status }: any) => `${version} ${status}`)).toEqual([
      '3 draft',
      '2 discarded',
      '1 live',
    ]);
    expect(await story.get(id)).toMatchObject({ stepsVersion: 1, status: 'active' });
  });
});
