import { affected, rows } from '../../src/database/index.js';
import { CAMPAIGN_LOCK } from '../../src/modules/campaigns/index.js';
import { TrackingTokens } from '../../src/modules/tracking/index.js';
import type { ApiClient } from '../support/api-client.js';
import { until } from '../support/poll.js';
import { SendGridDouble } from '../support/sendgrid-double.js';
import { Story } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const CSV = { 'content-type': 'text/csv' };

/** People say no while mail is on its way, and whatever they said stays said. */
describe('suppression of people who are being mailed', () => {
  let app: TestApp;
  let sendgrid: SendGridDouble;
  let api: ApiClient;
  let tenantId: string;
  let story: Story;

  beforeAll(async () => {
    sendgrid = await SendGridDouble.start();
    app = await startTestApp({ env: { SENDGRID_API_KEY: sendgrid.apiKey, SENDGRID_BASE_URL: sendgrid.url } });
  });
  beforeEach(async () => {
    ({ api, tenantId } = await app.tenant());
    story = new Story(app, api);
    sendgrid.messages.length = 0;
    sendgrid.script = undefined;
  });
  afterAll(async () => {
    await app?.close();
    await sendgrid?.stop();
  });

  const query = <T extends object>(sql: string, ...params: unknown[]) =>
    app.db.inTenant(tenantId, (tx) => rows<T>(tx, sql, [tenantId, ...params]));
  const recipients = () => sendgrid.messages.map((mail) => mail.personalizations[0].to[0].email);

  it('holds for 2,500 people from the answer to the import of their list on, in the middle of a campaign', async () => {
    await story.importContacts(3_000);
    const id = await story.campaign();
    sendgrid.script = () => ({ delayMs: 60 });
    await story.launch(id);
    await sendgrid.waitForCount(100, 60_000);
    // The last planned first, so that much of the list is still to come.
    const planned = await query<{ email: string }>(
      `SELECT k.email FROM emails e JOIN contacts k ON k.tenant_id = e.tenant_id AND k.id = e.contact_id
        WHERE e.tenant_id = $1 AND e.campaign_id = $2 ORDER BY e.due_at DESC, e.id DESC`,
      id,
    );
    const everybody = Array.from({ length: 3_000 }, (_, i) => `person${i + 1}@example.com`);
    const known = new Set(planned.map(({ email }) => email));
    const unwanted = new Set([...everybody.filter((email) => !known.has(email)), ...planned.map(({ email }) => email)].slice(0, 2_500));
    const report = await api.must(200, api.post('/api/suppressions/import', ['email', ...unwanted].join('\n'), CSV));
    expect(report).toEqual({ added: 2_500, changed: 0, unchanged: 0, rejected: 0, errors: [] });
    const fired = await query<{ email: string }>(
      `SELECT to_email AS email FROM emails WHERE tenant_id = $1 AND campaign_id = $2 AND first_fired_at IS NOT NULL`,
      id,
    );
    await story.reaches(id, 'completed', 120_000);
    const before = new Set(fired.map(({ email }) => email));
    const to = recipients();
    expect(to.filter((email) => unwanted.has(email) && !before.has(email))).toEqual([]);
    expect(new Set(to).size).toBe(to.length);
    expect(to.filter((email) => !unwanted.has(email))).toHaveLength(500);
    // Otherwise the list came too late to prove anything.
    expect(to.length).toBeLessThan(2_500);
    expect((await story.ledger(id)).emails.addsUp).toBe(true);
    const live = await query(
      `SELECT 1 FROM campaign_contacts WHERE tenant_id = $1 AND campaign_id = $2 AND status IN ('enrolled', 'active', 'paused')`,
      id,
    );
    expect(live).toEqual([]);
    // The same people in a new file of contacts stay unmailed; those beside them do not.
    const wanted = everybody.filter((email) => !unwanted.has(email)).slice(0, 5);
    await story.importContacts([...[...unwanted].slice(0, 50), ...wanted].map((email) => `${email.toUpperCase()},Again,pro`));
    sendgrid.script = undefined;
    sendgrid.messages.length = 0;
    const segmentId = await story.segment({ type: 'contact_attribute', attribute: 'firstName', operator: 'eq', value: 'Again' }, 'Again');
    const again = await story.campaign({ segmentId });
    await story.launch(again);
    await story.reaches(again, 'completed', 120_000);
    expect(
      recipients()
        .map((email) => email.toLowerCase())
        .sort(),
    ).toEqual(wanted.sort());
  }, 300_000);

  describe('by unsubscribing', () => {
    let sent: { id: string; contactId: string; email: string }[];
    let next: string;

    beforeEach(async () => {
      await story.importContacts(1);
      const first = await story.campaign();
      await story.launch(first);
      await story.reaches(first, 'completed');
      sent = await query(`SELECT id, contact_id AS "contactId", to_email AS email FROM emails WHERE tenant_id = $1`);
      next = await story.campaign({ campaignType: 'drip', sendWindow: { from: '20:00', to: '21:00' } });
      await story.launch(next);
      await story.settles(next);
    });

    const page = () => new URL(app.app.get(TrackingTokens).forMessage(tenantId, sent[0].id, sent[0].contactId).unsubscribeUrl).pathname;
    const post = (body: string) =>
      fetch(app.baseUrl + page(), { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body });
    const byProvider = () =>
      app.db.inTenant(tenantId, (tx) =>
        affected(
          tx,
          `INSERT INTO email_events (tenant_id, email_id, campaign_id, type, source, occurred_at, dedupe_key)
           SELECT tenant_id, id, campaign_id, 'unsubscribed', 'sendgrid', $2, 'unsub-' || id FROM emails WHERE tenant_id = $1 AND id = $3`,
          [tenantId, app.clock.now(), sent[0].id],
        ),
      );

    it.each([
      ['their mail program (RFC 8058)', () => post('List-Unsubscribe=One-Click'), 'one_click', 'contact'],
      ['the page', () => post('unsubscribe=1'), 'page', 'contact'],
      ['an event of the provider', byProvider, 'provider', 'system'],
      ['the API', () => api.post(`/api/contacts/${sent[0].contactId}/unsubscribe`, { reason: 'by phone' }), 'api', undefined],
    ])(
      'through %s ends what runs, keeps who said so, and no later file of contacts undoes it',
      async (_how, unsubscribe, source, actor) => {
        await unsubscribe();
        const { email, contactId } = sent[0];
        const shown = await until(
          async () => {
            const answer = await api.get(`/api/suppressions/${email}`);
            return answer.status === 200 && answer.body;
          },
          { what: 'the address to be suppressed' },
        );
        expect(shown).toMatchObject({ reason: 'unsubscribed', source, suppressed: true, history: [{ action: 'added', source }] });
        if (actor) expect(shown.history[0].actor).toEqual({ type: actor, id: null });
        const enrolment = await api.must(200, api.get(`/api/campaigns/${next}/contacts/${contactId}`));
        expect(enrolment).toMatchObject({ status: 'exited', exitReason: 'unsubscribed' });
        await story.importContacts([`${email.toUpperCase()},Again,pro`], 'email,firstName,plan');
        const contact = await api.must(200, api.get(`/api/contacts/${contactId}`));
        expect(contact.subscribed).toBe(false);
        expect((await api.must(200, api.get(`/api/suppressions/${email}`))).suppressed).toBe(true);
      },
    );

    it.each([
      ['their mail program (RFC 8058)', () => post('List-Unsubscribe=One-Click')],
      ['the page', () => post('unsubscribe=1')],
      ['the API', () => api.post(`/api/contacts/${sent[0].contactId}/unsubscribe`, {})],
    ])(
      'through %s is answered once no gate is open that has not seen it: nothing goes out after "you are unsubscribed"',
      async (_how, say) => {
        let answered = false;
        let answer: Promise<{ status: number }> | undefined;
        await app.db.inTenant(tenantId, async (tx) => {
          // As a gate does that looked at the contact before it said no.
          await rows(tx, `SELECT pg_advisory_xact_lock_shared($1, hashtext($2))`, [CAMPAIGN_LOCK, next]);
          answer = say().finally(() => (answered = true));
          const waits = () =>
            rows(tx, `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid::int = $1`, [CAMPAIGN_LOCK]);
          await until(async () => answered || (await waits()).length > 0, { what: 'the answer, or somebody to wait for the gate' });
          expect(answered).toBe(false);
          expect(await rows(tx, `SELECT 1 FROM contacts WHERE tenant_id = $1 AND subscribed`, [tenantId])).toEqual([]);
        });
        expect((await answer!).status).toBe(200);
      },
    );
  });
});
