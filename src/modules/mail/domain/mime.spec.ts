import fc from 'fast-check';
import { simpleParser, type AddressObject } from 'mailparser';
import { domainToASCII } from 'node:url';
import { UnsendableMessageError } from '../mail.errors.js';
import type { OutgoingMessage } from '../mail.types.js';
import { readCapturedMail } from './eml-reader.js';
import { buildMime } from './mime.js';

const DATE = new Date('2026-11-24T08:25:30Z');
const MESSAGE: OutgoingMessage = {
  emailId: '019ab4c2-7a10-7b3c-9d4e-0123456789ab',
  tenantId: '019ab4c2-0000-7000-8000-000000000001',
  campaignId: null,
  messageId: '<019ab4c2-7a10-7b3c-9d4e-0123456789ab@mail.example>',
  from: { address: 'news@shop.example', name: 'The Shop' },
  to: { address: 'ada@example.com', name: 'Ada Lovelace' },
  subject: 'Hello',
  html: '<p>Hello</p>',
  text: 'Hello',
  headers: {},
};
const message = (over: Partial<OutgoingMessage>): OutgoingMessage => ({ ...MESSAGE, ...over });
const build = (over: Partial<OutgoingMessage>): string => buildMime(message(over), DATE).toString('latin1');
const parse = (over: Partial<OutgoingMessage>) =>
  simpleParser(buildMime(message(over), DATE), { skipTextToHtml: true, skipHtmlToText: true });

// Anything a person may type: any script, emoji, quotes, commas, backslashes, `=?`, runs of spaces; no control characters.
const headerText = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.string({ unit: 'binary', maxLength: 120 }),
    fc
      .array(fc.constantFrom('a', 'Ω', '"', ',', '\\', '<', '>', '@', '=?UTF-8?Q?a?=', '  ', ' ', '(x)', 'ß', '😀', ';', ':'), {
        maxLength: 60,
      })
      .map((a) => a.join('')),
  )
  .map((s) =>
    s
      .replace(/[\u0000-\u001f\u007f-\u009f]/g, '')

      .trim(),
  );
const body = fc.string({ unit: 'binary', maxLength: 3000 }).map((s) => s.replace(/\r\n?/g, '\n'));
const address = fc.record({
  local: fc.stringMatching(/^[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,30}(\.[a-z0-9+_-]{1,10})?$/),
  domain: fc.constantFrom('example.com', 'münchen.example', 'sub.domain.co.uk', 'xn--mnchen-3ya.example', '例え.example'),
});
const only = (value: AddressObject | AddressObject[] | undefined) =>
  (Array.isArray(value) ? value : [value]).flatMap((v) => v?.value ?? []);

