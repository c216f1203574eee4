import { ExperimentsService } from '../../src/modules/experiments/index.js';
import { emailStep, Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/poll.js';

const VARIANTS = [
  { name: 'A', subjectLine: 'Plain news' },
  { name: 'B', subjectLine: 'Is this news?', fromName: 'Ada from Acme', fromEmail: 'ada@acme.example' },
];
const TEST = {
  testShare: 0.5,
  metric: 'open',
  minSample: 10,
  minDuration: { value: 4, unit: 'hours' },
  maxDuration: { value: 24, unit: 'hours' },
};

interface Row {
  contactId: string;
  id: string;
  name: string | null;
  status: string;
}

/** A test share gets two variants, people like B better, and everybody else gets B. The clock is the test's. */
describe('an A/B test', () => {
  let app: TestApp;
  let story: Story;

  beforeAll(async () => {
    app = await startTestApp({ env: { MAIL_PROVIDER: 'null' } });
  });
  afterAll(() => app?.close());
  beforeEach(async () => {
    const tenant = await app.tenant();
    story = new Story(app, tenant.api);
  });

  const sql: TestApp['sql'] = (text, params) => app.sql(text, params);
  const mails = (id: string) =>
    sql<Row>(
      `SELECT e.id, e.contact_id AS "contactId", v.name, e.status FROM emails e LEFT JOIN step_variants v ON v.tenant_id = e.tenant_id AND v.id = e.variant_id
        WHERE e.campaign_id = $1`,
      [id],
    );
  const waiting = async (id: string) =>
    (
      await sql(
        `SELECT count(*)::int AS n FROM campaign_contacts cc WHERE campaign_id = $1 AND status = 'active' AND next_email_scheduled_at > $2`,
        [id, app.clock.now()],
      )
    )[0].n;
  /** People open these messages, as the ledger keeps it. */
  const open = (rows: Row[]) =>
    sql(`UPDATE emails SET delivered_at = $2, first_opened_at = $2, first_human_opened_at = $2 WHERE id = ANY ($1::uuid[])`, [
      rows.map(({ id }) => id),
      app.clock.now(),
    ]);
  const decisionOf = async (id: string) => (await sql(`SELECT * FROM ab_decisions WHERE campaign_id = $1`, [id]))[0];
  const decided = (id: string) =>
    until(async () => ((await decisionOf(id))?.released_at ? decisionOf(id) : false), { deadlineMs: 20_000, what: 'the decision' });
  const launch = async (people: number, over: Record<string, unknown> = {}, steps?: unknown[]) => {
    await story.importContacts(people);
    const id = await story.campaign({ campaignType: 'ab_test', ...over }, steps ?? [emailStep({ variants: VARIANTS, abTest: TEST })]);
    await story.launch(id);
    await story.settles(id);
    return id;
  };

  it('sends the test share first, then the winner to the rest, and nobody twice', async () => {
    const id = await launch(200);
    const first = await mails(id);
    expect(first.every(({ status }) => status === 'sent')).toBe(true);
    expect(first.length).toBeGreaterThan(70);
    expect(first.length).toBeLessThan(130);
    expect(await waiting(id)).toBe(200 - first.length);
    const by = (name: string) => first.filter((row) => row.name === name);
    expect(by('A').length + by('B').length).toBe(first.length);

    await open([...by('A').slice(0, 5), ...by('B').slice(5)]);
    app.clock.advance({ hours: 3, minutes: 59 });
    await story.settles(id);
    expect(await mails(id)).toHaveLength(first.length);

    app.clock.advance({ minutes: 2 });
    expect(await decided(id)).toMatchObject({ outcome: 'significant', decided_by: 'system' });
    await story.reaches(id, 'completed');
    const all = await mails(id);
    expect(new Set(all.map(({ contactId }) => contactId)).size).toBe(200);
    expect(all).toHaveLength(200);
    const known = new Set(first.map(({ id: mail }) => mail));
    const rest = all.filter(({ id: mail }) => !known.has(mail));
    expect(new Set(rest.map(({ name }) => name))).toEqual(new Set(['B']));
    const ledger = await story.ledger(id);
    expect(ledger.enrollments).toMatchObject({ enrolled: 200, completed: 200, addsUp: true });
    expect(ledger.emails).toMatchObject({ planned: 200, sent: 200, addsUp: true });
    const [audit] = await sql(`SELECT after FROM audit_log WHERE entity_id = $1 AND action = 'campaign.ab_decided'`, [id]);
    expect(audit.after.reason).toContain('"B" with');
  });

  it('follows the policy when the time is up without a winner', async () => {
    const id = await launch(60, {}, [emailStep({ variants: VARIANTS, abTest: { ...TEST, inconclusive: 'control' } })]);
    const first = await mails(id);
    for (const hours of [5, 5, 5, 5]) {
      app.clock.advance({ hours });
      await story.settles(id);
    }
    expect(await mails(id)).toHaveLength(first.length);
    app.clock.advance({ hours: 5 });
    expect(await decided(id)).toMatchObject({ outcome: 'inconclusive' });
    await story.reaches(id, 'completed');
    const names = (await mails(id)).filter(({ id: mail }) => !first.some((row) => row.id === mail)).map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(['A']));
  });

  it('decides nothing while the campaign is paused; a resume that shifts gives the test its time back', async () => {
    const id = await launch(60);
    const first = await mails(id);
    await story.api.must(200, story.api.post(`/api/campaigns/${id}/pause`, {}));
    app.clock.advance({ hours: 30 });
    expect(await app.app.get(ExperimentsService).runOnce()).toEqual({ looked: 0, released: 0 });
    expect((await decisionOf(id)).status).toBe('testing');
    await story.api.must(200, story.api.post(`/api/campaigns/${id}/resume`, { policy: 'shift' }));
    await story.settles(id);
    expect((await decisionOf(id)).status).toBe('testing');
    expect(await mails(id)).toHaveLength(first.length);
    app.clock.advance({ hours: 25 });
    await decided(id);
    await story.reaches(id, 'completed');
    expect(await mails(id)).toHaveLength(60);
  });

  it('lets everybody go who still waits when the campaign ends or is cancelled', async () => {
    const endDate = new Date(app.clock.now().getTime() + 2 * 3_600_000).toISOString();
    const ended = await launch(40, { endDate });
    const sent = (await mails(ended)).length;
    app.clock.advance({ hours: 3 });
    await story.reaches(ended, 'completed');
    expect(await mails(ended)).toHaveLength(sent);
    expect((await story.ledger(ended)).enrollments).toMatchObject({ enrolled: 40, completed: sent, exited: 40 - sent, addsUp: true });

    const cancelled = await story.campaign({ campaignType: 'ab_test' }, [emailStep({ variants: VARIANTS, abTest: TEST })]);
    await story.launch(cancelled);
    await story.settles(cancelled);
    await story.api.must(200, story.api.post(`/api/campaigns/${cancelled}/cancel`, {}));
    app.clock.advance({ hours: 30 });
    await until(async () => (await waiting(cancelled)) === 0 && (await story.ledger(cancelled)).enrollments.inProgress === 0, {
      what: 'everybody to be let go',
    });
    expect((await decisionOf(cancelled)).status).toBe('testing');
  });

  it('splits everybody by weight on one step of a drip, and goes on behind it', async () => {
    const id = await launch(120, { campaignType: 'drip' }, [
      emailStep({
        variants: [
          { ...VARIANTS[0], weight: 1 },
          { ...VARIANTS[1], weight: 3 },
        ],
      }),
      waitStep(1, 'days'),
      emailStep({ subjectLine: 'Second' }),
    ]);
    const first = await mails(id);
    expect(first).toHaveLength(120);
    const b = first.filter(({ name }) => name === 'B').length;
    expect(b).toBeGreaterThan(70);
    expect(b).toBeLessThan(108);
    app.clock.advance({ hours: 25 });
    await story.reaches(id, 'completed');
    const all = await mails(id);
    expect(all).toHaveLength(240);
    expect(all.filter(({ name }) => name === null)).toHaveLength(120);
  });
});
