import { AudienceEnrollment, CampaignEntry } from '../../src/modules/enrollment/index.js';
import { CampaignLifecycleRunner, StepEngine } from '../../src/modules/execution/index.js';
import { Watches } from '../../src/modules/triggers/index.js';
import { emailStep, Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const LONG = { maxMs: 30_000 };

/** Who comes into a watched segment and who leaves it, with no worker running. Pieces are ten contacts long, so that everything takes several. */
describe('watched segments on a real database', () => {
  let app: TestApp;
  let story: Story;
  let tenantId: string;
  let watches: Watches;
  let segmentId: string;

  beforeAll(async () => {
    app = await startTestApp({ env: { ROLES: 'api', ENROLL_CHUNK: '10', ADVANCE_BATCH: '16', MAIL_PROVIDER: 'null' } });
    watches = app.app.get(Watches);
  });
  afterAll(() => app?.close());
  beforeEach(async () => {
    const tenant = await app.tenant();
    tenantId = tenant.tenantId;
    story = new Story(app, tenant.api);
    segmentId = await story.segment({ type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' }, 'Pro');
  });

  const sql: TestApp['sql'] = (text, params) => app.sql(text, params);
  const launched = async (over: Record<string, unknown>, steps: unknown[] = [waitStep(1, 'hours')]): Promise<string> => {
    const id = await story.campaign({ campaignType: 'triggered', segmentId: null, ...over }, steps);
    await story.launch(id);
    await app.app.get(AudienceEnrollment).enrollCampaign(tenantId, id, LONG);
    return id;
  };
  const onEntry = (over: Record<string, unknown> = {}) => ({ trigger: { type: 'segment_entry', segmentId, ...over } });
  /** One whole round of everything that is watched. */
  const round = async () => {
    app.clock.advance({ minutes: 1 });
    while (await watches.runOnce());
  };
  const plan = async (n: number, value: string) =>
    story.api.must(
      200,
      story.api.patch(`/api/contacts/${await story.contactId(`person${n}@example.com`)}`, { attributes: { plan: value } }),
    );
  const inside = async (id: string) =>
    (
      await sql(
        `SELECT substring(c.email from '[0-9]+')::int AS n, cc.status, cc.entry_number AS entry, cc.exit_reason AS reason
           FROM campaign_contacts cc JOIN contacts c ON c.id = cc.contact_id WHERE cc.campaign_id = $1 ORDER BY 1`,
        [id],
      )
    ).map(({ n, status, entry, reason }) => [n, status, entry, reason].filter((part) => part !== null).join(' '));

  it('let in those who come after the launch, and not those who were there', async () => {
    await story.importContacts(35);
    const id = await launched(onEntry());
    await round();
    await round();
    expect(await inside(id)).toEqual([]);
    // 1 and 33 become pro; 2 was pro and stays so.
    await plan(1, 'pro');
    await plan(33, 'pro');
    await round();
    await round();
    expect(await inside(id)).toEqual(['1 enrolled 1', '33 enrolled 1']);
    expect(await story.get(id)).toMatchObject({ status: 'active', totalContacts: 2 });
  });

  it('let in those who are there at launch where that is wanted', async () => {
    await story.importContacts(24);
    const id = await launched(onEntry({ includeExisting: true }));
    await round();
    expect(await inside(id)).toHaveLength(12);
  });

  it('let in somebody who was created between the launch and the first round', async () => {
    await story.importContacts(4);
    const id = await launched(onEntry());
    await story.importContacts(['person99@example.com,New,pro']);
    await round();
    expect(await inside(id)).toEqual(['99 enrolled 1']);
  });

  it('let somebody in again who has left the segment and comes back, if the campaign allows it', async () => {
    await story.importContacts(2);
    const id = await launched({ ...onEntry(), reentry: { policy: 'after_exit' }, exitOnSegmentLeave: true });
    await round();
    await plan(1, 'pro');
    await round();
    await plan(1, 'free');
    await round();
    expect(await inside(id)).toEqual(['1 exited 1 left_segment']);
    await plan(1, 'pro');
    await round();
    expect(await inside(id)).toEqual(['1 enrolled 2']);
  });

  it('enrol nobody twice when two workers look at once, and lose nobody when one dies in the middle', async () => {
    await story.importContacts(40);
    const id = await launched(onEntry({ includeExisting: true }));
    const entry = app.app.get(CampaignEntry);
    const original = entry.enter.bind(entry);
    let pieces = 0;
    entry.enter = async (...args) => {
      const entered = await original(...args);
      if (args[1].id === id && ++pieces === 2) throw new Error('crash');
      return entered;
    };
    app.clock.advance({ minutes: 1 });
    try {
      await watches.runOnce();
    } finally {
      entry.enter = original;
    }
    expect(await inside(id)).toHaveLength(5);
    app.clock.advance({ minutes: 1 });
    await Promise.all([watches.runOnce(), watches.runOnce(), watches.runOnce()]);
    await round();
    const people = await inside(id);
    expect(people).toHaveLength(20);
    expect(people.every((person) => person.endsWith('enrolled 1'))).toBe(true);
    expect((await story.get(id)).totalContacts).toBe(20);
  });

  it('let a drip that keeps enrolling go on, and complete it only when its enrolment is closed', async () => {
    await story.importContacts(4);
    const runner = app.app.get(CampaignLifecycleRunner);
    const engine = app.app.get(StepEngine);
    const id = await launched({ campaignType: 'drip', segmentId, keepEnrolling: true });
    expect(await inside(id)).toHaveLength(2);
    const through = async () => {
      await engine.advanceCampaign(tenantId, id, LONG);
      app.clock.advance({ hours: 2 });
      await engine.advanceCampaign(tenantId, id, LONG);
      await runner.runOnce();
    };
    await through();
    await round();
    expect((await story.get(id)).status).toBe('active');
    await plan(1, 'pro');
    await round();
    expect(await inside(id)).toEqual(['1 enrolled 1', '2 completed 1', '4 completed 1']);
    const closed = await story.api.must(200, story.api.post(`/api/campaigns/${id}/close-enrollment`));
    expect(closed.campaign.enrollmentClosedAt).toBe(app.clock.now().toISOString());
    await plan(3, 'pro');
    await round();
    expect(await inside(id)).toHaveLength(3);
    await through();
    expect((await story.get(id)).status).toBe('completed');
    await round();
    expect(await sql('SELECT FROM campaign_watch_members WHERE campaign_id = $1', [id])).toEqual([]);
    expect(await sql('SELECT FROM campaign_watches WHERE campaign_id = $1', [id])).toEqual([]);
  });

  it('end the way of those who reach a goal that is a rule', async () => {
    await story.importContacts(30);
    const id = await launched({
      ...onEntry({ includeExisting: true }),
      goal: { type: 'rule', rules: { type: 'tag', tag: 'customer' } },
    });
    await round();
    await story.api.must(200, story.api.post(`/api/contacts/${await story.contactId('person2@example.com')}/tags`, { tags: ['customer'] }));
    await round();
    const people = await inside(id);
    expect(people[0]).toBe('2 exited 1 goal');
    expect(people.slice(1).every((person) => person.endsWith('enrolled 1'))).toBe(true);
  });

  it('cannot be closed where the campaign closes by itself, or does not run', async () => {
    await story.importContacts(2);
    const broadcast = await launched({ campaignType: 'broadcast', segmentId }, [emailStep()]);
    expect((await story.api.post(`/api/campaigns/${broadcast}/close-enrollment`)).status).toBe(422);
    const draft = await story.campaign({ campaignType: 'triggered', ...onEntry() });
    expect((await story.api.post(`/api/campaigns/${draft}/close-enrollment`)).status).toBe(409);
  });

  it('show before the launch who would get nothing, and why', async () => {
    await story.importContacts(12);
    const unsubscribe = async (n: number) =>
      story.api.must(200, story.api.post(`/api/contacts/${await story.contactId(`person${n}@example.com`)}/unsubscribe`, {}));
    await unsubscribe(2);
    await sql(
      `INSERT INTO suppressions (tenant_id, email_norm, reason, source) VALUES ($1, 'person4@example.com', 'hard_bounce', 'test')`,
      [tenantId],
    );
    const everybody = await story.segment({ all: [] }, 'All');
    const id = await story.campaign({ segmentId: everybody });
    const preflight = await story.api.must(200, story.api.get(`/api/campaigns/${id}/preflight`));
    expect(preflight.exclusions).toEqual({
      audience: 12,
      noAddress: 0,
      suppressed: 1,
      unsubscribed: 1,
      alreadyEnrolled: 0,
      frequencyCapped: 0,
      reachable: 10,
    });
    await story.launch(id);
    await app.app.get(AudienceEnrollment).enrollCampaign(tenantId, id, LONG);
    const after = await story.api.must(200, story.api.get(`/api/campaigns/${id}/preflight`));
    expect(after.exclusions).toMatchObject({ audience: 12, alreadyEnrolled: 10, reachable: 0 });
    await app.app.get(StepEngine).advanceCampaign(tenantId, id, LONG);
    await sql(`UPDATE emails SET status = 'sent', sent_at = $2, settled_at = $2 WHERE campaign_id = $1 AND to_email IS NULL`, [
      id,
      app.clock.now(),
    ]).catch(() => undefined);
    const capped = await story.campaign({ segmentId: everybody, frequencyCap: { messages: 1, perDays: 7 } });
    const third = await story.api.must(200, story.api.get(`/api/campaigns/${capped}/preflight`));
    expect(third.exclusions).toMatchObject({ audience: 12, suppressed: 1, unsubscribed: 1, frequencyCapped: 10, reachable: 0 });
  });
});
