import { CampaignLifecycleRunner, StepEngine } from '../../src/modules/execution/index.js';
import { AudienceEnrollment } from '../../src/modules/enrollment/index.js';
import { TriggerEvents } from '../../src/modules/triggers/index.js';
import { ContactEventsQueries } from '../../src/modules/contacts/contact-events.queries.js';
import { emailStep, Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const LONG = { maxMs: 30_000 };
const CART = { type: 'event', name: 'cart_abandoned' };

/** What events do to campaigns, with no worker running: each test applies them itself, as often and as concurrently as it likes. */
describe('events on a real database', () => {
  let app: TestApp;
  let story: Story;
  let tenantId: string;
  let events: TriggerEvents;
  let engine: StepEngine;

  beforeAll(async () => {
    app = await startTestApp({ env: { ROLES: 'api', ENROLL_CHUNK: '10', ADVANCE_BATCH: '16', MAIL_PROVIDER: 'null' } });
    events = app.app.get(TriggerEvents);
    engine = app.app.get(StepEngine);
  });
  afterAll(() => app?.close());
  beforeEach(async () => {
    const tenant = await app.tenant();
    tenantId = tenant.tenantId;
    story = new Story(app, tenant.api);
  });

  const sql: TestApp['sql'] = (text, params) => app.sql(text, params);
  const launched = async (over: Record<string, unknown> = {}, steps: unknown[] = [waitStep(1, 'hours')]): Promise<string> => {
    const id = await story.campaign({ campaignType: 'triggered', trigger: CART, segmentId: null, ...over }, steps);
    await story.launch(id);
    await app.app.get(AudienceEnrollment).enrollCampaign(tenantId, id, LONG);
    return id;
  };
  const report = (body: unknown) => story.api.must(200, story.api.post('/api/events', body));
  const apply = async () => {
    while (await events.applyOnce());
  };
  const inside = (id: string) =>
    sql(
      `SELECT c.email, cc.status, cc.entry_number AS entry, cc.exit_reason AS reason FROM campaign_contacts cc JOIN contacts c ON c.id = cc.contact_id
        WHERE cc.campaign_id = $1 ORDER BY c.email`,
      [id],
    );

  it('enrols a thousand people reported in one call, each once, in a few statements', async () => {
    await story.importContacts(1_000);
    const id = await launched();
    const body = Array.from({ length: 1_000 }, (_, i) => ({ id: `e${i}`, name: 'cart_abandoned', email: `PERSON${i + 1}@example.com` }));
    expect(await report({ events: body })).toEqual({ accepted: 1_000, duplicates: 0, rejected: 0, errors: [] });
    // The same call again, because its answer was lost.
    expect(await report({ events: body })).toMatchObject({ accepted: 0, duplicates: 1_000 });
    await apply();
    const people = await inside(id);
    expect(people).toHaveLength(1_000);
    expect(people.every(({ entry }) => entry === 1)).toBe(true);
    expect(await story.get(id)).toMatchObject({ status: 'active', totalContacts: 1_000 });
  });

  it('loses and doubles nothing when the process dies between taking events in and enrolling', async () => {
    await story.importContacts(20);
    const id = await launched({ reentry: { policy: 'after_exit' } });
    await report(Array.from({ length: 20 }, (_, i) => ({ name: 'cart_abandoned', email: `person${i + 1}@example.com` })));
    const queries = app.app.get(ContactEventsQueries);
    const original = queries.markApplied.bind(queries);
    queries.markApplied = () => Promise.reject(new Error('crash'));
    try {
      await expect(events.applyTenant(tenantId)).rejects.toThrow('crash');
    } finally {
      queries.markApplied = original;
    }
    expect(await inside(id)).toHaveLength(0);
    await apply();
    expect(await inside(id)).toHaveLength(20);
    await apply();
    expect((await inside(id)).every(({ entry, status }) => entry === 1 && status === 'enrolled')).toBe(true);
    expect((await story.get(id)).totalContacts).toBe(20);
  });

  it('enrols each contact once however many workers apply the events', async () => {
    await story.importContacts(50);
    const id = await launched();
    for (let call = 0; call < 4; call++)
      await report(Array.from({ length: 50 }, (_, i) => ({ name: 'cart_abandoned', email: `person${i + 1}@example.com` })));
    await Promise.all(Array.from({ length: 6 }, () => events.applyOnce()));
    await apply();
    const people = await inside(id);
    expect(people).toHaveLength(50);
    expect(people.every(({ entry }) => entry === 1)).toBe(true);
    expect((await story.get(id)).totalContacts).toBe(50);
  });

  it('asks for the properties of the event, for the segment of the campaign, and for the time of the launch', async () => {
    await story.importContacts([
      'ada@example.com,Ada,pro',
      'bob@example.com,Bob,free',
      'cyd@example.com,Cyd,pro',
      'dan@example.com,Dan,pro',
    ]);
    const segmentId = await story.segment({ type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' }, 'Pro');
    const filter = {
      all: [{ property: 'total', operator: 'gte', value: 100 }, { not: { property: 'email', operator: 'eq', value: 'x' } }],
    };
    const id = await launched({ trigger: { ...CART, filter }, segmentId });
    const before = new Date(app.clock.now().getTime() - 60_000).toISOString();
    await report([
      { name: 'cart_abandoned', email: 'ada@example.com', properties: { total: '120.50' } },
      { name: 'cart_abandoned', email: 'bob@example.com', properties: { total: 500 } },
      { name: 'cart_abandoned', email: 'cyd@example.com', properties: { total: 99 } },
      { name: 'cart_abandoned', email: 'dan@example.com', properties: { total: 100 }, occurredAt: before },
      { name: 'cart_filled', email: 'dan@example.com', properties: { total: 100 } },
    ]);
    await apply();
    expect((await inside(id)).map(({ email }) => email)).toEqual(['ada@example.com']);
  });

  it('takes nobody in who may not be mailed', async () => {
    await story.importContacts(2);
    const id = await launched();
    await story.api.must(200, story.api.post(`/api/contacts/${await story.contactId('person1@example.com')}/unsubscribe`, {}));
    await report([1, 2].map((n) => ({ name: 'cart_abandoned', email: `person${n}@example.com` })));
    await apply();
    expect((await inside(id)).map(({ email }) => email)).toEqual(['person2@example.com']);
  });

  const again = async (reentry: unknown) => {
    await story.importContacts(1);
    const id = await launched({ reentry });
    const event = async () => {
      await report({ name: 'cart_abandoned', email: 'person1@example.com' });
      await apply();
    };
    const through = async () => {
      await engine.advanceCampaign(tenantId, id, LONG);
      app.clock.advance({ hours: 1 });
      await engine.advanceCampaign(tenantId, id, LONG);
    };
    return { id, event, through };
  };

  it('never lets in again without a rule for it', async () => {
    const { id, event, through } = await again(null);
    await event();
    await through();
    await event();
    expect(await inside(id)).toMatchObject([{ status: 'completed', entry: 1 }]);
  });

  it('lets in again after the exit, and never while somebody is inside', async () => {
    const { id, event, through } = await again({ policy: 'after_exit' });
    await event();
    await event();
    expect(await inside(id)).toMatchObject([{ status: 'enrolled', entry: 1 }]);
    await through();
    await event();
    expect(await inside(id)).toMatchObject([{ status: 'enrolled', entry: 2 }]);
    await event();
    await through();
    expect(await inside(id)).toMatchObject([{ status: 'completed', entry: 2 }]);
    expect((await story.get(id)).totalContacts).toBe(1);
  });

  it('lets in again when the cooldown since the last entry is over', async () => {
    const { id, event, through } = await again({ policy: 'after_cooldown', cooldown: { value: 3, unit: 'hours' } });
    await event();
    await through();
    app.clock.advance({ hours: 1, minutes: 59 });
    await event();
    expect(await inside(id)).toMatchObject([{ status: 'completed', entry: 1 }]);
    app.clock.advance({ minutes: 1 });
    await event();
    expect(await inside(id)).toMatchObject([{ status: 'enrolled', entry: 2 }]);
  });

  it('sends a step again in the next entry, once per entry', async () => {
    await story.importContacts(1);
    const id = await launched({ reentry: { policy: 'after_exit' } }, [emailStep()]);
    for (let round = 1; round <= 2; round++) {
      await report({ name: 'cart_abandoned', email: 'person1@example.com' });
      await apply();
      await engine.advanceCampaign(tenantId, id, LONG);
      const planned = await sql('SELECT entry_number AS n FROM emails WHERE campaign_id = $1 ORDER BY 1', [id]);
      expect(planned.map(({ n }) => n)).toEqual(Array.from({ length: round }, (_, i) => i + 1));
      await story.api.must(204, story.api.delete(`/api/campaigns/${id}/contacts/${await story.contactId('person1@example.com')}`));
      await sql(`UPDATE campaign_contacts SET exit_reason = 'goal' WHERE campaign_id = $1`, [id]);
      app.clock.advance({ minutes: 1 });
    }
  });

  it('does not take back by itself whom somebody has taken out', async () => {
    const { id, event } = await again({ policy: 'after_exit' });
    await event();
    await story.api.must(204, story.api.delete(`/api/campaigns/${id}/contacts/${await story.contactId('person1@example.com')}`));
    app.clock.advance({ minutes: 1 });
    await event();
    expect(await inside(id)).toMatchObject([{ status: 'exited', reason: 'removed', entry: 1 }]);
  });

  it('ends the way of those who reach the goal after they came in, in the order in which things happened', async () => {
    await story.importContacts(3);
    const goal = { type: 'event', name: 'order_placed', filter: { property: 'total', operator: 'gt', value: 0 } };
    const id = await launched({ goal });
    app.clock.advance({ seconds: 10 });
    const at = (seconds: number) => new Date(app.clock.now().getTime() + (seconds - 10) * 1000).toISOString();
    const order = { name: 'order_placed', properties: { total: 10 } };
    await report([
      // Reported in one go, and not in order.
      { ...order, email: 'person1@example.com', occurredAt: at(2) },
      { name: 'cart_abandoned', email: 'person1@example.com', occurredAt: at(1) },
      { ...order, email: 'person2@example.com', occurredAt: at(1) },
      { name: 'cart_abandoned', email: 'person2@example.com', occurredAt: at(2) },
      { name: 'cart_abandoned', email: 'person3@example.com', occurredAt: at(1) },
      { name: 'order_placed', email: 'person3@example.com', occurredAt: at(2), properties: { total: 0 } },
    ]);
    await apply();
    expect(await inside(id)).toMatchObject([
      { status: 'exited', reason: 'goal' },
      { status: 'enrolled', reason: null },
      { status: 'enrolled', reason: null },
    ]);
  });

  it('leaves a triggered campaign active with nobody in it, and hears nothing more when it has ended', async () => {
    await story.importContacts(1);
    const runner = app.app.get(CampaignLifecycleRunner);
    const id = await launched({ endDate: new Date(app.clock.now().getTime() + 3_600_000).toISOString() });
    await runner.runOnce();
    expect((await story.get(id)).status).toBe('active');
    app.clock.advance({ hours: 2 });
    await runner.runOnce();
    expect((await story.get(id)).status).toBe('completed');
    await report({ name: 'cart_abandoned', email: 'person1@example.com' });
    await apply();
    expect(await inside(id)).toEqual([]);
    expect(await sql('SELECT FROM campaign_triggers WHERE campaign_id = $1', [id])).toHaveLength(0);
  });

  it('says of every bad event what is wrong and where, and records the others', async () => {
    await story.importContacts(1);
    const answer = await report({
      events: [
        { name: 'cart_abandoned', email: 'person1@example.com' },
        { name: 'cart_abandoned', email: 'nobody@example.com' },
        { name: '', contactId: 'x', occurredAt: '2030-13-01T00:00:00Z', properties: [] },
        { name: 'a', contactId: '0193a7c4-7b1e-7cc3-98c4-dc0c0c07398f' },
        { name: 'a', email: 'person1@example.com', colour: 'red' },
        { name: 'a', email: 'person1@example.com', occurredAt: new Date(app.clock.now().getTime() + 3_600_000).toISOString() },
        7,
      ],
    });
    expect(answer).toMatchObject({ accepted: 1, duplicates: 0, rejected: 6 });
    expect(answer.errors.map(({ index, path, code }: any) => [index, path, code])).toEqual([
      [1, 'events[1].email', 'unknown_contact'],
      [2, 'events[2].name', 'invalid_event'],
      [2, 'events[2].contactId', 'invalid_event'],
      [2, 'events[2].occurredAt', 'invalid_event'],
      [2, 'events[2].properties', 'invalid_event'],
      [3, 'events[3].contactId', 'unknown_contact'],
      [4, 'events[4].colour', 'unknown_field'],
      [5, 'events[5].occurredAt', 'invalid_event'],
      [6, 'events[6]', 'invalid_event'],
    ]);
    const single = (event: unknown) => story.api.post('/api/events', event);
    expect(await single({ name: 'a', email: 'nobody@example.com' })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'email', message: 'is not the address of a contact of yours', code: 'unknown_contact' }] },
    });
    expect((await single({ name: 'a' })).status).toBe(400);
    expect((await single([])).status).toBe(400);
    expect((await single({ events: [], more: 1 })).status).toBe(400);
    expect((await single(Array.from({ length: 1_001 }, () => ({ name: 'a', email: 'person1@example.com' })))).status).toBe(400);
  });

  it('refuses settings that make no sense, with their place', async () => {
    const create = async (over: Record<string, unknown>) => {
      const { status, body } = await story.api.post('/api/campaigns', { name: 'X', campaignType: 'triggered', ...over });
      return [status, body.errors?.[0]?.path];
    };
    const segmentId = '0193a7c4-7b1e-7cc3-98c4-dc0c0c07398f';
    expect(await create({ trigger: { type: 'webhook' } })).toEqual([400, 'trigger.type']);
    expect(await create({ trigger: { type: 'event', name: ' ' } })).toEqual([400, 'trigger.name']);
    expect(await create({ trigger: { ...CART, filter: { all: [{ property: 'a', operator: 'like', value: 1 }] } } })).toEqual([
      400,
      'trigger.filter.all[0].operator',
    ]);
    expect(await create({ trigger: { ...CART, filter: { property: '', operator: 'eq', value: 1 } } })).toEqual([
      400,
      'trigger.filter.property',
    ]);
    expect(await create({ trigger: { ...CART, since: 1 } })).toEqual([400, 'trigger.since']);
    expect(await create({ trigger: { type: 'segment_entry', segmentId: 'x' } })).toEqual([400, 'trigger.segmentId']);
    expect(await create({ trigger: { type: 'segment_entry', segmentId } })).toEqual([422, 'trigger.segmentId']);
    expect(await create({ reentry: { policy: 'sometimes' } })).toEqual([400, 'reentry.policy']);
    expect(await create({ reentry: { policy: 'after_cooldown' } })).toEqual([400, 'reentry.cooldown']);
    expect(await create({ reentry: { policy: 'after_cooldown', cooldown: { value: 0, unit: 'days' } } })).toEqual([
      400,
      'reentry.cooldown.value',
    ]);
    expect(await create({ goal: { type: 'rule', rules: { type: 'x' } } })).toEqual([400, 'goal.rules.type']);
    expect(await create({ goal: { type: 'rule', rules: { type: 'segment', segmentId } } })).toEqual([422, 'goal.rules.segmentId']);
    expect(await create({ trigger: CART, goal: CART })).toEqual([422, 'goal']);
    expect(await create({ campaignType: 'broadcast', trigger: CART })).toEqual([422, 'trigger']);
    expect(await create({ campaignType: 'broadcast', keepEnrolling: true })).toEqual([422, 'keepEnrolling']);
    expect(await create({ campaignType: 'drip', reentry: { policy: 'after_exit' } })).toEqual([422, 'reentry']);
    const bare = await story.campaign({ campaignType: 'triggered', segmentId: null });
    const refused = await story.api.post(`/api/campaigns/${bare}/launch`, {});
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'trigger']);
  });

  it('keeps a segment that a trigger or a goal names from being deleted, and copies both', async () => {
    const [a, b] = [await story.segment({ all: [] }, 'A'), await story.segment({ all: [] }, 'B')];
    const settings = {
      trigger: { type: 'segment_entry', segmentId: a, includeExisting: true },
      goal: { type: 'rule', rules: { type: 'segment', segmentId: b } },
      reentry: { policy: 'after_exit' },
      exitOnSegmentLeave: true,
    };
    const id = await story.campaign({ campaignType: 'triggered', ...settings });
    expect((await story.api.delete(`/api/segments/${a}`)).status).toBe(409);
    expect((await story.api.delete(`/api/segments/${b}`)).status).toBe(409);
    const clone = await story.api.must(201, story.api.post(`/api/campaigns/${id}/clone`, {}));
    expect(clone).toMatchObject(settings);
  });
});
