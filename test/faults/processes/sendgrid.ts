import { SendGridDouble, targetOf, type SendGridAnswer, type SendGridMail } from '../../support/sendgrid-double.js';
import { serve } from '../../support/child.js';

/** A rule of the double; the first that matches answers. */
export interface SendGridRule {
  /** Addresses it is for (a regular expression); all by default. */
  match?: string;
  /** Only the first so many times for each address. */
  times?: number;
  /** Only so many times in all. */
  limit?: number;
  answer: Exclude<SendGridAnswer, void>;
}

const [file] = process.argv.slice(2);
let rules: SendGridRule[] = [];
const asked = new Map<string, number>();
const used = new Map<number, number>();

function script({ mail }: { mail: SendGridMail }): SendGridAnswer {
  const { email } = mail.personalizations[0].to[0];
  for (const [i, rule] of rules.entries()) {
    if (rule.match !== undefined && !new RegExp(rule.match).test(email)) continue;
    if (rule.limit !== undefined && (used.get(i) ?? 0) >= rule.limit) continue;
    if (rule.times !== undefined) {
      const key = `${i} ${email}`;
      const times = asked.get(key) ?? 0;
      if (times >= rule.times) continue;
      asked.set(key, times + 1);
    }
    used.set(i, (used.get(i) ?? 0) + 1);
    return rule.answer;
  }
  return undefined;
}

const double = await SendGridDouble.start({ file, script });

serve({
  url: () => double.url,
  apiKey: () => double.apiKey,
  rules: (next: SendGridRule[]) => {
    rules = next;
    asked.clear();
    used.clear();
  },
  accepted: () => double.messages.length,
  requests: () => double.requests,
  /** What events about the accepted messages from `from` on need of them. */
  targets: ({ from, limit }: { from: number; limit: number }) => double.messages.slice(from, from + limit).map(targetOf),
});
