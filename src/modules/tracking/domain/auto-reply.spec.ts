import { autoReplyReason } from './auto-reply.js';
import { readMailHeaders } from './mail-headers.js';

const reason = (raw: string, envelopeFrom = 'ada@example.com') =>
  autoReplyReason({ headers: readMailHeaders(`From: Ada <ada@example.com>\r\n${raw}`), envelopeFrom });

describe('who answered', () => {
  it.each([
    ['a person', 'Subject: Re: Hello'],
    ['a person who mentions it', 'Subject: Re: Out of office chairs'],
    ['a mail program that says that a person wrote', 'Auto-Submitted: no'],
    ['a person whose program suppresses nothing', 'X-Auto-Response-Suppress: None'],
    ['a person with an important message', 'Precedence: first-class'],
    ['a person about an automatic door', 'Subject: Automatic doors'],
  ])('%s', (_who, raw) => {
    expect(reason(raw)).toBeNull();
  });

  it.each([
    ['Subject: Automatic reply: Hello', 'subject'],
    ['Subject: Out of the office until Monday', 'subject'],
    ['Subject: Abwesenheitsnotiz: Hallo', 'subject'],
    ['Subject: Réponse automatique : Bonjour', 'subject'],
    ['Subject: Undeliverable: Hello', 'subject'],
    ['auto-submitted:\r\n auto-generated', 'auto_submitted'],
    ['Return-Path: <>', 'null_sender'],
    ['X-Failed-Recipients: bob@example.com', 'delivery_report'],
    ['X-Autorespond: Hello', 'x_autoreply'],
    ['Precedence: auto_reply', 'precedence'],
    ['List-Id: Some list <some.list.example>', 'list'],
  ])('a machine: %s', (raw, expected) => {
    expect(reason(raw)).toBe(expected);
  });

  it('looks at the headers only, not at what follows them', () => {
    expect(reason('Subject: Re: Hello\r\n\r\nAuto-Submitted: auto-replied')).toBeNull();
    expect(readMailHeaders('nonsense\r\n: x\r\nA b: c\r\nOk:\r\n\tfolded\r\n  twice').size).toBe(1);
  });
});
