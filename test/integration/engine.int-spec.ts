import { AudienceEnrollment, EnrollmentService } from '../../src/modules/enrollment/index.js';
import { EnrollmentEngineQueries } from '../../src/modules/enrollment/enrollment-engine.queries.js';
import { CampaignLifecycleRunner, StepEngine } from '../../src/modules/execution/index.js';
import { until } from '../support/poll.js';
import { emailStep, Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { asOwner, ownerUrlOf } from '../support/test-database.js';

const LONG = { maxMs: 30_000 };

/** The engine's promises below HTTP, with no worker running: each test calls the work itself, as often and as concurrently as it likes. */
describe('the engine on a real database', () => {
  let app: TestApp;
  let story: Story;
  let tenantId: string;
  let audience: AudienceEnrollment;
  let engine: StepEngine;

  beforeAll(async () => {
    app = await startTestApp({ env: { ROLES: 'api', ENROLL_CHUNK: '10', ADVANCE_BATCH: '16', MAIL_PROVIDER: 'null' } });
    audience = app.app.get(AudienceEnrollment);
    engine = app.app.get(StepEngine);
  });
  afterAll(() => app?.close());
  beforeEach(async () => {
    const tenant = await app.tenant();
    tenantId = tenant.tenantId;
    story = new Story(app, tenant.api);
  });

  const sql: TestApp['sql'] = (text, params) => app.sql(text, params);
  const launched = async (contacts: number | string[], over: Record<string, unknown> = {}, steps?: unknown[]): Promise<string> => {
    await story.importContacts(contacts);
    const id = await story.campaign(over, steps);
    await story.launch(id);
    return id;
  };
  const enrolledOf = (id: string) =>
    sql(`SELECT contact_id, count(*)::int AS n FROM campaign_contacts WHERE campaign_id = $1 GROUP BY 1`, [id]);

  it('goes on enrolling where a crash stopped it, and enrols nobody twice', async () => {
    const id = await launched(35);
    const queries = app.app.get(EnrollmentEngineQueries);
    const original = queries.enrollChunk.bind(queries);
    let chunks = 0;
    // The third chunk has been written when the process "dies": its transaction must leave nothing.
    queries.enrollChunk = async (...args) => {
      const result = await original(...args);
      if (++chunks === 3) throw new Error('crash');
      return result;
    };
    await expect(audience.enrollCampaign(tenantId, id, LONG)).rejects.toThrow('crash');
    expect(await enrolledOf(id)).toHaveLength(20);
    expect(await story.get(id)).toMatchObject({ enrollment: { state: 'enrolling', enrolled: 20, total: 35 } });
    queries.enrollChunk = original;

    expect(await audience.enrollCampaign(tenantId, id, LONG)).toEqual({ enrolled: 15, more: false });
    const enrolled = await enrolledOf(id);
    expect(enrolled).toHaveLength(35);
    expect(enrolled.every(({ n }) => n === 1)).toBe(true);
    expect(await story.get(id)).toMatchObject({ totalContacts: 35, enrollment: { state: 'enrolled', enrolled: 35, total: 35 } });
  });

  it('does nothing for a job that names one tenant and the campaign of another', async () => {
    const id = await launched(3);
    const { tenantId: stranger } = await app.tenant('Other');
    await expect(audience.enrollCampaign(stranger, id, LONG)).rejects.toThrow('There is no such campaign');
    expect(await enrolledOf(id)).toEqual([]);
    await audience.enrollCampaign(tenantId, id, LONG);
    await expect(engine.advanceCampaign(stranger, id, LONG)).rejects.toThrow('There is no such campaign');
    expect(await sql(`SELECT id FROM emails WHERE campaign_id = $1`, [id])).toEqual([]);
    await engine.advanceCampaign(tenantId, id, LONG);
    expect(await sql(`SELECT id FROM emails WHERE campaign_id = $1`, [id])).toHaveLength(3);
  });

  it('leaves nobody on the way in a campaign that ends in the middle of a chunk', async () => {
    const endDate = new Date(app.clock.now().getTime() + 3_600_000);
    const id = await launched(25, { endDate: endDate.toISOString() });
    const queries = app.app.get(EnrollmentEngineQueries);
    const original = queries.enrollChunk.bind(queries);
    const runner = app.app.get(CampaignLifecycleRunner);
    // The first chunk is written, not committed, when the end comes.
    let goOn: () => void = () => undefined;
    const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
    let isInside: () => void = () => undefined;
    const inside = new Promise<void>((resolve) => (isInside = resolve));
    queries.enrollChunk = async (...args) => {
      const result = await original(...args);
      isInside();
      await mayGoOn;
      return result;
    };
    const enrolling = audience.enrollCampaign(tenantId, id, LONG);
    try {
      await inside;
      app.clock.set(endDate);
      let isOver = false;
      const ending = runner.runOnce().finally(() => (isOver = true));
      // Either it is through, or it waits for this chunk.
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      await until(async () => isOver || (await sql(waiting)).length > 0, { what: 'the end to pass or to wait' });
      goOn();
      await Promise.all([enrolling, ending]);
    } finally {
      goOn();
      queries.enrollChunk = original;
    }
    await runner.runOnce();
    expect((await story.get(id)).status).toBe('completed');
    const alive = await sql(`SELECT status FROM campaign_contacts WHERE campaign_id = $1 AND status <> 'exited'`, [id]);
    expect(alive).toEqual([]);
  });

  it('counts each contact once when two workers enrol the same campaign at once', async () => {
    const id = await launched(60);
    await Promise.all([audience.enrollCampaign(tenantId, id, LONG), audience.enrollCampaign(tenantId, id, LONG)]);
    await audience.enrollCampaign(tenantId, id, LONG);
    expect(await enrolledOf(id)).toHaveLength(60);
    expect((await story.get(id)).totalContacts).toBe(60);
  });

  it('does not enrol people who may not be mailed, nor contacts created after the launch', async () => {
    await story.importContacts(['ada@example.com,Ada,pro', 'bob@example.com,Bob,pro', 'cyd@example.com,Cyd,pro']);
    await story.api.must(200, story.api.post(`/api/contacts/${await story.contactId('bob@example.com')}/unsubscribe`, {}));
    const id = await story.campaign();
    await story.launch(id);
    await story.importContacts(['late@example.com,Late,pro']);
    await audience.enrollCampaign(tenantId, id, LONG);
    const enrolled = await sql(
      `SELECT c.email FROM campaign_contacts cc JOIN contacts c ON c.id = cc.contact_id WHERE cc.campaign_id = $1`,
      [id],
    );
    expect(enrolled.map(({ email }) => email).sort()).toEqual(['ada@example.com', 'cyd@example.com']);
  });

  it.each([
    ['behind', '2001-01-01T00:00:00Z'],
    ['ahead', '2040-01-01T00:00:00Z'],
  ])('enrols the same people when the clock of the launching process is far %s', async (_, now) => {
    const before = app.clock.now();
    app.clock.set(now);
    try {
      const id = await launched(15);
      await story.importContacts(['late@example.com,Late,pro']);
      await audience.enrollCampaign(tenantId, id, LONG);
      expect(await enrolledOf(id)).toHaveLength(15);
      expect((await story.get(id)).enrollment).toMatchObject({ state: 'enrolled', enrolled: 15, total: 15 });
    } finally {
      app.clock.set(before);
    }
  });

  it('never gives one worker a row that another holds (two connections)', async () => {
    const id = await launched(30);
    await audience.enrollCampaign(tenantId, id, LONG);
    const enrollments = app.app.get(EnrollmentService);
    const now = app.clock.now();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let claimedByFirst: string[] = [];
    let isClaimed: () => void = () => undefined;
    const claimed = new Promise<void>((resolve) => (isClaimed = resolve));
    const first = app.db.inTenant(tenantId, async (tx) => {
      claimedByFirst = (await enrollments.claimDue(tx, tenantId, id, now, 20)).map((row) => row.id);
      isClaimed();
      await held;
    });
    await claimed;
    const claimedBySecond = await app.db.inTenant(tenantId, async (tx) =>
      (await enrollments.claimDue(tx, tenantId, id, now, 20)).map((row) => row.id),
    );
    release();
    await first;
    expect(claimedByFirst).toHaveLength(20);
    expect(claimedBySecond).toHaveLength(10);
    expect(claimedBySecond.filter((row) => claimedByFirst.includes(row))).toEqual([]);
  });

  it('plans one message per contact and step when several workers advance the same campaign', async () => {
    const id = await launched(100);
    await audience.enrollCampaign(tenantId, id, LONG);
    await Promise.all(Array.from({ length: 4 }, () => engine.advanceCampaign(tenantId, id, LONG)));
    const planned = await sql(`SELECT enrollment_id, count(*)::int AS n FROM emails WHERE campaign_id = $1 GROUP BY 1`, [id]);
    expect(planned).toHaveLength(100);
    expect(planned.every(({ n }) => n === 1)).toBe(true);
  });

  it('lets a contact that cannot be advanced stop nobody else, tries it again, and gives it up in the end', async () => {
    const id = await launched(20, { campaignType: 'drip' }, [
      { stepType: 'action', actionConfig: { type: 'adjust_lead_score', by: 100 } },
      emailStep(),
    ]);
    // The database refuses this one row, and with it the whole batch's statement.
    const poisoned = await story.contactId('person7@example.com');
    const ddl = (text: string) => asOwner(ownerUrlOf(app.databaseUrl), text);
    await ddl(`CREATE OR REPLACE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.email_norm = 'person7@example.com' AND NEW.tenant_id = '${tenantId}' THEN RAISE numeric_value_out_of_range; END IF; RETURN NEW; END $$`);
    await ddl(`CREATE TRIGGER refuse_poison BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION refuse_poison()`);
    await audience.enrollCampaign(tenantId, id, LONG);
    await engine.advanceCampaign(tenantId, id, LONG);
    const scores = await sql(`SELECT lead_score, count(*)::int AS n FROM contacts WHERE tenant_id = $1 GROUP BY 1 ORDER BY 1`, [tenantId]);
    expect(scores).toEqual([
      { lead_score: 0, n: 1 },
      { lead_score: 100, n: 19 },
    ]);
    const enrollment = async () => story.api.must(200, story.api.get(`/api/campaigns/${id}/contacts/${poisoned}`));
    expect(await enrollment()).toMatchObject({ status: 'active', lastError: expect.stringContaining('numeric_value_out_of_range') });
    for (let attempt = 0; attempt < 4; attempt++) {
      app.clock.advance({ days: 1 });
      await engine.advanceCampaign(tenantId, id, LONG);
    }
    expect(await enrollment()).toMatchObject({ status: 'failed', nextEmailScheduledAt: null });
    await ddl(`DROP TRIGGER refuse_poison ON contacts`);
  });

  it('anchors waits on due times, so that a late worker does not make them drift', async () => {
    const id = await launched(1, { campaignType: 'drip' }, [waitStep(1, 'days'), waitStep(1, 'days'), emailStep()]);
    const start = app.clock.now().getTime();
    await audience.enrollCampaign(tenantId, id, LONG);
    await engine.advanceCampaign(tenantId, id, LONG);
    // Three hours late at the first wait's end: the second still ends two days after the start.
    app.clock.advance({ days: 1, hours: 3 });
    await engine.advanceCampaign(tenantId, id, LONG);
    const [{ due }] = await sql(`SELECT next_email_scheduled_at AS due FROM campaign_contacts WHERE campaign_id = $1`, [id]);
    expect(new Date(due).getTime()).toBe(start + 2 * 86_400_000);
  });

  it('sends `optimized` campaigns at the next 09:00 on each contact’s own clock', async () => {
    await story.importContacts(
      ['a@example.com,A,Asia/Tokyo', 'b@example.com,B,America/New_York', 'c@example.com,C,'],
      'email,firstName,timezone',
    );
    const id = await story.campaign({ sendStrategy: 'optimized', timezone: 'Europe/Berlin' });
    await story.launch(id);
    await audience.enrollCampaign(tenantId, id, LONG);
    await engine.advanceCampaign(tenantId, id, LONG);
    const due = await sql(
      `SELECT c.email, (e.due_at AT TIME ZONE coalesce(c.timezone, 'Europe/Berlin'))::time::text AS local, e.due_at AS at
       FROM emails e JOIN contacts c ON c.id = e.contact_id WHERE e.campaign_id = $1 ORDER BY 1`,
      [id],
    );
    expect(due.map(({ local }) => local)).toEqual(['09:00:00', '09:00:00', '09:00:00']);
    const now = app.clock.now().getTime();
    for (const { at } of due) {
      expect(new Date(at).getTime()).toBeGreaterThanOrEqual(now);
      expect(new Date(at).getTime()).toBeLessThanOrEqual(now + 25 * 3_600_000);
    }
  });

  it('holds one contact on purpose and lets it go again', async () => {
    const id = await launched(2);
    await audience.enrollCampaign(tenantId, id, LONG);
    const contactId = await story.contactId('person1@example.com');
    await story.api.must(200, story.api.post(`/api/campaigns/${id}/contacts/${contactId}/pause`));
    await engine.advanceCampaign(tenantId, id, LONG);
    const planned = () => sql(`SELECT contact_id FROM emails WHERE campaign_id = $1`, [id]);
    expect((await planned()).some((row) => row.contact_id === contactId)).toBe(false);
    expect((await story.api.post(`/api/campaigns/${id}/contacts/${contactId}/pause`)).status).toBe(409);
    await story.api.must(200, story.api.post(`/api/campaigns/${id}/contacts/${contactId}/resume`));
    await engine.advanceCampaign(tenantId, id, LONG);
    expect(await planned()).toHaveLength(2);
  });

  it('enrols by hand while the campaign runs: unknown contacts refuse the call, known ones count once', async () => {
    const id = await launched(1, { campaignType: 'drip' }, [waitStep(1, 'weeks'), emailStep()]);
    await audience.enrollCampaign(tenantId, id, LONG);
    await story.importContacts(['new@example.com,New,pro']);
    const contactId = await story.contactId('new@example.com');
    const unknown = await story.api.post(`/api/campaigns/${id}/contacts`, { contactIds: [contactId, tenantId] });
    expect(unknown).toMatchObject({ status: 422, body: { errors: [{ path: 'contactIds[1]' }] } });
    const known = await story.api.post(`/api/campaigns/${id}/contacts`, {
      contactIds: [contactId, await story.contactId('person1@example.com')],
    });
    expect(known).toMatchObject({ status: 201, body: { enrolled: 1, skipped: 1 } });
    expect((await story.get(id)).totalContacts).toBe(2);
    const { tenantId: otherTenant, api } = await app.tenant('Other');
    expect(otherTenant).not.toBe(tenantId);
    expect((await api.get(`/api/campaigns/${id}/contacts`)).status).toBe(404);
    expect((await api.post(`/api/campaigns/${id}/contacts`, { contactIds: [contactId] })).status).toBe(404);
  });

  it('completes a campaign only when nobody is on the way and no message is open', async () => {
    const id = await launched(3);
    const lifecycle = app.app.get(CampaignLifecycleRunner);
    const status = async () => (await story.get(id)).status;
    await lifecycle.completeFinished();
    expect(await status()).toBe('active');
    await audience.enrollCampaign(tenantId, id, LONG);
    await lifecycle.completeFinished();
    expect(await status()).toBe('active');
    await engine.advanceCampaign(tenantId, id, LONG);
    await sql(
      `UPDATE campaign_contacts SET status = 'exited', exited_at = now(), exit_reason = 'removed', next_email_scheduled_at = NULL WHERE campaign_id = $1`,
      [id],
    );
    await lifecycle.completeFinished();
    expect(await status()).toBe('active');
    await sql(`UPDATE emails SET status = 'skipped', reason = 'enrollment_ended', settled_at = now() WHERE campaign_id = $1`, [id]);
    await lifecycle.completeFinished();
    expect(await status()).toBe('completed');
  });
});