describe('a message survives the road to the mail program', () => {
  it('gives back subject, text and html exactly, whatever script they are in', async () => {
    await fc.assert(
      fc.asyncProperty(headerText, body, body, async (subject, text, html) => {
        const parsed = await parse({ subject, text, html });
        expect(parsed.subject ?? '').toBe(subject);
        expect(parsed.text ?? '').toBe(text);
        expect(parsed.html || '').toBe(html);
      }),
      { numRuns: 300 },
    );
  });

  it('gives back one sender and one recipient with their exact names, whatever is in a name', async () => {
    await fc.assert(
      fc.asyncProperty(headerText, headerText, address, address, async (fromName, toName, from, to) => {
        const parsed = await parse({
          from: { address: `${from.local}@${from.domain}`, name: fromName },
          to: { address: `${to.local}@${to.domain}`, name: toName },
        });
        for (const [got, name, sent] of [
          [only(parsed.from), fromName, from],
          [only(parsed.to), toName, to],
        ] as const) {
          expect(got).toHaveLength(1);
          expect(got[0].name).toBe(name);
          const [local, domain] = got[0].address?.split('@') ?? [];
          expect(local).toBe(sent.local);
          expect(domainToASCII(domain)).toBe(domainToASCII(sent.domain));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is read back by the mailbox page as it was written', () => {
    fc.assert(
      fc.property(headerText, body, body, (subject, text, html) => {
        const read = readCapturedMail(buildMime(message({ subject, text, html, headers: { 'X-Note': 'größer' } }), DATE));
        expect(read.subject).toBe(subject);
        expect(read.text.replaceAll('\r\n', '\n')).toBe(text);
        expect(read.html.replaceAll('\r\n', '\n')).toBe(html);
        expect(read.headers).toContainEqual(['X-Note', 'größer']);
      }),
    );
  });

  it('never sends a line longer than relays accept, nor a bare line break', () => {
    fc.assert(
      fc.property(headerText, headerText, body, (subject, name, html) => {
        const raw = build({ subject, html, to: { address: 'ada@example.com', name }, headers: { 'X-Note': subject } });
        expect(raw.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        expect(raw).not.toMatch(/[^\x00-\x7f]/);
        // In SMTP it would need a second one, and a lone one would end the message (RFC 5321 §4.5.2).
        expect(raw).not.toMatch(/^\./m);
        for (const line of raw.split('\r\n')) expect(line.length).toBeLessThanOrEqual(line.includes('=?') ? 76 : 998);
      }),
    );
  });

  it('sends the one-click unsubscribe headers unbroken and undecorated', async () => {
    const url = `<https://track.example/u/${'t'.repeat(180)}>`;
    const raw = build({
      headers: { 'List-Unsubscribe': `${url}, <mailto:u@track.example>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
    });
    expect(raw.replaceAll('\r\n ', ' ')).toContain(`\r\nList-Unsubscribe: ${url}, <mailto:u@track.example>\r\n`);
    expect(raw).toContain('\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n');
  });

  it('carries date, message id, reply-to and an address outside ASCII', async () => {
    const parsed = await parse({ replyTo: { address: 'jörg@example.com', name: 'Jörg, "the boss"' } });
    expect(parsed.date).toEqual(DATE);
    expect(parsed.messageId).toBe(MESSAGE.messageId);
    expect(only(parsed.replyTo)).toMatchObject([{ address: 'jörg@example.com', name: 'Jörg, "the boss"' }]);
  });

  it('gives the same bytes on every attempt', () => {
    expect(build({ subject: 'Ω', headers: { 'X-A': '1' } })).toBe(build({ subject: 'Ω', headers: { 'X-A': '1' } }));
  });
});

describe('a merge field cannot add a header or a recipient', () => {
  const injections = ['\r\nBcc: evil@example.com', '\nBcc: x@y.z', '\r', '\u0000', '\t', '\u0085', '\u007f'];
  it.each(injections)('refuses %j in subject, names, addresses, header values and names', (evil) => {
    const attempts: Partial<OutgoingMessage>[] = [
      { subject: `Hi${evil}` },
      { from: { address: 'a@example.com', name: `A${evil}B` } },
      { to: { address: `a${evil}@example.com` } },
      { to: { address: `a@example.com${evil}` } },
      { to: { address: 'a@example.com', name: `A${evil}B` } },
      { replyTo: { address: 'a@example.com', name: `A${evil}B` } },
      { headers: { 'X-A': `1${evil}2` } },
      { headers: { 'List-Unsubscribe': `<https://a.example/${evil}>` } },
      { headers: { [`X-A${evil}`]: '1' } },
      { messageId: `<a${evil}@b>` },
      { emailId: `a${evil}` },
    ];
    for (const over of attempts) expect(() => build(over)).toThrow(UnsendableMessageError);
  });

  it.each([
    'a@x.example, b@y.example',
    'a@x.example b@y.example',
    '<a@x.example>',
    'A <a@x.example>',
    'group:a@x.example;',
    'a@x.example(b)',
    '@x.example',
    'a@',
    'a',
    'a@b@c.example',
    'a@-x-',
    `${'a'.repeat(65)}@x.example`,
    `a@${'b.'.repeat(130)}example`,
  ])('refuses %j where one address belongs', (address) => {
    expect(() => build({ to: { address } })).toThrow(UnsendableMessageError);
  });

  it.each([
    'From',
    'to',
    'BCC',
    'Cc',
    'Subject',
    'Content-Type',
    'content-transfer-encoding',
    'Message-ID',
    'Date',
    'X A',
    'X:A',
    '.X',
    '',
  ])('refuses the extra header name %j', (name) => {
    expect(() => build({ headers: { [name]: 'x' } })).toThrow(UnsendableMessageError);
  });

  it('does not take an encoded-word typed by a person for its own encoding', async () => {
    const parsed = await parse({ subject: '=?UTF-8?B?QmNjOg==?=', to: { address: 'a@example.com', name: '=?UTF-8?Q?x?= <b@c.d>' } });
    expect(parsed.subject).toBe('=?UTF-8?B?QmNjOg==?=');
    expect(only(parsed.to)).toMatchObject([{ address: 'a@example.com', name: '=?UTF-8?Q?x?= <b@c.d>' }]);
  });
});
