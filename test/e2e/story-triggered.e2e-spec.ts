import { simpleParser } from 'mailparser';
import { SmtpSink } from '../support/smtp-sink.js';
import { emailStep, linkIn, Story, waitStep } from '../support/story.js';
import { until } from '../support/poll.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

/** Campaigns people come into one by one, with everything running: events and segments let them in, events and clicks move them on and out. */
describe('campaigns that go on', () => {
  let app: TestApp;
  let sink: SmtpSink;
  let story: Story;

  beforeAll(async () => {
    sink = await SmtpSink.start();
    app = await startTestApp({ env: { MAIL_PROVIDER: 'smtp', SMTP_URL: sink.url() } });
  });
  afterAll(async () => {
    await app?.close();
    await sink?.stop();
  });
  beforeEach(async () => {
    const { api } = await app.tenant();
    story = new Story(app, api, `news${++senders}@acme.example`);
  });
  let senders = 0;

  const subjectsTo = async (address: string): Promise<string[]> => {
    const own = sink.messages.filter(({ to, from }) => to.includes(address) && from === story.sender);
    return Promise.all(own.map(async ({ raw }) => (await simpleParser(raw)).subject!));
  };
  const gets = (address: string, count: number) =>
    until(async () => (await subjectsTo(address)).length === count, { what: `${count} messages to ${address}`, deadlineMs: 20_000 });
  const report = (body: unknown) => story.api.must(200, story.api.post('/api/events', body));
  const enrolled = async (id: string, email: string) =>
    (await story.api.get(`/api/campaigns/${id}/contacts/${await story.contactId(email)}`)).body;

  it('reminds of an abandoned cart until something is bought, and does so again another time', async () => {
    await story.importContacts(['ada@example.com,Ada,pro', 'bob@example.com,Bob,free']);
    const id = await story.campaign(
      {
        name: 'Abandoned cart',
        campaignType: 'triggered',
        segmentId: null,
        trigger: { type: 'event', name: 'cart_abandoned', filter: { property: 'total', operator: 'gte', value: 50 } },
        goal: { type: 'event', name: 'order_placed' },
        reentry: { policy: 'after_exit' },
      },
      [emailStep({ subjectLine: 'You left something' }), waitStep(1, 'days'), emailStep({ subjectLine: 'Still there' })],
    );
    await story.launch(id);
    await report([
      { id: 'c1', name: 'cart_abandoned', email: 'ada@example.com', properties: { total: 80 } },
      { id: 'c2', name: 'cart_abandoned', email: 'bob@example.com', properties: { total: 80 } },
    ]);
    await gets('ada@example.com', 1);
    await gets('bob@example.com', 1);
    await story.settles(id);

    // Ada buys within the day, Bob does not.
    app.clock.advance({ hours: 20 });
    await report({ id: 'o1', name: 'order_placed', email: 'ada@example.com' });
    await until(async () => (await enrolled(id, 'ada@example.com')).exitReason === 'goal', { what: 'Ada to have reached the goal' });
    app.clock.advance({ hours: 5 });
    await gets('bob@example.com', 2);
    await story.settles(id);
    expect(await subjectsTo('ada@example.com')).toEqual(['You left something']);
    expect(await subjectsTo('bob@example.com')).toEqual(['You left something', 'Still there']);

    // The same report again changes nothing; a new cart begins anew, with a message of its own.
    await report({ id: 'c1', name: 'cart_abandoned', email: 'ada@example.com', properties: { total: 80 } });
    app.clock.advance({ minutes: 1 });
    await report({ id: 'c3', name: 'cart_abandoned', email: 'ada@example.com', properties: { total: 60 } });
    await gets('ada@example.com', 2);
    await story.settles(id);
    expect(await enrolled(id, 'ada@example.com')).toMatchObject({ entryNumber: 2, status: 'active' });
    expect((await story.get(id)).status).toBe('active');
    const ledger = await story.ledger(id);
    expect(ledger.enrollments.addsUp).toBe(true);
    expect(ledger.emails.addsUp).toBe(true);

    await story.api.must(200, story.api.post(`/api/campaigns/${id}/close-enrollment`));
    app.clock.advance({ days: 1, minutes: 1 });
    await gets('ada@example.com', 3);
    await story.reaches(id, 'completed');
  });

  it('welcomes whoever comes into a segment, and those only', async () => {
    await story.importContacts(['ada@example.com,Ada,pro', 'bob@example.com,Bob,free']);
    const segmentId = await story.segment({ type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' }, 'Pro');
    const id = await story.campaign(
      { campaignType: 'triggered', segmentId: null, trigger: { type: 'segment_entry', segmentId }, exitOnSegmentLeave: true },
      [emailStep({ subjectLine: 'Welcome to Pro' }), waitStep(2, 'days'), emailStep({ subjectLine: 'Tips' })],
    );
    await story.launch(id);
    const rounds = (n: number) =>
      until(
        () =>
          app.db.asSystem(async (tx) => {
            const [{ least }] = await tx.query('SELECT min(rounds)::int AS least FROM campaign_watches WHERE campaign_id = $1', [id]);
            return least >= n;
          }),
        { what: `${n} rounds`, deadlineMs: 20_000 },
      );
    await rounds(1);
    await story.importContacts(['bob@example.com,Bob,pro', 'cyd@example.com,Cyd,pro']);
    app.clock.advance({ hours: 1 });
    await gets('bob@example.com', 1);
    await gets('cyd@example.com', 1);
    await story.settles(id);
    expect(await subjectsTo('ada@example.com')).toEqual([]);

    await story.importContacts(['cyd@example.com,Cyd,free']);
    app.clock.advance({ hours: 1 });
    await until(async () => (await enrolled(id, 'cyd@example.com')).exitReason === 'left_segment', {
      what: 'Cyd to have left',
      deadlineMs: 20_000,
    });
    app.clock.advance({ days: 2 });
    await gets('bob@example.com', 2);
    await story.settles(id);
    expect(await subjectsTo('bob@example.com')).toEqual(['Welcome to Pro', 'Tips']);
    expect(await subjectsTo('cyd@example.com')).toEqual(['Welcome to Pro']);
  });

  it('goes on taking people into a drip, and sends each the next message when they click, or when the time is up', async () => {
    await story.importContacts(['ada@example.com,Ada,pro', 'bob@example.com,Bob,free']);
    const id = await story.campaign({ campaignType: 'drip', keepEnrolling: true, exitOnReply: false }, [
      emailStep({ ref: 'offer', subjectLine: 'An offer' }),
      {
        stepType: 'wait_for',
        conditionRules: { type: 'email_clicked', stepId: 'offer', includeMachine: true },
        waitDuration: { value: 3, unit: 'days' },
        trueNextRef: 'thanks',
        falseNextRef: 'again',
      },
      emailStep({ ref: 'thanks', subjectLine: 'Thanks', nextRef: null }),
      emailStep({ ref: 'again', subjectLine: 'Once more' }),
    ]);
    await story.launch(id);
    await gets('ada@example.com', 1);
    await gets('bob@example.com', 1);
    await story.settles(id);
    app.clock.advance({ hours: 1 });
    const offer = await simpleParser(sink.messages.find(({ to, from }) => to.includes('ada@example.com') && from === story.sender)!.raw);
    await fetch(linkIn(offer.html as string, '/t/c/'), { redirect: 'manual' });
    await story.settles(id);
    app.clock.advance({ seconds: 5 });
    // Long before the three days are over.
    await gets('ada@example.com', 2);

    await story.importContacts(['cyd@example.com,Cyd,pro']);
    app.clock.advance({ hours: 1 });
    await gets('cyd@example.com', 1);
    app.clock.advance({ days: 4 });
    await gets('bob@example.com', 2);
    await gets('cyd@example.com', 2);
    expect(await subjectsTo('ada@example.com')).toEqual(['An offer', 'Thanks']);
    expect(await subjectsTo('bob@example.com')).toEqual(['An offer', 'Once more']);
    await story.settles(id);
    expect((await story.get(id)).status).toBe('active');
    const { campaign } = await story.api.must(200, story.api.post(`/api/campaigns/${id}/close-enrollment`));
    expect(campaign.status).toBe('active');
    await story.reaches(id, 'completed');
  });
});
