import { entryTrace, mark, traceOf } from '../../../shared/trace.js';
import { buildTimeline, type TimelineEmail } from './timeline.js';
import type { DecisionFacts, TimelineStep } from './timeline-decisions.js';
import type { TimelineEnrollment } from './timeline-entry.js';

const at = (time: string) => new Date(`2030-01-01T${time}Z`);
const enrollment = (over: Partial<TimelineEnrollment>): TimelineEnrollment => ({
  id: 'e',
  status: 'active',
  currentStepId: 's1',
  entryNumber: 1,
  enrolledAt: at('08:00:00'),
  startedAt: at('08:00:00'),
  completedAt: null,
  exitedAt: null,
  exitReason: null,
  lastError: null,
  stepEnteredAt: null,
  nextEmailScheduledAt: null,
  campaignStatus: 'active',
  campaignType: 'drip',
  trace: '',
  ...over,
});
const email = (over: Partial<TimelineEmail>): TimelineEmail => ({
  id: 'm1',
  stepId: 's1',
  entryNumber: 1,
  status: 'queued',
  reason: null,
  detail: null,
  dueAt: at('08:00:00'),
  createdAt: at('08:00:00'),
  sendingAt: null,
  sentAt: null,
  settledAt: null,
  toEmail: null,
  ...over,
});
const nameless: DecisionFacts['names'] = { step: () => null, segment: () => null, campaign: () => null };
const facts = (over: Partial<DecisionFacts>): DecisionFacts => ({
  steps: [],
  handovers: [],
  calls: [],
  emails: [],
  names: nameless,
  ...over,
});
const typesOf = (...args: [TimelineEnrollment, TimelineEmail[]]) => buildTimeline(...args, [], facts({})).map(({ type }) => type);

