import type { SmtpRule } from '../processes/smtp.js';
import { assertInvariants } from '../lib/invariants.js';
import { onStage, type Scenario } from '../lib/scenario.js';
import { expectFates, suffix, type Fate } from '../lib/fates.js';

/** By the last two digits of the recipient: what the server does at the first message, and what must become of the row. */
const FAULTS: { digits: string; rule: Omit<SmtpRule, 'match'>; fate: Fate }[] = [
  { digits: '01', rule: { verb: 'MAIL', times: 1, answer: { code: 450 } }, fate: 'sent' },
  { digits: '02', rule: { verb: 'MAIL', limit: 1, answer: { code: 421 } }, fate: 'sent' },
  { digits: '03', rule: { verb: 'MAIL', times: 1, answer: { drop: true } }, fate: 'sent' },
  { digits: '11', rule: { verb: 'RCPT', times: 1, answer: { code: 450, message: '4.2.0 Try later' } }, fate: 'sent' },
  { digits: '12', rule: { verb: 'RCPT', answer: { code: 550, message: '5.1.1 No such user' } }, fate: 'failed' },
  { digits: '13', rule: { verb: 'RCPT', times: 1, answer: { drop: true } }, fate: 'sent' },
  { digits: '14', rule: { verb: 'RCPT', times: 1, answer: { hang: true } }, fate: 'sent' },
  { digits: '21', rule: { verb: 'DATA', times: 1, answer: { code: 450 } }, fate: 'sent' },
  { digits: '22', rule: { verb: 'DATA', answer: { code: 554, message: '5.7.1 Not wanted' } }, fate: 'failed' },
  { digits: '23', rule: { verb: 'DATA', times: 1, answer: { drop: true } }, fate: 'sent' },
  { digits: '31', rule: { verb: 'MESSAGE', limit: 1, answer: { code: 451, message: '4.3.0 Busy' } }, fate: 'sent' },
  { digits: '32', rule: { verb: 'MESSAGE', answer: { code: 552, message: '5.2.3 Too large' } }, fate: 'failed' },
  { digits: '33', rule: { verb: 'MESSAGE', times: 1, answer: { drop: true } }, fate: 'unknown' },
  { digits: '34', rule: { verb: 'MESSAGE', times: 1, answer: { drop: true, accept: true } }, fate: 'unknown' },
  { digits: '35', rule: { verb: 'MESSAGE', times: 1, answer: { hang: true, accept: true } }, fate: 'unknown' },
];

/** Every way an SMTP server can refuse, vanish or keep silent, at every verb. */
export const providerSmtp: Scenario = {
  name: 'provider-smtp',
  title: 'an SMTP server refuses for now and for good, vanishes and hangs at every verb',
  group: 'provider',
  run: (ground) =>
    onStage(ground, { name: 'provider-smtp', share: 0.5 }, async (stage) => {
      const rules: SmtpRule[] = FAULTS.map(({ digits, rule }) => ({ ...rule, match: suffix(digits) }));
      await stage.double.call('rules', [{ verb: 'CONNECT', limit: 1, answer: { drop: true } }, ...rules]);
      const campaign = await stage.campaign();
      await Promise.all([stage.worker(), stage.worker()]);
      await stage.launch(campaign);
      await stage.completes(campaign, 300_000);
      const unknownAtMost = await expectFates(stage, FAULTS);
      return assertInvariants(stage, { unknownAtMost });
    }),
};
