import sendgrid, { type MailDataRequired, type MailService } from '@sendgrid/mail';
import fc from 'fast-check';
import { UnsendableMessageError } from '../mail.errors.js';
import type { OutgoingMessage } from '../mail.types.js';
import { SendGridPayloads } from './sendgrid-payload.js';

/** What the package itself makes of the same message. */
async function ofPackage(message: OutgoingMessage): Promise<unknown> {
  const service = new (sendgrid as unknown as { MailService: new () => MailService }).MailService();
  service.setClient({ request: ({ body }: { body: unknown }) => Promise.resolve(body) } as never);
  const mailbox = (box: OutgoingMessage['to']) => ({ email: box.address, ...(box.name ? { name: box.name } : {}) });
  const data: MailDataRequired = {
    from: mailbox(message.from),
    to: mailbox(message.to),
    ...(message.replyTo ? { replyTo: mailbox(message.replyTo) } : {}),
    subject: message.subject,
    content: [
      { type: 'text/plain', value: message.text },
      { type: 'text/html', value: message.html },
    ],
    headers: { 'Message-ID': message.messageId, ...message.headers },
    customArgs: {
      email_id: message.emailId,
      tenant_id: message.tenantId,
      ...(message.campaignId === null ? {} : { campaign_id: message.campaignId }),
    },
    trackingSettings: {
      clickTracking: { enable: false, enableText: false },
      openTracking: { enable: false },
      subscriptionTracking: { enable: false },
    },
  };
  return JSON.parse(JSON.stringify(await service.send(data)));
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', '<<value 1>>', '"<<value 0>>"', '{{x}}', '\\', '\n'),
);
const line = text.map((value) => value.replace(/[\u0000-\u001f\u007f-\u009f]/g, '').trim());
const address = fc.constantFrom('ada@example.com', 'b.c+d@sub.example', 'x@y.example');
const mailbox = fc.record({ address, name: fc.option(line) });
const messages: fc.Arbitrary<OutgoingMessage> = fc.record({
  emailId: fc.uuid(),
  tenantId: fc.uuid(),
  campaignId: fc.option(fc.uuid()),
  messageId: fc.uuid().map((id) => `<${id}@mail.example>`),
  from: mailbox,
  to: mailbox,
  replyTo: fc.option(mailbox),
  subject: line,
  html: text,
  text,
  headers: fc.constantFrom<Record<string, string>>(
    {},
    { 'List-Unsubscribe': '<https://t.example/u/x>' },
    { 'X-A': '1', 'X-B': '2' },
    { 7: 'seven' },
  ),
});

describe('the payload of a message', () => {
  it('is what the official package makes of it, whatever a recipient is called and whatever stands in the text', async () => {
    const payloads = new SendGridPayloads();
    await fc.assert(
      fc.asyncProperty(messages, async (message) => {
        expect(JSON.parse(await payloads.bodyOf(message))).toEqual(await ofPackage(message));
      }),
      { numRuns: 500 },
    );
  });

  it('holds the right values when many messages of new shapes are made at once', async () => {
    const payloads = new SendGridPayloads();
    const batch = fc.sample(messages, 60);
    const bodies = await Promise.all(batch.map((message) => payloads.bodyOf(message)));
    const ids = bodies.map((body) => (JSON.parse(body) as { custom_args: { email_id: string } }).custom_args.email_id);
    expect(ids).toEqual(batch.map(({ emailId }) => emailId));
  });

  it('is refused where a merge field would add a header or a recipient', async () => {
    const [message] = fc.sample(messages, 1);
    const evil: Partial<OutgoingMessage>[] = [
      { subject: 'a\r\nBcc: x@y.z' },
      { from: { address: 'a@x.example', name: 'a\nb' } },
      { to: { address: 'a@x.example, b@y.example' } },
      { replyTo: { address: 'a@x.example', name: '\u0085' } },
      { headers: { 'X-A': '1\r\n2' } },
      { headers: { Bcc: 'x@y.z' } },
      { messageId: '<a\r\n@b>' },
    ];
    for (const over of evil) await expect(new SendGridPayloads().bodyOf({ ...message, ...over })).rejects.toThrow(UnsendableMessageError);
  });
});
