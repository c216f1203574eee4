import { SmtpSink } from '../support/smtp-sink.js';
import { until } from '../support/poll.js';
import { emailStep, Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

/** What an operator does with a campaign: schedule, pause, resume, cancel, end, clone, and a double click on launch. */
describe('the life of a campaign', () => {
  let app: TestApp;
  let sink: SmtpSink;
  let story: Story;
  let stories = 0;

  /** What this story's campaigns have sent. */
  const sent = () => sink.messages.filter(({ from }) => from === story.sender);

  beforeAll(async () => {
    sink = await SmtpSink.start();
    app = await startTestApp({ env: { MAIL_PROVIDER: 'smtp', SMTP_URL: sink.url(), SMTP_CONNECTIONS: '2' } });
  });
  beforeEach(async () => {
    sink.script = undefined;
    story = new Story(app, (await app.tenant()).api, `news@story${++stories}.example`);
  });
  afterAll(async () => {
    await app?.close();
    await sink?.stop();
  });

  it('launches once, however many times launch is clicked', async () => {
    await story.importContacts(20);
    const id = await story.campaign();
    const answers = await Promise.all(Array.from({ length: 50 }, () => story.api.post(`/api/campaigns/${id}/launch`)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(49);
    expect(answers.find(({ status }) => status === 409)!.body).toMatchObject({ status: 409, currentStatus: 'active' });
    await story.reaches(id, 'completed');
    expect(sent()).toHaveLength(20);
    expect(await story.get(id)).toMatchObject({ totalContacts: 20, enrollment: { state: 'enrolled', enrolled: 20, total: 20 } });
  });

  it('hands nothing over after the answer to pause but what it reported in flight, and resume sends only the remainder', async () => {
    await story.importContacts(300);
    const id = await story.campaign();
    sink.script = ({ verb }) => (verb === 'MESSAGE' ? { delayMs: 15 } : undefined);
    await story.launch(id);
    await until(() => sent().length >= 20, { what: 'some mail to leave' });
    const paused = await story.api.must(200, story.api.post(`/api/campaigns/${id}/pause`));
    const atAnswer = sent().length;
    expect(paused).toMatchObject({ success: true, campaign: { status: 'paused' } });
    await until(async () => (await story.ledger(id)).emails.sending === 0, { what: 'the mail in flight to land' });
    expect(sent().length - atAnswer).toBeLessThanOrEqual(paused.inFlight);
    const landed = sent().length;
    expect(landed).toBeLessThan(300);

    // A held campaign stays held, also when the clock goes on and the poller looks again and again.
    app.clock.advance({ days: 1 });
    await until(async () => (await story.get(id)).status === 'paused');
    expect(sent()).toHaveLength(landed);

    sink.script = undefined;
    await story.api.must(200, story.api.post(`/api/campaigns/${id}/resume`));
    await story.reaches(id, 'completed');
    expect(sent()).toHaveLength(300);
    expect(new Set(sent().map(({ to }) => to[0])).size).toBe(300);
  });

  it('resume with `shift` gives back the time of the pause, `catch_up` does not', async () => {
    await story.importContacts(['ada@example.com,Ada,pro']);
    const steps = [waitStep(2, 'days'), emailStep()];
    const segmentId = await story.segment();
    const shifted = await story.campaign({ name: 'shifted', campaignType: 'drip', segmentId }, steps);
    const caughtUp = await story.campaign({ name: 'caught up', campaignType: 'drip', segmentId }, steps);
    for (const id of [shifted, caughtUp]) {
      await story.launch(id);
      await story.settles(id);
      await story.api.must(200, story.api.post(`/api/campaigns/${id}/pause`));
    }
    app.clock.advance({ days: 3 });
    await story.api.must(200, story.api.post(`/api/campaigns/${shifted}/resume`, { policy: 'shift' }));
    await story.api.must(200, story.api.post(`/api/campaigns/${caughtUp}/resume`));
    await story.reaches(caughtUp, 'completed');
    await story.settles(shifted);
    expect(sent()).toHaveLength(1);
    app.clock.advance({ days: 2 });
    await story.reaches(shifted, 'completed');
    expect(sent()).toHaveLength(2);
  });

  it('starts a scheduled campaign at its start, not before', async () => {
    await story.importContacts(3);
    const startDate = new Date(app.clock.now().getTime() + 3_600_000).toISOString();
    const id = await story.campaign({ sendStrategy: 'scheduled', startDate });
    await story.api.must(200, story.api.post(`/api/campaigns/${id}/schedule`));
    expect((await story.get(id)).status).toBe('scheduled');
    app.clock.advance({ minutes: 59 });
    await story.settles(id);
    expect((await story.get(id)).status).toBe('scheduled');
    expect(sent()).toHaveLength(0);
    app.clock.advance({ minutes: 2 });
    await story.reaches(id, 'completed');
    expect(sent()).toHaveLength(3);
  });

  it('takes a scheduled campaign back to draft', async () => {
    await story.importContacts(1);
    const startDate = new Date(app.clock.now().getTime() + 3_600_000).toISOString();
    const id = await story.campaign({ sendStrategy: 'scheduled', startDate });
    await story.api.must(200, story.api.post(`/api/campaigns/${id}/schedule`));
    await story.api.must(200, story.api.post(`/api/campaigns/${id}/unschedule`));
    expect((await story.get(id)).status).toBe('draft');
  });

  it('ends at its end date: who is still on the way leaves with a reason', async () => {
    await story.importContacts(4);
    const endDate = new Date(app.clock.now().getTime() + 2 * 86_400_000).toISOString();
    const id = await story.campaign({ campaignType: 'drip', endDate }, [
      emailStep(),
      waitStep(5, 'days'),
      emailStep({ stepName: 'Too late' }),
    ]);
    await story.launch(id);
    await until(() => sent().length === 4, { what: 'the first round' });
    app.clock.advance({ days: 3 });
    await story.reaches(id, 'completed');
    const { data } = await story.api.must(200, story.api.get(`/api/campaigns/${id}/contacts`));
    expect(data.map(({ status, exitReason }: any) => [status, exitReason])).toEqual(Array(4).fill(['exited', 'campaign_ended']));
    expect(sent()).toHaveLength(4);
  });

  it('cancels: queued mail is never sent, everybody leaves, and the numbers add up', async () => {
    await story.importContacts(200);
    const id = await story.campaign();
    sink.script = ({ verb }) => (verb === 'MESSAGE' ? { delayMs: 15 } : undefined);
    await story.launch(id);
    await until(() => sent().length >= 10, { what: 'some mail to leave' });
    await story.api.must(200, story.api.post(`/api/campaigns/${id}/cancel`));
    await until(async () => {
      const { emails, enrollments } = await story.ledger(id);
      return emails.queued === 0 && emails.sending === 0 && enrollments.inProgress === 0;
    });
    const ledger = await story.ledger(id);
    expect(ledger.enrollments.addsUp && ledger.emails.addsUp).toBe(true);
    expect(ledger.emails.sent).toBe(sent().length);
    expect(ledger.emails.sent).toBeLessThan(200);
    expect(ledger.enrollments.enrolled).toBe(200);
    expect((await story.get(id)).status).toBe('cancelled');
    expect((await story.api.post(`/api/campaigns/${id}/resume`)).status).toBe(409);
  });

  it('clones into a draft whose branches lead to its own steps', async () => {
    await story.importContacts(1);
    const id = await story.campaign({ campaignType: 'drip', name: 'Original' }, [
      emailStep({ ref: 'a' }),
      { ref: 'b', stepType: 'condition', conditionRules: { type: 'lead_score', threshold: 10 }, trueNextRef: 'c', falseNextRef: null },
      { ref: 'c', stepType: 'action', actionConfig: { type: 'add_tag', tag: 'hot' } },
    ]);
    const clone = await story.api.must(201, story.api.post(`/api/campaigns/${id}/clone`));
    expect(clone).toMatchObject({ name: 'Original (copy)', status: 'draft', totalContacts: 0 });
    const { steps: original } = await story.api.must(200, story.api.get(`/api/campaigns/${id}`));
    const { steps } = await story.api.must(200, story.api.get(`/api/campaigns/${clone.id}`));
    expect(steps.map((step: any) => step.stepType)).toEqual(['email', 'condition', 'action']);
    expect(steps[1].trueNextStepId).toBe(steps[2].id);
    const ids = new Set(original.map((step: any) => step.id));
    expect(steps.some((step: any) => ids.has(step.id) || ids.has(step.trueNextStepId))).toBe(false);
  });

  it('carries out actions: attributes, tags, score, exit', async () => {
    await story.importContacts(['ada@example.com,Ada,pro', 'bob@example.com,Bob,free']);
    const id = await story.campaign({ campaignType: 'drip' }, [
      { stepType: 'action', actionConfig: { type: 'set_attribute', attribute: 'stage', value: 'engaged' } },
      { stepType: 'action', actionConfig: { type: 'adjust_lead_score', by: 15 } },
      { stepType: 'action', actionConfig: { type: 'add_tag', tag: 'seen' } },
      {
        stepType: 'condition',
        conditionRules: { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' },
        trueNextRef: 'mail',
        falseNextRef: 'out',
      },
      { ref: 'out', stepType: 'action', actionConfig: { type: 'exit', reason: 'not for them' }, nextRef: null },
      emailStep({ ref: 'mail' }),
    ]);
    await story.launch(id);
    await story.reaches(id, 'completed');
    expect(sent().map(({ to }) => to[0])).toEqual(['ada@example.com']);
    const bob = await story.api.must(200, story.api.get(`/api/contacts/${await story.contactId('bob@example.com')}`));
    expect(bob).toMatchObject({ leadScore: 15, tags: ['seen'], attributes: { stage: 'engaged', plan: 'free' } });
    const enrollment = await story.api.must(200, story.api.get(`/api/campaigns/${id}/contacts/${bob.id}`));
    expect(enrollment).toMatchObject({ status: 'exited', exitReason: 'not for them' });
  });
});
