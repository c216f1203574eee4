import { simpleParser } from 'mailparser';
import type { FlowStepDto, Rule, SaveFlowDto } from '../../sdk/campaign-engine.js';
import { SmtpSink } from '../support/smtp-sink.js';
import { until } from '../support/poll.js';
import { emailStep, linkIn, Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { all, typedClient } from '../support/typed-client.js';

/** A newcomer's campaign: email → wait → opened? → different emails → tag, over days, with a real SMTP server at the end. */
describe('a drip campaign over real SMTP', () => {
  let app: TestApp;
  let sink: SmtpSink;
  let story: Story;

  beforeAll(async () => {
    sink = await SmtpSink.start();
    app = await startTestApp({ env: { MAIL_PROVIDER: 'smtp', SMTP_URL: sink.url() } });
    story = new Story(app, (await app.tenant()).api);
  });
  afterAll(async () => {
    await app?.close();
    await sink?.stop();
  });

  const mailTo = (address: string) => sink.messages.filter(({ to }) => to.includes(address));
  const parsed = async (address: string, index = 0) => simpleParser(mailTo(address)[index].raw);

  it('sends, waits, branches on a real pixel hit, tags, and completes', async () => {
    await story.importContacts(['ada@example.com,Ada,pro', 'bob@example.com,,free', 'cyd@example.com,Cyd,pro']);
    const id = await story.campaign({ campaignType: 'drip', name: 'Welcome' }, [
      emailStep({ ref: 'welcome', stepName: 'Welcome' }),
      waitStep(3, 'days', { ref: 'pause' }),
      {
        ref: 'opened',
        stepType: 'condition',
        conditionRules: { type: 'email_opened', stepId: 'welcome' },
        trueNextRef: 'thanks',
        falseNextRef: 'reminder',
      },
      emailStep({ ref: 'thanks', subjectLine: 'Thanks for reading', nextRef: 'tag' }),
      emailStep({ ref: 'reminder', subjectLine: 'Did you see this?', nextRef: 'tag' }),
      { ref: 'tag', stepType: 'action', actionConfig: { type: 'add_tag', tag: 'welcomed' } },
    ]);
    const preflight = await story.api.must(200, story.api.get(`/api/campaigns/${id}/preflight`));
    expect(preflight.errors).toEqual([]);
    await story.launch(id);
    await sink.waitForCount(3);
    await story.settles(id);

    const first = await parsed('ada@example.com');
    expect(first.subject).toBe('Hello Ada');
    expect(first.text).toContain('Hi Ada, you are on pro.');
    expect(first.from?.value).toEqual([{ address: 'news@acme.example', name: 'Acme News' }]);
    expect(first.headers.get('list')).toMatchObject({ unsubscribe: { url: expect.stringContaining('/u/') } });
    expect(String(first.headerLines.find(({ key }) => key === 'list-unsubscribe-post')?.line)).toContain('List-Unsubscribe=One-Click');
    expect(first.messageId).toMatch(/^<[0-9a-f-]{36}@/);
    expect((await parsed('bob@example.com')).subject).toBe('Hello there');

    // Ada opens: a real hit on the pixel of her own message.
    const pixel = await fetch(linkIn(first.html as string, '/t/o/'));
    expect(pixel.status).toBe(200);
    expect(pixel.headers.get('content-type')).toBe('image/gif');
    await story.settles(id);

    // Nothing more before the three days are over …
    app.clock.advance({ days: 2, hours: 23 });
    await story.settles(id);
    expect(sink.messages).toHaveLength(3);
    // … and then each on the branch that is theirs.
    app.clock.advance({ hours: 2 });
    await sink.waitForCount(6);
    await story.reaches(id, 'completed');
    expect((await parsed('ada@example.com', 1)).subject).toBe('Thanks for reading');
    expect((await parsed('bob@example.com', 1)).subject).toBe('Did you see this?');
    expect((await parsed('cyd@example.com', 1)).subject).toBe('Did you see this?');
    expect(sink.messages).toHaveLength(6);

    const tagged = await story.api.must(200, story.api.get('/api/contacts?tag=welcomed'));
    expect(tagged.data.map((contact: { email: string }) => contact.email).sort()).toEqual([
      'ada@example.com',
      'bob@example.com',
      'cyd@example.com',
    ]);
    const ledger = await story.ledger(id);
    expect(ledger.enrollments).toMatchObject({ enrolled: 3, inProgress: 0, completed: 3, exited: 0, failed: 0, addsUp: true });
    expect(ledger.emails).toMatchObject({ planned: 6, sent: 6, addsUp: true });
  });

  it('waits for a time of day, draws lots, keeps a list, and waits for an order', async () => {
    const own = new Story(app, (await app.tenant()).api, 'news@kinds.example');
    const people = ['ada', 'bob', 'cyd', 'dan'].map((name) => `${name}@kinds.example`);
    await own.importContacts(people.map((email) => `${email},,pro`));
    const subjectsTo = async (address: string) =>
      Promise.all(mailTo(address).map(async ({ raw }) => (await simpleParser(raw)).subject!)); // prettier-ignore
    const mails = (count: number) =>
      until(() => sink.messages.filter(({ from }) => from === own.sender).length === count, {
        what: `${count} messages`,
        deadlineMs: 20_000,
      });
    const { id: listId } = await own.api.must(201, own.api.post('/api/segments', { name: 'Addressed', type: 'static' }));
    const id = await own.campaign({ campaignType: 'drip', name: 'Kinds' }, [
      { stepType: 'wait', waitUntil: { timeOfDay: { from: '12:00' } } },
      { stepType: 'condition', splitConfig: { type: 'random', branches: [{ name: 'A', weight: 50, nextRef: 'a' }, { name: 'B', weight: 50, nextRef: 'b' }] } },
      emailStep({ ref: 'a', subjectLine: 'A', nextRef: 'list' }),
      emailStep({ ref: 'b', subjectLine: 'B' }),
      { ref: 'list', stepType: 'action', actionConfig: { type: 'add_to_segment', segmentId: listId } },
      { stepType: 'wait_for', waitEvent: { name: 'order_placed', filter: { property: 'total', operator: 'gte', value: 10 } },
        waitDuration: { value: 2, unit: 'days' }, trueNextRef: 'thanks', falseNextRef: 'reminder' },
      emailStep({ ref: 'thanks', subjectLine: 'Thanks', nextRef: null }),
      emailStep({ ref: 'reminder', subjectLine: 'Reminder' }),
    ]); // prettier-ignore
    await own.launch(id);
    await own.settles(id);
    await mails(0);
    const now = app.clock.now();
    app.clock.advance({ hours: (36 - now.getUTCHours()) % 24 || 24 });
    await mails(people.length);
    await own.settles(id);
    const lots = await Promise.all(people.map(subjectsTo));
    for (const lot of lots) expect([['A'], ['B']]).toContainEqual(lot);
    const listed = await own.api.must(200, own.api.get(`/api/segments/${listId}/contacts`));
    expect(listed.data.map(({ email }: { email: string }) => email).sort()).toEqual(people);

    // An order too small is not the one that is waited for.
    app.clock.advance({ hours: 1 });
    const order = (email: string, total: number) => ({ id: `o-${email}`, name: 'order_placed', email, properties: { total } });
    await own.api.must(200, own.api.post('/api/events', [order(people[0], 20), order(people[1], 5)]));
    await mails(people.length + 1);
    app.clock.advance({ days: 2 });
    await own.reaches(id, 'completed');
    const ends = (await Promise.all(people.map(subjectsTo))).map((subjects) => subjects.slice(1));
    expect(ends).toEqual([['Thanks'], ['Reminder'], ['Reminder'], ['Reminder']]);
    const ledger = await own.ledger(id);
    expect([ledger.enrollments.addsUp, ledger.emails.addsUp, ledger.emails.sent]).toEqual([true, true, 2 * people.length]);
  });

  it('is driven by a client whose types come from the API document', async () => {
    const { api } = await app.tenant();
    const client = typedClient(app.baseUrl, api.apiKey!);
    for (const name of ['ada', 'bob', 'cyd', 'dan', 'eve']) {
      const { data: contact } = await client.POST('/api/contacts', {
        body: { email: `${name}@typed.example`, firstName: name, attributes: { plan: name === 'eve' ? 'free' : 'pro' } },
      });
      expect(contact).toMatchObject({ email: `${name}@typed.example`, subscribed: true });
    }
    const rules: Rule = {
      all: [{ type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' }, { not: { type: 'tag', tag: 'vip' } }],
    };
    const { data: segment } = await client.POST('/api/segments', { body: { name: 'Pro', type: 'dynamic', rules } });
    const { data: template } = await client.POST('/api/templates', {
      body: { name: 'Hello', subjectLine: 'Hello {{ contact.first_name }}', content: '<p>Hello!</p>', contentFormat: 'html' },
    });

    // A request that is repeated because the answer got lost makes nothing twice.
    const create = () =>
      client.POST('/api/campaigns', {
        params: { header: { 'Idempotency-Key': 'typed-1' } },
        body: { name: 'Typed', campaignType: 'drip', segmentId: segment!.id, fromEmail: 'news@typed.example', fromName: 'News' },
      });
    const [first, again] = [await create(), await create()];
    const id = first.data!.id;
    expect([again.data?.id, again.response.headers.get('idempotency-replayed')]).toEqual([id, 'true']);

    const steps: FlowStepDto[] = [
      { ref: 'hello', stepType: 'email', stepName: 'Hello', templateId: template!.id },
      { stepType: 'wait', waitDuration: { value: 1, unit: 'days' } },
      { stepType: 'condition', conditionRules: { type: 'email_opened', stepId: 'hello' }, trueNextRef: 'tag', falseNextRef: null },
      { ref: 'tag', stepType: 'action', actionConfig: { type: 'add_tag', tag: 'reader' } },
    ];
    const flow = (body: SaveFlowDto) => client.PUT('/api/campaigns/{id}/steps', { params: { path: { id } }, body });
    // @ts-expect-error a wait has no subject: what is refused does not even compile
    const refused: FlowStepDto = { stepType: 'wait', waitDuration: { value: 1, unit: 'days' }, subjectLine: 'Hello' };
    expect((await flow({ steps: [refused] })).error).toMatchObject({ status: 400, errors: [{ path: 'steps[0].subjectLine' }] });
    const saved = await flow({ steps });
    const actions = saved.data!.steps.flatMap((step) => (step.stepType === 'action' ? [step.actionConfig] : []));
    expect(actions.map((action) => (action.type === 'add_tag' ? action.tag : null))).toEqual(['reader']);

    // Two people change the campaign at once: the later one is told, and loses nothing by accident.
    const read = await client.GET('/api/campaigns/{id}', { params: { path: { id } } });
    const header = { 'If-Match': read.response.headers.get('etag')! };
    const change = (name: string) => client.PATCH('/api/campaigns/{id}', { params: { path: { id }, header }, body: { name } });
    expect((await change('Typed, by Ada')).data?.name).toBe('Typed, by Ada');
    const stale = await change('Typed, by Bob');
    expect([stale.response.status, stale.error?.code]).toEqual([412, 'precondition_failed']);

    expect((await client.POST('/api/campaigns/{id}/launch', { params: { path: { id } } })).data?.campaign.status).toBe('active');
    await new Story(app, api).settles(id);
    app.clock.advance({ days: 1, hours: 1 });
    await new Story(app, api).reaches(id, 'completed');
    const { data: report } = await client.GET('/api/campaigns/{id}/analytics', { params: { path: { id } } });
    expect([report?.totals.emailsSent, report?.byStep.map(({ stepType, entered }) => [stepType, entered])]).toEqual([
      4,
      [
        ['email', 4],
        ['wait', 4],
        ['condition', 4],
        ['action', 0],
      ],
    ]);

    const enrolled: string[] = [];
    const page = (cursor?: string) => client.GET('/api/campaigns/{id}/contacts', { params: { path: { id }, query: { limit: 3, cursor } } });
    for await (const { email, status } of all(page)) enrolled.push(`${email} ${status}`);
    expect(enrolled.sort()).toEqual(['ada', 'bob', 'cyd', 'dan'].map((name) => `${name}@typed.example completed`));

    // A refusal is data with a type as well.
    const { error } = await client.POST('/api/contacts', { body: { email: 'nobody' } });
    expect([error?.status, error?.errors?.map(({ path }) => path)]).toEqual([400, ['email']]);
  });

  it('leads a click to its real target, and an altered link nowhere', async () => {
    const message = await parsed('ada@example.com');
    const link = linkIn(message.html as string, '/t/c/');
    const click = await fetch(link, { redirect: 'manual' });
    expect(click.status).toBe(302);
    expect(click.headers.get('location')).toBe('https://acme.example/offer?x=1&y=2');
    const altered = await fetch(link.replace(/\/t\/c\/..../, '/t/c/AAAA'), { redirect: 'manual' });
    expect(altered.status).toBe(404);
    expect(altered.headers.get('location')).toBeNull();
  });

  it('shows an unsubscribe page that changes nothing, and unsubscribes by POST', async () => {
    const message = await parsed('cyd@example.com');
    const url = /<([^>]+)>/.exec(String(message.headerLines.find(({ key }) => key === 'list-unsubscribe')?.line))![1];
    const contactId = await story.contactId('cyd@example.com');
    const subscribed = async () => (await story.api.must(200, story.api.get(`/api/contacts/${contactId}`))).subscribed;
    for (const method of ['GET', 'HEAD']) {
      const page = await fetch(url, { method });
      expect(page.status).toBe(200);
      expect(await subscribed()).toBe(true);
    }
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'List-Unsubscribe=One-Click',
    });
    expect(answer.status).toBe(200);
    expect(await subscribed()).toBe(false);
    const next = await story.campaign({ name: 'Next' });
    await story.launch(next);
    await story.reaches(next, 'completed');
    expect(mailTo('cyd@example.com')).toHaveLength(2);
    expect(mailTo('ada@example.com')).toHaveLength(3);
  });
});
