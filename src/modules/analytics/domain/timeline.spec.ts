import { buildTimeline, type TimelineEmail, type TimelineEnrollment } from './timeline.js';

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
  ...over,
});
const email = (over: Partial<TimelineEmail>): TimelineEmail => ({
  id: 'm1',
  stepId: 's1',
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
const typesOf = (...args: [TimelineEnrollment, TimelineEmail[]]) => buildTimeline(...args, [], () => null).map(({ type }) => type);

describe('a timeline', () => {
  it('keeps two messages apart that went out in the same instant', () => {
    const sent = { status: 'sent', sentAt: at('08:00:00') };
    const completed = enrollment({ status: 'completed', completedAt: at('08:00:00'), currentStepId: 's2' });
    const entries = buildTimeline(completed, [email(sent), email({ ...sent, id: 'm2', stepId: 's2' })], [], (id) => id.toUpperCase());
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
    const [last] = buildTimeline(enrollment({ stepEnteredAt: at('08:00:00') }), [email({})], [], () => null).slice(-1);
    expect(last).toMatchObject({ type: 'waiting', detail: { because: 'message_under_way', until: null } });
  });

  it.each(['failed', 'unknown', 'cancelled'])('ends the life of a message that is %s with the reason', (status) => {
    const entries = buildTimeline(
      enrollment({}),
      [email({ status, reason: 'why', detail: 'in words', settledAt: at('09:00:00') })],
      [],
      () => null,
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
});
