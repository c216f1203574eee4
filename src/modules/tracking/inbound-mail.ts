import { readMailHeaders, type MailHeaders } from './domain/mail-headers.js';
import { WebhookMalformedError } from './webhook.errors.js';

/** What of an incoming mail matters to us. Its text and attachments are not looked at, let alone kept. */
export interface InboundMail {
  headers: MailHeaders;
  envelopeFrom?: string;
  /** Everything in which an address we gave out may stand. */
  recipients: string;
}

const RECIPIENT_HEADERS = ['to', 'cc', 'delivered-to', 'x-original-to', 'envelope-to', 'x-forwarded-to'];

/**
 * Reads a call of SendGrid's Inbound Parse: a multipart form with `headers`, `envelope`, `to` … or, in its raw mode, the whole message in
 * `email`. Throws `WebhookMalformedError` for anything else.
 */
export async function readInboundMail(contentType: string | undefined, body: Buffer): Promise<InboundMail> {
  const fields = await formFields(contentType, body);
  const raw = fields.get('headers') ?? fields.get('email');
  if (raw === undefined) throw new WebhookMalformedError('The form has neither a field "headers" nor a field "email".');
  const headers = readMailHeaders(raw);
  const envelope = readEnvelope(fields.get('envelope'));
  const named = RECIPIENT_HEADERS.flatMap((name) => headers.get(name) ?? []);
  return { headers, envelopeFrom: envelope.from, recipients: [...envelope.to, fields.get('to') ?? '', ...named].join('\n') };
}

/** The texts of the form; files are passed over. Decoded by the parser that Node has for `fetch`. */
async function formFields(contentType: string | undefined, body: Buffer): Promise<Map<string, string>> {
  if (!contentType || !/^multipart\/form-data\b/i.test(contentType)) {
    throw new WebhookMalformedError('The body must be multipart/form-data, as Inbound Parse sends it.');
  }
  try {
    const form = await new Response(body, { headers: { 'content-type': contentType } }).formData();
    return new Map([...form].flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as const] : [])));
  } catch {
    throw new WebhookMalformedError('The body is not a complete multipart form.');
  }
}

function readEnvelope(json: string | undefined): { from?: string; to: string[] } {
  if (json === undefined) return { to: [] };
  try {
    const { from, to } = JSON.parse(json) as { from?: unknown; to?: unknown };
    const recipients = Array.isArray(to) ? to : [to];
    return {
      ...(typeof from === 'string' ? { from } : {}),
      to: recipients.filter((address): address is string => typeof address === 'string'),
    };
  } catch {
    return { to: [] };
  }
}
