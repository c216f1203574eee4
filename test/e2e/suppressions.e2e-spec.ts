import type { ApiClient } from '../support/api-client.js';
import { Story, emailStep, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const CSV = { 'content-type': 'text/csv' };
const NDJSON = { 'content-type': 'application/x-ndjson' };

describe('the suppression list', () => {
  let app: TestApp;
  let api: ApiClient;
  let story: Story;

  beforeAll(async () => {
    app = await startTestApp({ env: { MAIL_PROVIDER: 'null' } });
  });
  beforeEach(async () => {
    ({ api } = await app.tenant());
    story = new Story(app, api);
  });
  afterAll(() => app?.close());

  const add = (body: unknown) => api.must(200, api.post('/api/suppressions', body));
  const load = (text: string, headers = CSV, query = '') => api.post(`/api/suppressions/import${query}`, text, headers);
  const enrolment = async (campaignId: string, email: string) => {
    const contactId = await story.contactId(email);
    const { status, exitReason } = await api.must(200, api.get(`/api/campaigns/${campaignId}/contacts/${contactId}`));
    return { status, exitReason };
  };
  /** A campaign everybody waits in. */
  const running = async (over: Record<string, unknown> = {}) => {
    const id = await story.campaign({ campaignType: 'drip', ...over }, [waitStep(3, 'days'), emailStep()]);
    await story.launch(id);
    await story.settles(id);
    return id;
  };

  it('takes addresses one by one and a thousand at a time, once each, and says which are new', async () => {
    expect(await add({ email: 'Ada@Example.com' })).toEqual({ added: 1, changed: 0, unchanged: 0 });
    expect(await add({ email: 'ada@example.com', reason: 'complaint' })).toEqual({ added: 0, changed: 0, unchanged: 1 });
    const suppressions = Array.from({ length: 1_000 }, (_, i) => ({ email: `p${i}@example.com`, reason: 'unsubscribed' }));
    expect(await add({ suppressions })).toEqual({ added: 1_000, changed: 0, unchanged: 0 });
    expect(await add({ suppressions: [{ email: 'P1@example.com', reason: 'complaint' }, { email: 'p2@example.com' }] })).toEqual({
      added: 0,
      changed: 2,
      unchanged: 0,
    });
    expect(await api.must(200, api.get('/api/suppressions/ADA@example.com'))).toMatchObject({ reason: 'manual', suppressed: true });
  });

  it('lists them page by page without gap or repetition, and by reason and address', async () => {
    const suppressions = Array.from({ length: 25 }, (_, i) => ({
      email: `p${i}@example.com`,
      reason: i % 2 ? 'complaint' : 'hard_bounce',
    }));
    await add({ suppressions });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: any = await api.must(200, api.get(`/api/suppressions?limit=10${cursor ? `&cursor=${cursor}` : ''}`));
      seen.push(...page.data.map(({ email }: any) => email));
      cursor = page.nextCursor;
    } while (cursor);
    expect(new Set(seen).size).toBe(25);
    expect(seen).toHaveLength(25);
    const complaints = await api.must(200, api.get('/api/suppressions?reason=complaint&limit=200'));
    expect(complaints.data).toHaveLength(12);
    expect((await api.must(200, api.get('/api/suppressions?email=P3@EXAMPLE.com'))).data).toHaveLength(1);
    expect((await api.get('/api/suppressions?reason=boredom')).status).toBe(400);
    expect((await api.get('/api/suppressions?cursor=abc')).status).toBe(400);
  });

  it('keeps the history of an address: who put it there or took it off, when and why', async () => {
    await add({ email: 'ada@example.com', reason: 'unsubscribed', detail: 'by letter' });
    app.clock.advance({ hours: 1 });
    await add({ email: 'ada@example.com', reason: 'complaint' });
    expect((await api.delete('/api/suppressions/ada@example.com?force=true&detail=a%20mistake')).status).toBe(204);
    expect((await api.delete('/api/suppressions/ada@example.com')).status).toBe(404);
    const { tenantId, actor } = await api.must(200, api.get('/api/me'));
    expect(tenantId).toBeDefined();
    const shown = await api.must(200, api.get('/api/suppressions/ada@example.com'));
    expect(shown).toMatchObject({ suppressed: false, reason: null });
    expect(shown.history.map(({ action, reason, detail }: any) => [action, reason, detail])).toEqual([
      ['removed', 'complaint', 'a mistake'],
      ['changed', 'complaint', null],
      ['added', 'unsubscribed', 'by letter'],
    ]);
    for (const event of shown.history) expect(event.actor).toEqual(actor);
    expect(Date.parse(shown.history[1].at) - Date.parse(shown.history[2].at)).toBe(3_600_000);
    expect((await api.get('/api/suppressions/nobody@example.com')).status).toBe(404);
  });

  it('keeps in the history who unsubscribed themselves, and that an erased person was erased, but nothing of before', async () => {
    await story.importContacts(1);
    const id = await story.contactId('person1@example.com');
    await api.must(200, api.post(`/api/contacts/${id}/unsubscribe`, { reason: 'too many mails' }));
    await api.must(200, api.patch(`/api/contacts/${id}`, { subscribed: true }));
    const { history } = await api.must(200, api.get('/api/suppressions/person1@example.com'));
    expect(history.map(({ action, reason, detail }: any) => [action, reason, detail])).toEqual([
      ['removed', 'unsubscribed', 'subscribed again'],
      ['added', 'unsubscribed', 'too many mails'],
    ]);
    expect((await api.delete(`/api/contacts/${id}`)).status).toBe(204);
    const after = await api.must(200, api.get('/api/suppressions/person1@example.com'));
    expect(after.history.map(({ reason, detail }: any) => [reason, detail])).toEqual([['erased', null]]);
  });

  it.each([
    ['hard_bounce', 'bounced'],
    ['soft_bounces', 'bounced'],
    ['complaint', 'complained'],
    ['manual', 'suppressed'],
    ['unsubscribed', 'unsubscribed'],
  ])('takes people out of running campaigns: %s ends as %s, and nobody else is touched', async (reason, exitReason) => {
    await story.importContacts(2);
    const [one, two] = [await running(), await running()];
    await add({ email: 'PERSON1@example.com', reason });
    for (const campaign of [one, two]) {
      expect(await enrolment(campaign, 'person1@example.com')).toEqual({ status: 'exited', exitReason });
      expect((await enrolment(campaign, 'person2@example.com')).status).toBe('active');
    }
  });

  it('leaves what people need to be told to those who only unsubscribed', async () => {
    await story.importContacts(1);
    const receipt = await running({ category: 'transactional' });
    await add({ email: 'person1@example.com', reason: 'unsubscribed' });
    expect((await enrolment(receipt, 'person1@example.com')).status).toBe('active');
    await add({ email: 'person1@example.com', reason: 'complaint' });
    expect(await enrolment(receipt, 'person1@example.com')).toEqual({ status: 'exited', exitReason: 'complained' });
  });

  it('takes people out of running campaigns when they are unsubscribed by the API', async () => {
    await story.importContacts(2);
    const campaign = await running();
    await api.must(200, api.post(`/api/contacts/${await story.contactId('person1@example.com')}/unsubscribe`));
    await api.must(200, api.patch(`/api/contacts/${await story.contactId('person2@example.com')}`, { subscribed: false }));
    for (const email of ['person1@example.com', 'person2@example.com']) {
      expect(await enrolment(campaign, email)).toEqual({ status: 'exited', exitReason: 'unsubscribed' });
    }
  });

  it('is imported from CSV and NDJSON, tells every bad row, and may be imported again', async () => {
    await story.importContacts(1);
    const campaign = await running();
    const csv = [
      'Reason,Email,Something else,detail',
      'hard_bounce,person1@example.com,x,550 no such user',
      ',Other@example.com,,',
      'boredom,third@example.com,,',
      'complaint,not an address,,',
      'complaint,too,few',
      'complaint,other@example.com,,',
      'unsubscribed,fourth@example.com,,',
      'complaint,fourth@example.com,,',
    ].join('\n');
    const first = await load(csv);
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({ added: 3, changed: 0, unchanged: 2, rejected: 3 });
    expect(first.body.errors.map(({ row }: any) => row)).toEqual([4, 5, 6]);
    expect((await load(csv)).body).toMatchObject({ added: 0, changed: 0, unchanged: 5, rejected: 3 });
    expect(await enrolment(campaign, 'person1@example.com')).toEqual({ status: 'exited', exitReason: 'bounced' });
    expect(await api.must(200, api.get('/api/suppressions/fourth@example.com'))).toMatchObject({ reason: 'complaint', source: 'import' });
    expect(await api.must(200, api.get('/api/suppressions/other@example.com'))).toMatchObject({ reason: 'manual' });
    const ndjson = '{"email":"a@example.com"}\n\n{"email":"b@example.com","reason":"complaint","x":1}\nnonsense\n{"email":7}\n[]';
    expect((await load(ndjson, NDJSON, '?reason=unsubscribed')).body).toMatchObject({ added: 2, rejected: 3 });
    expect(await api.must(200, api.get('/api/suppressions/a@example.com'))).toMatchObject({ reason: 'unsubscribed' });
  });

  it('tells where a list cannot be read any further and what was taken before', async () => {
    const rows = Array.from({ length: 1_500 }, (_, i) => `p${i}@example.com`);
    const answer = await load(['email', ...rows, '"never closed', ...rows].join('\n'));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ row: 1_502, imported: { rejected: 0 } });
    expect(answer.body.imported.added).toBeGreaterThanOrEqual(1_000);
  });

  it.each([
    ['address\nada@example.com', CSV, 400],
    ['', CSV, 400],
    ['email,email\na@b.example,c@d.example', CSV, 400],
    ['{}', { 'content-type': 'application/json' }, 415],
  ])('refuses the list %j', async (text, headers, status) => {
    expect((await load(text, headers as typeof CSV)).status).toBe(status);
  });

  it.each([
    [{}, 'email'],
    [{ email: 'nobody' }, 'email'],
    [{ email: 'a@b.example\r\nBcc: x@y.example' }, 'email'],
    [{ email: 'a@b.example', reason: 'erased' }, 'reason'],
    [{ email: 'a@b.example', suppressions: [{ email: 'c@d.example' }] }, 'email'],
    [{ suppressions: [] }, 'suppressions'],
    [{ suppressions: [{ email: 'a@b.example' }, { email: 'x' }] }, 'suppressions[1].email'],
    [{ suppressions: [{ email: 'a@b.example' }], reason: 'manual' }, 'reason'],
    [{ suppressions: Array(1_001).fill({ email: 'a@b.example' }) }, 'suppressions'],
    [{ email: 'a@b.example', tenantId: 'x' }, 'tenantId'],
  ])('refuses %j at %s', async (body, path) => {
    const answer = await api.post('/api/suppressions', body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map((error: any) => error.path)).toContain(path);
  });

  it('never lets an import of contacts subscribe anybody again', async () => {
    await story.importContacts(2);
    await load('email,reason\nperson1@example.com,unsubscribed\nnew@example.com,unsubscribed', CSV);
    await api.must(200, api.post(`/api/contacts/${await story.contactId('person2@example.com')}/unsubscribe`));
    await story.importContacts(['person1@example.com,Another,pro', 'PERSON2@example.com,Another,pro', 'new@example.com,New,pro']);
    const { data } = await api.must(200, api.get('/api/contacts?limit=10'));
    expect(data.map(({ email, subscribed }: any) => [email.toLowerCase(), subscribed]).sort()).toEqual([
      ['new@example.com', false],
      ['person1@example.com', false],
      ['person2@example.com', false],
    ]);
    // Off the list is not subscribed.
    expect((await api.delete('/api/suppressions/person1@example.com?force=true&detail=test')).status).toBe(204);
    await story.importContacts(['person1@example.com,Third,pro']);
    expect((await api.must(200, api.get('/api/contacts?email=person1@example.com'))).data[0].subscribed).toBe(false);
  });

  it.each(['complaint', 'unsubscribed'])(
    'lifts a person’s own word (%s) only by force and with a reason, and keeps the history',
    async (reason) => {
      await add({ email: 'ada@example.com', reason, detail: 'her words' });
      for (const [query, paths] of [
        ['', ['query.force', 'query.detail']],
        ['?detail=so', ['query.force']],
        ['?force=true', ['query.detail']],
        ['?force=true&detail=%20', ['query.detail']],
        ['?force=false&detail=so', ['query.force']],
      ] as const) {
        const refused = await api.delete(`/api/suppressions/ada@example.com${query}`);
        expect(refused).toMatchObject({
          status: 409,
          body: { type: expect.stringContaining('suppression_protected'), suppressionReason: reason },
        });
        expect(refused.body.errors.map(({ path }: any) => path)).toEqual(paths);
      }
      expect((await api.delete('/api/suppressions/ada@example.com?force=perhaps&detail=so')).status).toBe(400);
      expect((await api.must(200, api.get('/api/suppressions/ada@example.com'))).suppressed).toBe(true);
      expect((await api.delete('/api/suppressions/ada@example.com?force=true&detail=wrong%20person')).status).toBe(204);
      const { suppressed, history } = await api.must(200, api.get('/api/suppressions/ada@example.com'));
      expect(suppressed).toBe(false);
      expect(history.map((event: any) => [event.action, event.reason, event.detail])).toEqual([
        ['removed', reason, 'wrong person'],
        ['added', reason, 'her words'],
      ]);
    },
  );

  it('does not lose a person’s no because their address was put there again for another reason', async () => {
    await add({ email: 'ada@example.com', reason: 'unsubscribed' });
    await add({ email: 'ada@example.com', reason: 'manual' });
    expect(await api.delete('/api/suppressions/ada@example.com')).toMatchObject({
      status: 409,
      body: { suppressionReason: 'unsubscribed' },
    });
    expect((await api.delete('/api/suppressions/ada@example.com?force=true&detail=asked%20us')).status).toBe(204);
    // What was lifted once is settled.
    await add({ email: 'ada@example.com', reason: 'manual' });
    expect((await api.delete('/api/suppressions/ada@example.com')).status).toBe(204);
  });

  it('belongs to one tenant', async () => {
    await add({ email: 'ada@example.com' });
    const { api: other } = await app.tenant('Other');
    expect((await other.get('/api/suppressions/ada@example.com')).status).toBe(404);
    expect((await other.delete('/api/suppressions/ada@example.com')).status).toBe(404);
    expect((await other.must(200, other.get('/api/suppressions'))).data).toEqual([]);
    expect((await api.must(200, api.get('/api/suppressions/ada@example.com'))).suppressed).toBe(true);
  });
});
