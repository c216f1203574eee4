import sendgrid, { type MailDataRequired, type MailService } from '@sendgrid/mail';
import { toAddrSpec } from '../domain/address.js';
import { assertSingleLine } from '../domain/header-text.js';
import { assertMessageId, encodeHeader } from '../domain/mime.js';
import type { MailAddress, OutgoingMessage } from '../mail.types.js';

type Client = Parameters<MailService['setClient']>[0];

interface Mailbox {
  email: string;
  name?: string;
}

/** What a payload is made of; messages with the same ones present have the same shape. */
interface Fields {
  from: Mailbox;
  to: Mailbox;
  replyTo?: Mailbox;
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
  customArgs: Record<string, string>;
}

/** JSON text with the values of one message between its pieces. */
interface Shape {
  pieces: string[];
  /** The index of the value behind each piece but the last. */
  order: number[];
}

const MAX_SHAPES = 200;

/**
 * Bodies of SendGrid's `POST /v3/mail/send`, exactly as its official package would make them. The package builds and validates one payload for each
 * shape of message (which optional fields it has), with stand-ins for values; messages of that shape then fill in theirs. What the package checks of a
 * value is its type, which is a string always, and it copies a message five times over to do so (measured: test/bench/README.md).
 *
 * SendGrid's own open, click and subscription tracking is switched off: it would rewrite our links a second time.
 */
export class SendGridPayloads {
  private readonly shapes = new Map<string, Shape>();
  private readonly service: MailService;

  constructor() {
    // What the client resolves with passes through the package untouched. Own instance: the package's default export is one shared
    // object.
    this.service = new (sendgrid as unknown as { MailService: new () => MailService }).MailService();
    this.service.setClient({ request: ({ body }: { body: unknown }) => Promise.resolve(body) } as unknown as Client);
  }

  /** @throws UnsendableMessageError when a header value, name or address is not what it may be (reliability: header injection) */
  async bodyOf(message: OutgoingMessage): Promise<string> {
    const fields = fieldsOf(message);
    const values = valuesOf(fields);
    const key = shapeOf(fields);
    const { pieces, order } = this.shapes.get(key) ?? (await this.learn(key, fields, values.length));
    const body = [pieces[0]];
    for (let i = 0; i < order.length; i++) body.push(JSON.stringify(values[order[i]]), pieces[i + 1]);
    return body.join('');
  }

  private async learn(key: string, fields: Fields, count: number): Promise<Shape> {
    const standIns = Array.from({ length: count }, (_, i) => `<<value ${i}>>`);
    const payload: unknown = await this.service.send(dataOf(withValues(fields, standIns)));
    const parts = JSON.stringify(payload).split(/"<<value (\d+)>>"/);
    const shape = {
      pieces: parts.filter((_, i) => i % 2 === 0),
      order: parts.filter((_, i) => i % 2 === 1).map(Number),
    };
    if (this.shapes.size >= MAX_SHAPES) this.shapes.clear();
    this.shapes.set(key, shape);
    return shape;
  }
}

function fieldsOf(message: OutgoingMessage): Fields {
  assertMessageId(message.messageId);
  assertSingleLine(message.subject, 'The subject');
  const headers: Record<string, string> = { 'Message-ID': message.messageId };
  // SendGrid wants header values in ASCII and folds them itself.
  for (const [name, value] of Object.entries(message.headers)) headers[name] = encodeHeader(name, value).replaceAll('\r\n', '');
  const { from, to, replyTo, subject, text, html, emailId, tenantId, campaignId } = message;
  return {
    from: mailbox(from, 'sender'),
    to: mailbox(to, 'recipient'),
    ...(replyTo ? { replyTo: mailbox(replyTo, 'reply-to') } : {}),
    subject,
    text,
    html,
    headers,
    customArgs: { email_id: emailId, tenant_id: tenantId, ...(campaignId === null ? {} : { campaign_id: campaignId }) },
  };
}

function mailbox(given: MailAddress, what: string): Mailbox {
  const name = given.name?.trim() ?? '';
  if (name === '') return { email: toAddrSpec(given.address, what) };
  assertSingleLine(name, `${what} name`);
  return { email: toAddrSpec(given.address, what), name };
}

/** The values in a fixed order; `withValues` puts others into the same places. */
function valuesOf({ from, to, replyTo, subject, text, html, headers, customArgs }: Fields): string[] {
  const values = [subject, text, html];
  for (const box of [from, to, replyTo]) {
    if (box === undefined) continue;
    values.push(box.email);
    if (box.name !== undefined) values.push(box.name);
  }
  for (const name in headers) values.push(headers[name]);
  for (const name in customArgs) values.push(customArgs[name]);
  return values;
}

function withValues(fields: Fields, values: string[]): Fields {
  let next = 0;
  const take = (): string => values[next++];
  const [subject, text, html] = [take(), take(), take()];
  const box = (of: Mailbox): Mailbox => ({ email: take(), ...(of.name === undefined ? {} : { name: take() }) });
  const all = (of: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.keys(of).map((name): [string, string] => [name, take()]));
  const from = box(fields.from);
  const to = box(fields.to);
  const replyTo = fields.replyTo && { replyTo: box(fields.replyTo) };
  return { from, to, ...replyTo, subject, text, html, headers: all(fields.headers), customArgs: all(fields.customArgs) };
}

/** Header names hold no line break, so no two shapes share a key. */
function shapeOf({ from, to, replyTo, headers, customArgs }: Fields): string {
  const boxes = [from, to, replyTo].map((box) => (box === undefined ? 0 : box.name === undefined ? 1 : 2));
  return [...boxes, ...Object.keys(headers), '', ...Object.keys(customArgs)].join('\n');
}

function dataOf({ text, html, ...fields }: Fields): MailDataRequired {
  return {
    ...fields,
    content: [
      { type: 'text/plain', value: text },
      { type: 'text/html', value: html },
    ],
    trackingSettings: {
      clickTracking: { enable: false, enableText: false },
      openTracking: { enable: false },
      subscriptionTracking: { enable: false },
    },
  };
}
