import fc from 'fast-check';
import { failureOf } from '../../src/modules/delivery/domain/failure-class.js';
import { judge } from '../../src/modules/delivery/domain/retry-policy.js';
import { classifySendGrid, type HttpResult } from '../../src/modules/mail/domain/sendgrid-outcome.js';
import { classifySmtpFailure } from '../../src/modules/mail/domain/smtp-outcome.js';
import type { SendOutcome } from '../../src/modules/mail/index.js';

const NOW = new Date('2030-01-07T08:00:00Z');

/** The class that operators see a provider's answer in, at this attempt. */
function classOf(outcome: SendOutcome, attempts = 1) {
  const verdict = judge(outcome, { attempts, firstAt: NOW }, NOW, { next: () => 0.5 });
  const suppressEmail = verdict.status === 'failed' && verdict.suppress ? 'a@example.com' : undefined;
  return failureOf({ reason: null, ...verdict, suppressEmail });
}

const smtpFailure = fc.record({
  code: fc.constantFrom('ECONNECTION', 'ETIMEDOUT', 'EENVELOPE', 'EMESSAGE', 'EAUTH', 'ETLS', 'EDNS', 'EPROTOCOL', undefined),
  command: fc.constantFrom('RCPT TO', 'MAIL FROM', 'DATA', 'AUTH PLAIN', 'CONN', 'EHLO', 'API', undefined),
  responseCode: fc.option(fc.integer({ min: 400, max: 599 }), { nil: undefined }),
  response: fc.constantFrom('550 5.1.1 no such user', '550 5.1.8 bad sender', '450 4.2.2 mailbox full', '554 5.7.1 refused', undefined),
  message: fc.constant('no'),
  dataAccepted: fc.boolean(),
});
const httpResult: fc.Arbitrary<HttpResult> = fc.oneof(
  fc.record({
    kind: fc.constant('response' as const),
    status: fc.integer({ min: 100, max: 599 }),
    headers: fc.constant({}),
    body: fc.constant(''),
  }),
  fc.record({
    kind: fc.constant('error' as const),
    written: fc.boolean(),
    timedOut: fc.boolean(),
    code: fc.constant('E'),
    message: fc.constant('no'),
  }),
);

describe('the classes of failures on /metrics', () => {
  it('know whatever SMTP servers and SendGrid answer: an operator never has to guess what `other` was', () => {
    const attempts = fc.integer({ min: 1, max: 8 });
    fc.assert(fc.property(smtpFailure, attempts, (failure, n) => classOf(classifySmtpFailure(failure), n)?.reason !== 'other'));
    fc.assert(fc.property(httpResult, attempts, (result, n) => classOf(classifySendGrid(result, NOW), n)?.reason !== 'other'));
  });

  it('tell apart what passes, what somebody has to mend, and what is over', () => {
    const smtp = (responseCode: number, command: string) =>
      classOf(classifySmtpFailure({ responseCode, command, message: 'no', dataAccepted: false }));
    expect([smtp(451, 'RCPT TO'), smtp(535, 'AUTH PLAIN'), smtp(550, 'RCPT TO'), smtp(552, 'DATA')]).toEqual([
      { class: 'throttled', reason: 'throttled' },
      { class: 'account', reason: 'account_fault' },
      { class: 'hard_bounce', reason: 'recipient_refused' },
      { class: 'permanent', reason: 'policy' },
    ]);
    expect(classOf(classifySmtpFailure({ code: 'ETIMEDOUT', message: 'no', dataAccepted: true }))?.class).toBe('unknown');
    expect(classOf(classifySmtpFailure({ code: 'ETIMEDOUT', message: 'no', dataAccepted: false }))?.class).toBe('transient');
    expect(failureOf({ status: 'queued', reason: 'rate_limited' })?.class).toBe('held');
    expect(failureOf({ status: 'skipped', reason: 'unsubscribed' })?.class).toBe('refused');
  });

  it('keep a reason that is not listed out of the labels: it might be anything', () => {
    expect(failureOf({ status: 'failed', reason: '550 ada@example.com is unknown' })).toEqual({ class: 'permanent', reason: 'other' });
  });
});
