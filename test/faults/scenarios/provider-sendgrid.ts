import type { SendGridRule } from '../processes/sendgrid.js';
import { expectFates, suffix, type Fate } from '../lib/fates.js';
import { assertInvariants } from '../lib/invariants.js';
import { onStage, type Scenario } from '../lib/scenario.js';

/** By the last two digits of the recipient: what the API does at the first message, and what must become of the row. */
const FAULTS: { digits: string; rule: Omit<SendGridRule, 'match'>; fate: Fate }[] = [
  { digits: '01', rule: { limit: 5, answer: { status: 429, headers: { 'retry-after': '1' } } }, fate: 'sent' },
  { digits: '02', rule: { limit: 1, answer: { status: 429 } }, fate: 'sent' },
  { digits: '03', rule: { times: 1, answer: { status: 503 } }, fate: 'sent' },
  { digits: '04', rule: { answer: { status: 400 } }, fate: 'failed' },
  { digits: '05', rule: { times: 1, answer: { status: 500 } }, fate: 'unknown' },
  { digits: '06', rule: { times: 1, answer: { status: 502, accept: true } }, fate: 'unknown' },
  { digits: '07', rule: { times: 1, answer: { hang: true } }, fate: 'unknown' },
  { digits: '08', rule: { times: 1, answer: { hang: true, accept: true } }, fate: 'unknown' },
  { digits: '09', rule: { times: 1, answer: { reset: true } }, fate: 'unknown' },
  { digits: '10', rule: { times: 1, answer: { reset: true, accept: true } }, fate: 'unknown' },
  { digits: '11', rule: { times: 1, answer: { raw: 'HTTP/1.1 999 nonsense\r\n\r\n', accept: true } }, fate: 'unknown' },
];

export const providerSendgrid: Scenario = {
  name: 'provider-sendgrid',
  title: 'the SendGrid API throttles, errs, accepts and then errs, hangs and resets',
  run: (ground) =>
    onStage(ground, { name: 'provider-sendgrid', share: 0.5, mail: 'sendgrid' }, async (stage) => {
      const rules: SendGridRule[] = FAULTS.map(({ digits, rule }) => ({ ...rule, match: suffix(digits) }));
      await stage.double.call('rules', rules);
      const campaign = await stage.campaign();
      await Promise.all([stage.worker(), stage.worker()]);
      await stage.launch(campaign);
      await stage.completes(campaign, 300_000);
      const unknownAtMost = await expectFates(stage, FAULTS);
      return assertInvariants(stage, { unknownAtMost });
    }),
};
