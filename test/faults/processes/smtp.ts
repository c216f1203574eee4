import { simpleParser } from 'mailparser';
import { SmtpSink, type SmtpAnswer, type SmtpQuestion, type SmtpVerb } from '../../support/smtp-sink.js';
import { serve } from '../../support/child.js';
import { SMTP_LOGIN } from '../lib/smtp-login.js';

/** A rule of the double; the first that matches answers. */
export interface SmtpRule {
  verb: SmtpVerb;
  /** Addresses it is for (a regular expression); all by default. */
  match?: string;
  /** Only the first so many times for each address. */
  times?: number;
  /** Only so many times in all. */
  limit?: number;
  answer: Exclude<SmtpAnswer, void>;
}

/** Enough for every scenario that looks into messages; at full size all of them would not fit into memory. */
const REMEMBERED = 20_000;
const [file] = process.argv.slice(2);
let rules: SmtpRule[] = [];
const asked = new Map<string, number>();
const used = new Map<number, number>();

function script({ verb, address }: SmtpQuestion): SmtpAnswer {
  for (const [i, rule] of rules.entries()) {
    if (rule.verb !== verb || (rule.match !== undefined && !new RegExp(rule.match).test(address))) continue;
    if (rule.limit !== undefined && (used.get(i) ?? 0) >= rule.limit) continue;
    if (rule.times !== undefined) {
      const key = `${i} ${address}`;
      const times = asked.get(key) ?? 0;
      if (times >= rule.times) continue;
      asked.set(key, times + 1);
    }
    used.set(i, (used.get(i) ?? 0) + 1);
    return rule.answer;
  }
  return undefined;
}

const sink = await SmtpSink.start({ file, script, auth: SMTP_LOGIN, keep: REMEMBERED });

serve({
  port: () => sink.port,
  rules: (next: SmtpRule[]) => {
    rules = next;
    asked.clear();
    used.clear();
  },
  accepted: () => sink.accepted,
  connections: () => sink.connections,
  /** Addresses in the messages to `limit` recipients that begin at `from`: what people would load, click and post to. */
  links: async ({ from, limit }: { from: number; limit: number }) =>
    Promise.all(
      sink.messages.slice(from, from + limit).map(async ({ to, raw }) => {
        const mail = await simpleParser(raw);
        const urls = [...String(mail.html).matchAll(/(?:href|src)="([^"]+)"/g)].map(([, url]) => url.replaceAll('&amp;', '&'));
        const find = (part: string) => urls.find((url) => url.includes(part)) ?? null;
        return { to: to[0], messageId: mail.messageId ?? '', pixel: find('/t/o/'), click: find('/t/c/'), unsubscribe: find('/u/') };
      }),
    ),
});
