import { AudienceEnrollment } from '../../src/modules/enrollment/index.js';
import { StepEngine } from '../../src/modules/execution/index.js';
import { TriggerEvents, Waits, Watches } from '../../src/modules/triggers/index.js';
import { Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const LONG = { maxMs: 30_000 };
const tag = (name: string, over: Record<string, unknown> = {}) => ({
  ref: name,
  stepType: 'action',
  actionConfig: { type: 'add_tag', tag: name },
  nextRef: null,
  ...over,
});

/** Steps that wait for something, and campaigns that enrol in others, with no worker running. */
describe('waiting and handing over on a real database', () => {
  let app: TestApp;
  let story: Story;
  let tenantId: string;
  let engine: StepEngine;

  beforeAll(async () => {
    app = await startTestApp({ env: { ROLES: 'api', ENROLL_CHUNK: '10', ADVANCE_BATCH: '16', MAIL_PROVIDER: 'null' } });
    engine = app.app.get(StepEngine);
  });
  afterAll(() => app?.close());
  beforeEach(async () => {
    const tenant = await app.tenant();
    tenantId = tenant.tenantId;
    story = new Story(app, tenant.api);
  });

  const sql: TestApp['sql'] = (text, params) => app.sql(text, params);
  const launched = async (over: Record<string, unknown>, steps: unknown[]): Promise<string> => {
    const id = await story.campaign({ campaignType: 'drip', ...over }, steps);
    await story.launch(id);
    await app.app.get(AudienceEnrollment).enrollCampaign(tenantId, id, LONG);
    return id;
  };
  const report = async (body: unknown) => {
    await story.api.must(200, story.api.post('/api/events', body));
    while (await app.app.get(TriggerEvents).applyOnce());
  };
  const advance = (id: string) => engine.advanceCampaign(tenantId, id, LONG);
  const tagged = async (name: string) =>
    (
      await sql(
        `SELECT c.email FROM contact_tags t JOIN contacts c ON c.id = t.contact_id WHERE t.tenant_id = $1 AND t.tag = $2 ORDER BY 1`,
        [tenantId, name],
      )
    ).map(({ email }) => email.split('@')[0]);
  const waitFor = (over: Record<string, unknown>) => [
    { ref: 'wait', stepType: 'wait_for', waitDuration: { value: 2, unit: 'days' }, trueNextRef: 'yes', falseNextRef: 'no', ...over },
    tag('yes'),
    tag('no'),
  ];

  it('lets those go on at once for whom the event comes, and the others when the time is up', async () => {
    await story.importContacts(20);
    const id = await launched(
      {},
      waitFor({ waitEvent: { name: 'order_placed', filter: { property: 'total', operator: 'gte', value: 10 } } }),
    );
    await advance(id);
    app.clock.advance({ hours: 1 });
    await report([
      { name: 'order_placed', email: 'person1@example.com', properties: { total: 10 } },
      { name: 'order_placed', email: 'person2@example.com', properties: { total: 9 } },
      { name: 'order_sent', email: 'person3@example.com', properties: { total: 100 } },
    ]);
    await advance(id);
    expect(await tagged('yes')).toEqual(['person1']);
    expect(await tagged('no')).toEqual([]);
    app.clock.advance({ hours: 46, minutes: 59 });
    await advance(id);
    expect(await tagged('no')).toEqual([]);
    app.clock.advance({ minutes: 1 });
    while ((await advance(id)).more);
    expect(await tagged('yes')).toEqual(['person1']);
    expect(await tagged('no')).toHaveLength(19);
  });

  it('counts an event from the moment the contact came to the step, not an older one', async () => {
    await story.importContacts(2);
    const id = await launched({}, [waitStep(1, 'hours'), ...waitFor({ waitEvent: { name: 'order_placed' } })]);
    await advance(id);
    app.clock.advance({ minutes: 30 });
    await report({ name: 'order_placed', email: 'person1@example.com' });
    app.clock.advance({ minutes: 45 });
    // Came to the step at the end of the wait, a quarter of an hour ago; this one happened since.
    await report({
      name: 'order_placed',
      email: 'person2@example.com',
      occurredAt: new Date(app.clock.now().getTime() - 600_000).toISOString(),
    });
    await advance(id);
    expect(await tagged('yes')).toEqual(['person2']);
    app.clock.advance({ days: 3 });
    await advance(id);
    expect(await tagged('no')).toEqual(['person1']);
  });

  it('overlooks nobody who comes to the step at the moment the event is applied', async () => {
    await story.importContacts(10);
    const id = await launched({}, waitFor({ waitEvent: { name: 'order_placed' } }));
    const waits = app.app.get(Waits);
    const original = waits.haveSeen.bind(waits);
    let hasLooked: () => void = () => undefined;
    // Begun out here: what runs inside the step's transaction could open none of its own.
    const applied = new Promise<void>((resolve) => (hasLooked = resolve)).then(() =>
      report(Array.from({ length: 10 }, (_, i) => ({ name: 'order_placed', email: `person${i + 1}@example.com` }))),
    );
    // The step has looked for the event and not found it; then the event is reported and applied, before the step is left.
    waits.haveSeen = async (...args) => {
      const seen = await original(...args);
      hasLooked();
      await Promise.race([applied, new Promise((resolve) => setTimeout(resolve, 300))]);
      return seen;
    };
    try {
      await advance(id);
      await applied;
    } finally {
      waits.haveSeen = original;
    }
    await advance(id);
    expect(await tagged('yes')).toHaveLength(10);
  });

  it('waits for a condition, which is looked at again from time to time', async () => {
    await story.importContacts(12);
    const id = await launched(
      {},
      waitFor({ conditionRules: { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'gold' } }),
    );
    await advance(id);
    await story.api.must(
      200,
      story.api.patch(`/api/contacts/${await story.contactId('person7@example.com')}`, { attributes: { plan: 'gold' } }),
    );
    app.clock.advance({ minutes: 1 });
    while (await app.app.get(Watches).runOnce());
    await advance(id);
    expect(await tagged('yes')).toEqual(['person7']);
    expect(await tagged('no')).toEqual([]);
  });

  it('gives back the time of a pause to a wait for something, if the resume says so', async () => {
    await story.importContacts(1);
    const id = await launched({}, waitFor({ waitEvent: { name: 'order_placed' } }));
    await advance(id);
    await story.api.must(200, story.api.post(`/api/campaigns/${id}/pause`));
    app.clock.advance({ days: 3 });
    await story.api.must(200, story.api.post(`/api/campaigns/${id}/resume`, { policy: 'shift' }));
    await advance(id);
    app.clock.advance({ days: 1, hours: 23 });
    await advance(id);
    expect(await tagged('no')).toEqual([]);
    await report({ name: 'order_placed', email: 'person1@example.com' });
    await advance(id);
    expect(await tagged('yes')).toEqual(['person1']);
  });

  const enrollIn = (campaignId: string) => ({ stepType: 'action', actionConfig: { type: 'enroll', campaignId } });
  const triggered = { campaignType: 'triggered', segmentId: null, trigger: { type: 'event', name: 'never' } };
  const handovers = (source: string) =>
    sql(
      `SELECT substring(c.email from '[0-9]+')::int AS n, h.outcome FROM campaign_handovers h JOIN campaign_contacts cc ON cc.id = h.enrollment_id
         JOIN contacts c ON c.id = cc.contact_id WHERE cc.campaign_id = $1 ORDER BY 1, h.at`,
      [source],
    );

  it('hands people over to another campaign once each, and goes on with them', async () => {
    await story.importContacts(40);
    const target = await launched(triggered, [waitStep(1, 'days')]);
    const source = await launched({}, [enrollIn(target), tag('after')]);
    await Promise.all([advance(source), advance(source), advance(source)]);
    while ((await advance(source)).more);
    expect(await sql('SELECT contact_id FROM campaign_contacts WHERE campaign_id = $1', [target])).toHaveLength(40);
    expect(await tagged('after')).toHaveLength(40);
    expect((await story.get(target)).totalContacts).toBe(40);
    // A second source: everybody is inside already, and that is recorded.
    const again = await launched({}, [enrollIn(target)]);
    while ((await advance(again)).more);
    expect((await handovers(again)).every(({ outcome }) => outcome === 'already_inside')).toBe(true);
  });

  it('records why somebody was not handed over, and lets them go on', async () => {
    await story.importContacts(3);
    const draft = await story.campaign(triggered, [waitStep(1, 'days')]);
    const source = await launched({}, [enrollIn(draft), tag('after')]);
    await advance(source);
    expect((await handovers(source)).map(({ outcome }) => outcome)).toEqual(['not_open', 'not_open', 'not_open']);
    expect(await tagged('after')).toHaveLength(3);
    // Through already, and the target lets nobody in twice.
    const target = await launched(triggered, [tag('through')]);
    const first = await launched({}, [enrollIn(target)]);
    await advance(first);
    await advance(target);
    const second = await launched({}, [waitStep(1, 'hours'), enrollIn(target)]);
    // Not through the product, which would take her out of the campaign as well.
    await sql(`UPDATE contacts SET subscribed = false, unsubscribed_at = now() WHERE tenant_id = $1 AND email = 'person2@example.com'`, [
      tenantId,
    ]);
    await advance(second);
    app.clock.advance({ hours: 1 });
    await advance(second);
    expect((await handovers(second)).map(({ n, outcome }) => [n, outcome])).toEqual([
      [1, 'may_not_enter'],
      [2, 'not_mailable'],
      [3, 'may_not_enter'],
    ]);
  });

  it('ends a circle of campaigns that enrol in each other', async () => {
    await story.importContacts(1);
    const reentry = { policy: 'after_exit' };
    const one = await story.campaign({ ...triggered, reentry }, [waitStep(1, 'minutes')]);
    const two = await story.campaign({ ...triggered, reentry }, [enrollIn(one)]);
    await story.api.must(
      200,
      story.api.put(`/api/campaigns/${one}/steps`, { steps: [enrollIn(two), { ...tag('x'), stepType: 'action' }] }),
    );
    for (const id of [one, two]) {
      await story.launch(id);
      await app.app.get(AudienceEnrollment).enrollCampaign(tenantId, id, LONG);
    }
    await story.api.must(
      201,
      story.api.post(`/api/campaigns/${one}/contacts`, { contactIds: [await story.contactId('person1@example.com')] }),
    );
    for (let turn = 0; turn < 20; turn++) {
      await advance(one);
      await advance(two);
      app.clock.advance({ minutes: 1 });
    }
    const outcomes = [...(await handovers(one)), ...(await handovers(two))].map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'too_many_hops')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'enrolled')).toHaveLength(10);
    expect(await sql(`SELECT FROM campaign_contacts WHERE tenant_id = $1 AND status IN ('enrolled', 'active')`, [tenantId])).toEqual([]);
  });

  it('remembers every decision with what decided it, and misses a call that is not recorded', async () => {
    await story.importContacts(2);
    const target = await launched(triggered, [waitStep(1, 'days')]);
    const isPro = { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' };
    const id = await launched({ name: 'Source', keepEnrolling: true }, [
      {
        stepType: 'condition',
        conditionRules: { all: [{ not: { type: 'tag', tag: 'no' } }, isPro] },
        trueNextRef: 'wait',
        falseNextRef: 'no',
      },
      {
        ref: 'wait',
        stepType: 'wait_for',
        waitEvent: { name: 'order_placed' },
        waitDuration: { value: 2, unit: 'days' },
        falseNextRef: 'no',
      },
      { ...enrollIn(target), nextRef: 'call' },
      { ref: 'call', stepType: 'action', actionConfig: { type: 'webhook', url: 'https://acme.example/hook' }, nextRef: null },
      tag('no'),
    ]);
    await advance(id);
    app.clock.advance({ hours: 1 });
    await report({ name: 'order_placed', email: 'person2@example.com' });
    await advance(id);
    const timeline = async (n: number, campaign = id) => {
      const contactId = await story.contactId(`person${n}@example.com`);
      const { entries } = await story.api.must(200, story.api.get(`/api/campaigns/${campaign}/contacts/${contactId}/timeline`));
      return entries.map(({ type, explanation }: { type: string; explanation: string }) => `${type}: ${explanation}`);
    };
    expect(await timeline(1)).toEqual([
      'enrolled: Was in the audience at the launch.',
      'started: null',
      'condition: All parts had to hold, and the first that did not: plan is "pro".',
      'acted: null',
      'completed: The end of the flow.',
    ]);
    expect(await timeline(2)).toEqual([
      'enrolled: Was in the audience at the launch.',
      'started: null',
      'condition: It held: not (has the tag "no") and plan is "pro".',
      'wait_began: Waits for it, at most 2 days: the event "order_placed".',
      'wait_ended: It has happened: the event "order_placed".',
      'handed_over: To the campaign "Spring news". The contact was enrolled there.',
      'called: Recorded; it is made while the contact goes on.',
      'completed: The end of the flow.',
    ]);
    expect((await timeline(2, target))[0]).toBe('enrolled: Was handed over by the campaign "Source".');

    expect(await story.ledger(id)).toMatchObject({ calls: { recorded: 1, pending: 1 }, problems: [] });
    await sql('DELETE FROM step_calls WHERE campaign_id = $1', [id]);
    expect((await story.ledger(id)).problems).toMatchObject([{ code: 'call_missing', count: 1 }]);

    // Who is erased leaves nothing behind of what was known when.
    const contactId = await story.contactId('person2@example.com');
    await story.api.must(204, story.api.delete(`/api/contacts/${contactId}`));
    expect(await sql(`SELECT FROM campaign_contacts WHERE contact_id = $1 AND trace <> ''`, [contactId])).toEqual([]);
  });

  it('refuses steps that wait for nothing, or enrol nowhere, with their place', async () => {
    const id = await story.campaign({ campaignType: 'drip' });
    const save = async (step: Record<string, unknown>) => {
      const { status, body } = await story.api.put(`/api/campaigns/${id}/steps`, { steps: [step] });
      return [status, body.errors?.[0]?.path];
    };
    const wait = { stepType: 'wait_for', waitDuration: { value: 1, unit: 'days' } };
    expect(await save(wait)).toEqual([400, 'steps[0].waitEvent']);
    expect(await save({ ...wait, waitEvent: { name: 'a' }, conditionRules: { all: [] } })).toEqual([400, 'steps[0].conditionRules']);
    expect(await save({ ...wait, waitEvent: { name: '' } })).toEqual([400, 'steps[0].waitEvent.name']);
    expect(await save({ ...wait, waitEvent: { name: 'a', filter: { property: 'b' } } })).toEqual([
      400,
      'steps[0].waitEvent.filter.operator',
    ]);
    expect(await save({ ...wait, waitEvent: { name: 'a' }, waitDuration: null })).toEqual([400, 'steps[0].waitDuration']);
    expect(await save({ stepType: 'wait', waitDuration: { value: 1, unit: 'days' }, waitEvent: { name: 'a' } })).toEqual([
      400,
      'steps[0].waitEvent',
    ]);
    expect(await save(enrollIn('x'))).toEqual([400, 'steps[0].actionConfig.campaignId']);
    expect(await save(enrollIn(id))).toEqual([422, 'steps[0].actionConfig.campaignId']);
    expect(await save(enrollIn('0193a7c4-7b1e-7cc3-98c4-dc0c0c07398f'))).toEqual([422, 'steps[0].actionConfig.campaignId']);
    const fine = await story.api.must(200, story.api.put(`/api/campaigns/${id}/steps`, { steps: waitFor({ waitEvent: { name: 'a' } }) }));
    expect(fine.steps[0]).toMatchObject({
      stepType: 'wait_for',
      waitEvent: { name: 'a' },
      trueNextStepId: fine.steps[1].id,
      falseNextStepId: fine.steps[2].id,
    });
    const clone = await story.api.must(201, story.api.post(`/api/campaigns/${id}/clone`, {}));
    const { steps } = await story.api.must(200, story.api.get(`/api/campaigns/${clone.id}`));
    expect(steps[0]).toMatchObject({ waitEvent: { name: 'a' }, trueNextStepId: steps[1].id, falseNextStepId: steps[2].id });
  });
});
