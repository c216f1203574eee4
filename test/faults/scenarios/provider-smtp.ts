import type { SmtpRule } from '../processes/smtp.js';
import { assertInvariants } from '../lib/invariants.js';
import { onStage, type Scenario } from '../lib/scenario.js';
import { expectFates, suffix, type Fate } from '../lib/fates.js';

/** Said once each, to whoever connects first: about the session, so no message may suffer. */
const OF_SESSION: SmtpRule[] = [
  { verb: 'CONNECT', limit: 1, answer: { drop: true } },
  { verb: 'CONNECT', limit: 1, answer: { code: 421 } },
  { verb: 'CONNECT', limit: 1, answer: { code: 554 } },
  { verb: 'AUTH', limit: 1, answer: { code: 454, message: '4.7.0 Temporary authentication failure' } },
  { verb: 'AUTH', limit: 1, answer: { code: 535, message: '5.7.8 Authentication credentials invalid' } },
  { verb: 'AUTH', limit: 1, answer: { drop: true } },
];

/** Comes before the recipient is named, so it meets anybody. Only the last of them is about the message, and ends it. */
const SENDER_REFUSED = 3;
const OF_SENDER: SmtpRule[] = [
  { verb: 'MAIL', limit: 5, answer: { code: 450 } },
  { verb: 'MAIL', limit: 1, answer: { code: 421 } },
  { verb: 'MAIL', limit: 5, answer: { drop: true } },
  { verb: 'MAIL', limit: SENDER_REFUSED, answer: { code: 550, message: '5.1.8 Sender not known' } },
];

/** By the last two digits of the recipient: what the server does at the first message, and what must become of the row. */
const FAULTS: { digits: string; rule: Omit<SmtpRule, 'match'>; fate: Fate }[] = [
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
  run: (ground) =>
    onStage(ground, { name: 'provider-smtp', share: 0.5 }, async (stage) => {
      const rules: SmtpRule[] = FAULTS.map(({ digits, rule }) => ({ ...rule, match: suffix(digits) }));
      await stage.double.call('rules', [...OF_SESSION, ...OF_SENDER, ...rules]);
      const campaign = await stage.campaign();
      await Promise.all([stage.worker(), stage.worker()]);
      await stage.launch(campaign);
      await stage.completes(campaign, 300_000);
      const unknownAtMost = await expectFates(stage, FAULTS, 'sender_refused');
      const refused = await stage.sql.value<number>(
        `SELECT count(*)::int FROM emails WHERE status = 'failed' AND reason = 'sender_refused'`,
      );
      if (refused !== SENDER_REFUSED)
        throw new Error(`${SENDER_REFUSED} messages were refused for their sender; the ledger says ${refused}`);
      return assertInvariants(stage, { unknownAtMost });
    }),
};
