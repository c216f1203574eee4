import type { Flow } from '../../steps/index.js';
import type { Person, SentMail } from './person.js';
import type { Tally } from './tally.js';

export const MAIL_FACTS = ['opened', 'clicked', 'replied', 'unsubscribed', 'bounced'] as const;
export type MailFact = (typeof MAIL_FACTS)[number];

/** Something that a person does, or that comes back about a message: about one message, or a custom event. */
export type Fact = { type: MailFact; mail: SentMail } | { type: 'event'; name: string };

/** Writes down and counts what has happened, also of people who are through. */
export function record(fact: Fact, person: Person, tally: Tally, flow: Flow, now: Date): void {
  if (fact.type === 'event') recordEvent(fact.name, person, tally, flow, now);
  else recordAboutMail(fact.type, fact.mail, person, tally, now);
}

function recordEvent(name: string, person: Person, tally: Tally, flow: Flow, now: Date): void {
  person.facts.events = [...person.facts.events, { name, occurredAt: now }];
  if (person.isFollowed) person.events.push({ type: name, at: now });
  for (const mail of person.facts.emails) {
    if (mail.isConverted || mail.variantId === null) continue;
    if (flow.steps.get(mail.stepId)!.experiment?.test?.goalEvent !== name) continue;
    mail.isConverted = true;
    tally.variant(mail.stepId, mail.variantId)!.converted += 1;
  }
}

function recordAboutMail(type: MailFact, mail: SentMail, person: Person, tally: Tally, now: Date): void {
  tally.learn(mail.stepId, mail.variantId, type);
  mail.visit?.reactions.push({ type, at: now });
  if (type === 'opened' || type === 'clicked' || type === 'replied') mail.events.push({ type, occurredAt: now, isMachine: false });
  if (type === 'opened') mail.firstOpenedAt = mail.firstHumanOpenedAt = now;
  if (type === 'clicked') mail.firstClickedAt = mail.firstHumanClickedAt = now;
  if (type === 'replied') mail.repliedAt = now;
  if (type === 'unsubscribed') person.facts.subscribed = false;
}
