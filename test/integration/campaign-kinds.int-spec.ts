import { AudienceEnrollment } from '../../src/modules/enrollment/index.js';
import { firstDue } from '../../src/modules/enrollment/domain/first-due.js';
import { CampaignLifecycleRunner, StepEngine } from '../../src/modules/execution/index.js';
import { bestSendTime } from '../../src/shared/best-hour.js';
import { emailStep, Story } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const LONG = { maxMs: 30_000 };

/** Waits, splits and starts on the database, with no worker running: each test calls the work itself, by the fake clock. */
describe('the kinds of steps and starts', () => {
  let app: TestApp;
  let story: Story;
  let tenantId: string;

  beforeAll(async () => {
    app = await startTestApp({ env: { ROLES: 'api', ENROLL_CHUNK: '10', ADVANCE_BATCH: '16', MAIL_PROVIDER: 'null' } });
  });
  afterAll(() => app?.close());
  beforeEach(async () => {
    app.clock.set('2030-01-07T08:00:00Z');
    const tenant = await app.tenant();
    tenantId = tenant.tenantId;
    story = new Story(app, tenant.api);
  });

  const sql: TestApp['sql'] = (text, params) => app.sql(text, params);
  const enroll = (id: string) => app.app.get(AudienceEnrollment).enrollCampaign(tenantId, id, LONG);
  const advance = (id: string) => app.app.get(StepEngine).advanceCampaign(tenantId, id, LONG);
  const running = async (steps: unknown[], over: Record<string, unknown> = {}): Promise<string> => {
    const id = await story.campaign({ campaignType: 'drip', ...over }, steps);
    await story.launch(id);
    await enroll(id);
    await advance(id);
    return id;
  };
  /** Who is due when; null: nobody waits for a time any more. */
  const dueOf = async (id: string): Promise<Record<string, string | null>> => {
    const found = await sql(
      `SELECT split_part(c.email, '@', 1) AS who, cc.next_email_scheduled_at AS at FROM campaign_contacts cc JOIN contacts c ON c.id = cc.contact_id
        WHERE cc.campaign_id = $1 ORDER BY 1`,
      [id],
    );
    return Object.fromEntries(found.map(({ who, at }) => [who, at && new Date(at).toISOString()]));
  };
  const tagsOf = async (tag: string): Promise<string[]> =>
    (await story.api.must(200, story.api.get(`/api/contacts?tag=${tag}&limit=100`))).data
      .map((c: { email: string }) => c.email.split('@')[0])
      .sort();
  const tag = (name: string, over: object = {}) => ({
    ref: name,
    stepType: 'action',
    actionConfig: { type: 'add_tag', tag: name },
    ...over,
  });

  it('waits for a date of the contact, by the contact’s calendar, and goes on at once where there is none to wait for', async () => {
    await story.importContacts(
      [
        'tokyo@e.com,Asia/Tokyo,2030-02-10',
        'york@e.com,America/New_York,2030-02-10',
        'past@e.com,,2029-12-24',
        'odd@e.com,,soon',
        'none@e.com,,',
      ],
      'email,timezone,renews',
    );
    const wait = {
      stepType: 'wait',
      waitUntil: { attribute: 'renews', offset: { value: -3, unit: 'days' }, timeOfDay: { from: '09:00' } },
    };
    const id = await running([wait, tag('reminded')]);
    // 08:00 UTC on a Monday: whoever has no date ahead goes on at 09:00, the others three days before theirs.
    expect(await dueOf(id)).toEqual({
      tokyo: '2030-02-07T00:00:00.000Z',
      york: '2030-02-07T14:00:00.000Z',
      past: '2030-01-07T09:00:00.000Z',
      odd: '2030-01-07T09:00:00.000Z',
      none: '2030-01-07T09:00:00.000Z',
    });
    const withoutTime = await running([{ stepType: 'wait', waitUntil: { attribute: 'renews' } }, tag('at_once')]);
    expect(await tagsOf('at_once')).toEqual(['none', 'odd', 'past']);

    // Somebody renews: the date moves on while they wait, and the old one reminds nobody.
    const tokyo = await story.contactId('tokyo@e.com');
    await story.api.must(200, story.api.patch(`/api/contacts/${tokyo}`, { attributes: { renews: '2031-02-10' } }));
    app.clock.set('2030-02-12T00:00:00Z');
    await advance(id);
    await advance(withoutTime);
    expect(await tagsOf('reminded')).toEqual(['none', 'odd', 'past', 'york']);
    expect(await tagsOf('at_once')).toEqual(['none', 'odd', 'past', 'york']);
    expect((await dueOf(id)).tokyo).toBe('2031-02-07T00:00:00.000Z');
  });

  it('waits for a date that is the same for all, and for one on each clock', async () => {
    await story.importContacts(['tokyo@e.com,Asia/Tokyo', 'york@e.com,America/New_York', 'none@e.com,'], 'email,timezone');
    const instant = await running([{ stepType: 'wait', waitUntil: { date: '2030-04-01T09:00:00+02:00' } }, tag('a')], {
      timezone: 'Europe/Berlin',
    });
    expect(Object.values(await dueOf(instant))).toEqual(Array(3).fill('2030-04-01T07:00:00.000Z'));
    const local = await running([{ stepType: 'wait', waitUntil: { date: '2030-04-01T09:00' } }, tag('b')], { timezone: 'Europe/Berlin' });
    expect(await dueOf(local)).toEqual({
      tokyo: '2030-04-01T00:00:00.000Z',
      york: '2030-04-01T13:00:00.000Z',
      none: '2030-04-01T07:00:00.000Z',
    });
  });

  it('waits two days and then for a working morning, over the change of clocks', async () => {
    app.clock.set('2030-03-28T15:00:00Z');
    await story.importContacts(['berlin@e.com,Europe/Berlin', 'sydney@e.com,Australia/Sydney'], 'email,timezone');
    const timeOfDay = { from: '09:00', to: '17:00', weekdays: [1, 2, 3, 4, 5] };
    const id = await running([{ stepType: 'wait', waitDuration: { value: 2, unit: 'days' }, waitUntil: { timeOfDay } }, tag('x')]);
    // Thursday plus two days is Saturday: Monday, 1 April, 09:00 summer time in Berlin; still summer time in Sydney.
    expect(await dueOf(id)).toEqual({ berlin: '2030-04-01T07:00:00.000Z', sydney: '2030-03-31T22:00:00.000Z' });
  });

  it('splits by the first rule that holds, and else', async () => {
    await story.importContacts(['a@e.com,pro,9', 'b@e.com,pro,1', 'c@e.com,free,9', 'd@e.com,,'], 'email,plan,seats');
    const rule = (attribute: string, operator: string, value: unknown) => ({ type: 'contact_attribute', attribute, operator, value });
    const branches = [
      { name: 'Big', rules: { all: [rule('plan', 'eq', 'pro'), rule('seats', 'gt', 5)] }, nextRef: 'big' },
      { name: 'Pro', rules: rule('plan', 'eq', 'pro'), nextRef: 'pro' },
      { name: 'Free', rules: rule('plan', 'eq', 'free'), nextRef: null },
    ];
    const id = await running([
      { stepType: 'condition', splitConfig: { type: 'rules', branches, elseNextRef: 'rest' } },
      tag('big', { nextRef: null }),
      tag('pro', { nextRef: null }),
      tag('rest'),
    ]);
    expect([await tagsOf('big'), await tagsOf('pro'), await tagsOf('rest')]).toEqual([['a'], ['b'], ['d']]);
    const analytics = await story.api.must(200, story.api.get(`/api/campaigns/${id}/analytics`));
    expect(analytics.byStep.map((step: { entered: number }) => step.entered)).toEqual([4, 1, 1, 1]);
    expect(
      (await story.api.must(200, story.api.get(`/api/campaigns/${id}/contacts`))).data.every((e: any) => e.status === 'completed'),
    ).toBe(true);
  });

  it('splits by lot in the given shares, and in every run the same', async () => {
    await story.importContacts(200);
    const branches = [
      { weight: 25, nextRef: 'a' },
      { weight: 75, nextRef: 'b' },
    ];
    const steps = [{ stepType: 'condition', splitConfig: { type: 'random', branches } }, tag('a', { nextRef: null }), tag('b')];
    const id = await running(steps);
    const [first, others] = [await tagsOf('a'), await tagsOf('b')];
    expect(first.length + Math.min(others.length, 100)).toBeGreaterThan(100);
    expect(first.length).toBeGreaterThan(25);
    expect(first.length).toBeLessThan(80);
    // Everybody comes by once more: nobody changes sides.
    await sql(`DELETE FROM contact_tags WHERE tenant_id = $1`, [tenantId]);
    await sql(
      `UPDATE campaign_contacts SET status = 'active', completed_at = NULL, entry_number = 2, next_email_scheduled_at = $2,
              current_step_id = (SELECT id FROM campaign_steps WHERE campaign_id = $1 AND step_order = 1) WHERE campaign_id = $1`,
      [id, app.clock.now()],
    );
    await advance(id);
    expect(await tagsOf('a')).toEqual(first);
  });

  it('puts contacts on a list and takes them off, and the list cannot be deleted meanwhile', async () => {
    await story.importContacts(['a@e.com,A', 'b@e.com,B'], 'email,firstName');
    const list = (await story.api.must(201, story.api.post('/api/segments', { name: 'List', type: 'static' }))).id;
    const members = async () => (await story.api.must(200, story.api.get(`/api/segments/${list}/contacts`))).data.length;
    const id = await running([
      { stepType: 'action', actionConfig: { type: 'add_to_segment', segmentId: list } },
      { stepType: 'wait', waitDuration: { value: 1, unit: 'days' } },
      { stepType: 'action', actionConfig: { type: 'remove_from_segment', segmentId: list } },
    ]);
    expect(await members()).toBe(2);
    const refused = await story.api.delete(`/api/segments/${list}`);
    expect(refused.status).toBe(409);
    app.clock.advance({ days: 1 });
    await advance(id);
    expect(await members()).toBe(0);
    const dynamic = await story.segment();
    const other = await story.campaign({}, []);
    const save = (segmentId: string) =>
      story.api.put(`/api/campaigns/${other}/steps`, {
        steps: [{ stepType: 'action', actionConfig: { type: 'add_to_segment', segmentId } }],
      });
    expect((await save(dynamic)).body.errors).toEqual([
      expect.objectContaining({ path: 'steps[0].actionConfig.segmentId', code: 'segment_not_static' }),
    ]);
    expect((await save(tenantId)).body.errors).toEqual([expect.objectContaining({ code: 'segment_not_found' })]);
  });

  it('starts everybody when their own clock shows the time of the start, as the pure function says', async () => {
    const zones = ['Asia/Tokyo', 'America/New_York', 'Pacific/Kiritimati', 'Australia/Lord_Howe', 'Europe/Berlin', ''];
    await story.importContacts(
      zones.map((zone, i) => `p${i}@e.com,${zone}`),
      'email,timezone',
    );
    const startDate = '2030-01-09T09:00:00+01:00';
    const settings = {
      campaignType: 'broadcast',
      sendStrategy: 'scheduled',
      startInContactZone: true,
      startDate,
      timezone: 'Europe/Berlin',
    };
    const id = await story.campaign(settings);
    await story.api.must(200, story.api.post(`/api/campaigns/${id}/schedule`));
    const lifecycle = app.app.get(CampaignLifecycleRunner);
    // It is 09:00 of the day in Kiritimati at 19:00 UTC of the day before, and not a minute earlier.
    app.clock.set('2030-01-08T18:59:00Z');
    await lifecycle.startDue();
    expect((await story.get(id)).status).toBe('scheduled');
    app.clock.set('2030-01-08T19:00:00Z');
    await lifecycle.startDue();
    expect((await story.get(id)).status).toBe('active');
    await enroll(id);
    const due = await dueOf(id);
    const campaign = { startDate: new Date(startDate), startInContactZone: true, timezone: 'Europe/Berlin' };
    for (const [i, zone] of zones.entries()) {
      expect(due[`p${i}`]).toBe(firstDue(campaign, app.clock.now(), zone || null).toISOString());
    }
    expect(due).toMatchObject({ p0: '2030-01-09T00:00:00.000Z', p2: '2030-01-08T19:00:00.000Z', p5: '2030-01-09T08:00:00.000Z' });
    // Somebody who is added by hand begins by the same clock; one whose time has passed begins at once.
    await story.importContacts(['late@e.com,Pacific/Kiritimati', 'west@e.com,Pacific/Honolulu'], 'email,timezone');
    app.clock.set('2030-01-09T07:00:00Z');
    const contactIds = [await story.contactId('late@e.com'), await story.contactId('west@e.com')];
    await story.api.must(201, story.api.post(`/api/campaigns/${id}/contacts`, { contactIds }));
    expect(await dueOf(id)).toMatchObject({ late: '2030-01-09T07:00:00.000Z', west: '2030-01-09T19:00:00.000Z' });
    await advance(id);
    const sending = await sql(`SELECT count(*)::int AS n FROM emails WHERE campaign_id = $1`, [id]);
    expect(sending).toEqual([{ n: 4 }]);
  });

  it('refuses a start on each clock without a start', async () => {
    const body = { name: 'X', campaignType: 'broadcast', startInContactZone: true };
    const refused = await story.api.post('/api/campaigns', body);
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'startInContactZone']);
    expect((await story.api.post('/api/campaigns', { ...body, timezone: 'Foo/Bar', startInContactZone: false })).status).toBe(400);
  });

  it('sends `optimized` messages at each contact’s own hour, every one of them, and at 09:00 where none is known', async () => {
    await story.importContacts(['tokyo@e.com,Asia/Tokyo', 'york@e.com,America/New_York', 'few@e.com,Europe/Berlin'], 'email,timezone');
    const past = await running([emailStep()]);
    // Tokyo opens at 20:00 local, New York around 07:00, the third has opened too rarely to tell. Machines open at once, at any hour.
    const opens: Record<string, string[]> = {
      tokyo: ['2030-01-02T11:10Z', '2030-01-03T11:20Z', '2030-01-04T11:30Z', '2030-01-05T02:00Z', '2030-01-06T11:59Z'],
      york: ['2029-12-02T12:01Z', '2029-12-03T12:02Z', '2029-12-04T12:03Z', '2029-12-05T12:04Z', '2029-12-06T12:05Z'],
      few: ['2030-01-02T20:00Z', '2030-01-03T20:00Z', '2030-01-04T20:00Z', '2030-01-05T20:00Z'],
    };
    for (const [who, times] of Object.entries(opens)) {
      for (const [i, at] of times.entries()) {
        // One message for each open, under entries of their own.
        await sql(
          `INSERT INTO emails (tenant_id, campaign_id, step_id, enrollment_id, contact_id, entry_number, status, due_at, sent_at, first_opened_at, first_human_opened_at)
           SELECT tenant_id, campaign_id, step_id, enrollment_id, contact_id, $3, 'delivered', now(), now(), $2, $2 FROM emails
            WHERE campaign_id = $1 AND entry_number = 1 AND contact_id = (SELECT id FROM contacts WHERE tenant_id = $5 AND email = $4)`,
          [past, at, i + 2, `${who}@e.com`, tenantId],
        );
      }
    }
    const id = await running([emailStep()], { sendStrategy: 'optimized' });
    const planned = await sql(
      `SELECT split_part(c.email, '@', 1) AS who, c.id, c.timezone, e.due_at AS at, to_char(e.due_at AT TIME ZONE c.timezone, 'HH24') AS hour
         FROM emails e JOIN contacts c ON c.id = e.contact_id WHERE e.campaign_id = $1 ORDER BY 1`,
      [id],
    );
    expect(planned.map(({ who, hour }) => [who, hour])).toEqual([
      ['few', '09'],
      ['tokyo', '20'],
      ['york', '07'],
    ]);
    for (const { who, id: contactId, timezone, at } of planned) {
      const ms = opens[who].map((time) => new Date(time).getTime());
      expect(new Date(at)).toEqual(bestSendTime(app.clock.now(), timezone, ms, contactId));
      expect(new Date(at).getTime()).toBeGreaterThanOrEqual(app.clock.now().getTime());
    }
  });
});