describe('a timeline', () => {
  it('keeps two messages apart that went out in the same instant', () => {
    const sent = { status: 'sent', sentAt: at('08:00:00') };
    const completed = enrollment({ status: 'completed', completedAt: at('08:00:00'), currentStepId: 's2' });
    const entries = buildTimeline(
      completed,
      [email(sent), email({ ...sent, id: 'm2', stepId: 's2' })],
      [],
      facts({ names: { ...nameless, step: (id) => id.toUpperCase() } }),
    );
    expect(entries.map(({ type, stepName }) => `${type} ${stepName}`)).toEqual([
      'enrolled null',
      'started null',
      'planned S1',
      'sent S1',
      'planned S2',
      'sent S2',
      'completed S2',
    ]);
  });

  it('says what a contact waits for whose message is under way', () => {
    const [last] = buildTimeline(enrollment({ stepEnteredAt: at('08:00:00') }), [email({})], [], facts({})).slice(-1);
    expect(last).toMatchObject({ type: 'waiting', detail: { because: 'message_under_way', until: null } });
  });

  it.each(['failed', 'unknown', 'cancelled'])('ends the life of a message that is %s with the reason', (status) => {
    const entries = buildTimeline(
      enrollment({}),
      [email({ status, reason: 'why', detail: 'in words', settledAt: at('09:00:00') })],
      [],
      facts({}),
    );
    expect(entries).toContainEqual(
      expect.objectContaining({ at: at('09:00:00'), type: status, detail: { emailId: 'm1', reason: 'why', message: 'in words' } }),
    );
  });

  it('ends with the failure of the enrolment, and never waits after an end', () => {
    expect(typesOf(enrollment({ status: 'failed', lastError: 'it broke' }), [])).toEqual(['enrolled', 'started', 'enrollment_failed']);
    expect(typesOf(enrollment({ status: 'exited', exitedAt: at('09:00:00'), exitReason: 'goal' }), [])).toEqual([
      'enrolled',
      'started',
      'exited',
    ]);
    expect(typesOf(enrollment({ status: 'enrolled', startedAt: null, nextEmailScheduledAt: at('10:00:00') }), [])).toEqual([
      'enrolled',
      'waiting',
    ]);
  });

  const id = (n: number) => `00000000-0000-7000-8000-00000000000${n}`;
  const step = (n: number, over: Partial<TimelineStep>): TimelineStep => ({
    id: id(n),
    name: `Step ${n}`,
    type: 'action',
    rules: null,
    split: null,
    action: null,
    event: null,
    wait: null,
    waitsForDate: false,
    ...over,
  });
  const plan = { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' } as const;
  const vip = { type: 'tag', tag: 'vip' } as const;
  const told = (trace: string, known: Partial<DecisionFacts>, over: Partial<TimelineEnrollment> = {}) =>
    buildTimeline(
      enrollment({ status: 'completed', completedAt: at('20:00:00'), startedAt: null, trace, ...over }),
      (known.emails ?? []) as TimelineEmail[],
      [],
      facts({ ...known, names: { ...nameless, campaign: (id) => `campaign ${id.slice(-1)}`, step: (id) => `Step ${id.slice(-1)}` } }),
    ).map(({ type, stepName, detail, explanation }) => ({ type, stepName, detail, explanation }));

  it('explains which way a condition went by the part that decided it then', () => {
    const steps = [
      step(1, { type: 'condition', rules: { all: [vip, plan] } }),
      step(2, { type: 'condition', rules: { any: [vip, plan] } }),
    ];
    const trace = traceOf(
      at('09:00:00'),
      mark.answered(id(1), false, 1) + mark.answered(id(1), true, null) + mark.answered(id(2), true, 0) + mark.answered(id(2), false, null),
    );
    const conditions = told(trace, { steps }).filter(({ type }) => type === 'condition');
    expect(conditions.map(({ explanation }) => explanation)).toEqual([
      'All parts had to hold, and the first that did not: plan is "pro".',
      'It held: has the tag "vip" and plan is "pro".',
      'One part was enough, and it held: has the tag "vip".',
      'It did not hold: has the tag "vip" or plan is "pro".',
    ]);
    expect(conditions[0].detail).toEqual({ isTrue: false, path: 'conditionRules.all[1]', rule: plan });
  });

  it('explains branches, waits, handovers, calls and what let somebody in', () => {
    const steps = [
      step(1, { type: 'wait', wait: { value: 2, unit: 'days' } }),
      step(2, { type: 'wait_for', event: { name: 'order_placed' }, wait: { value: 1, unit: 'weeks' } }),
      step(3, { type: 'condition', split: { type: 'random', branches: [{ name: 'A', weight: 30, nextStepId: null }] } as never }),
      step(4, {
        type: 'condition',
        split: { type: 'rules', branches: [{ name: null, rules: vip, nextStepId: null }], elseNextStepId: null },
      }),
      step(5, { action: { type: 'enroll', campaignId: id(9) } }),
      step(6, { action: { type: 'webhook', url: 'https://acme.example/', hasSecret: false } }),
      step(7, { action: { type: 'add_tag', tag: 'x' } }),
    ];
    const handovers = [{ stepId: id(5), entryNumber: 1, campaignId: id(9), outcome: 'may_not_enter', at: at('09:00:00') }];
    const call = { id: id(8), stepId: id(6), entryNumber: 1, occurredAt: at('09:00:00'), lastAttemptAt: at('09:30:00') };
    const calls = [{ ...call, status: 'failed', attempts: 11, statusCode: 500, error: null }];
    const trace =
      entryTrace(at('07:00:00'), { by: 'event', name: 'signed_up' }) +
      traceOf(at('08:00:00'), mark.waited(id(1), at('09:00:00'))) +
      traceOf(
        at('09:00:00'),
        mark.answered(id(2), false, null) + mark.branched(id(3), 0) + mark.branched(id(4), 0) + mark.branched(id(4), 1),
      ) +
      traceOf(at('09:00:00'), mark.acted(id(5)) + mark.acted(id(6)) + mark.acted(id(7)));
    expect(told(trace, { steps, handovers, calls }).map(({ type, explanation }) => [type, explanation])).toEqual([
      ['enrolled', 'The event "signed_up" let the contact in.'],
      ['wait_began', 'Waits 2 days.'],
      ['wait_ended', 'The time was up without it: the event "order_placed".'],
      ['branch', 'By lot, which falls the same for this contact every time; 30 % go this way.'],
      ['branch', 'The first branch whose rule held: has the tag "vip".'],
      ['branch', 'No rule of the branches held.'],
      ['handed_over', 'To the campaign "campaign 9". Its rules of re-entry did not let the contact in again.'],
      ['called', 'Recorded; it is made while the contact goes on.'],
      ['acted', null],
      ['call_result', 'Given up: the answer was 500.'],
      ['completed', 'The end of the flow.'],
    ]);
  });

  it('puts decisions between the messages they were made between, though all happened at one instant', () => {
    const sent = { status: 'sent', sentAt: at('08:00:00') };
    const emails = [email({ ...sent, id: 'm1', stepId: id(1) }), email({ ...sent, id: 'm2', stepId: id(3) })];
    const steps = [step(2, { type: 'condition', rules: vip })];
    const trace = traceOf(at('08:00:00'), mark.mailed(id(1)) + mark.answered(id(2), true, null) + mark.mailed(id(3)));
    const path = told(trace, { steps, emails }).map(({ type, stepName }) => `${type} ${stepName}`);
    expect(path.slice(1, -1)).toEqual(['planned Step 1', 'sent Step 1', 'condition Step 2', 'planned Step 3', 'sent Step 3']);
  });

  it('tells of earlier entries, and does not guess what it does not know', () => {
    const trace = `${entryTrace(at('06:00:00'), { by: 'segment' })}${traceOf(at('06:00:00'), mark.acted(id(1)))}#2;${entryTrace(at('08:00:00'), { by: 'hand' })}`;
    const again = { entryNumber: 2, campaignType: 'triggered' };
    expect(told(trace, { steps: [step(1, {})] }, again).map(({ type, explanation }) => [type, explanation])).toEqual([
      ['enrolled', 'Came into the segment of the campaign.'],
      ['acted', null],
      ['enrolled', 'Was enrolled by hand.'],
      ['completed', 'The end of the flow.'],
    ]);
    expect(told('', {}, again)[0]).toMatchObject({ type: 'enrolled', explanation: null });
    expect(told('', {})[0]).toMatchObject({ detail: { cause: 'audience' }, explanation: 'Was in the audience at the launch.' });
  });

  it('says that a message is put off, why and until when, and that an open was by a machine', () => {
    const deferred = email({ reason: 'frequency_cap', dueAt: at('12:00:00') });
    const opened = { type: 'opened', occurredAt: at('08:30:00'), source: 'pixel', isMachine: true, machineReason: 'privacy_proxy' };
    const event = { emailId: 'm1', bounceClass: null, url: null, linkUrl: null, detail: null, ...opened };
    const entries = buildTimeline(enrollment({}), [deferred], [event], facts({}));
    expect(entries.find(({ type }) => type === 'opened')?.explanation).toBe(
      'Not a person: a mail privacy proxy fetches pictures of every message, read or not.',
    );
    expect(entries.at(-1)).toMatchObject({
      type: 'waiting',
      detail: { because: 'message_deferred', reason: 'frequency_cap', until: at('12:00:00') },
      explanation: 'Its message is put off. The contact has had as many messages as the cap on frequency allows.',
    });
  });
});
