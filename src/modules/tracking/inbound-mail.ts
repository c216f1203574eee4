import { readMailHeaders, type MailHeaders } from './domain/mail-headers.js';
import { readFormTexts } from './domain/multipart.js';
import { WebhookMalformedError } from './webhook.errors.js';

/** What of an incoming mail matters to us. Its text and attachments are not looked at, let alone kept. */
export interface InboundMail {
  headers: MailHeaders;
  envelopeFrom?: string;
  /** Everything in which an address we gave out may stand. */
  recipients: string;
}

const FIELDS: ReadonlySet<string> = new Set(['headers', 'email', 'envelope', 'to']);
const RECIPIENT_HEADERS = ['to', 'cc', 'delivered-to', 'x-original-to', 'envelope-to', 'x-forwarded-to'];

/**
 * Reads a call of SendGrid's Inbound Parse: a multipart form with `headers`, `envelope`, `to` … or, in its raw mode, the whole message in
 * `email`. Throws `WebhookMalformedError` for anything else.
 */
export function readInboundMail(contentType: string | undefined, body: Buffer): InboundMail {
  const fields = formFields(contentType, body);
  const raw = fields.get('headers') ?? fields.get('email');
  if (raw === undefined) throw new WebhookMalformedError('The form has no complete field "headers" or "email".');
  const headers = readMailHeaders(raw);
  const envelope = readEnvelope(fields.get('envelope'));
  const named = RECIPIENT_HEADERS.flatMap((name) => headers.get(name) ?? []);
  return { headers, envelopeFrom: envelope.from, recipients: [...envelope.to, fields.get('to') ?? '', ...named].join('\n') };
}

function formFields(contentType: string | undefined, body: Buffer): Map<string, string> {
  if (!contentType || !/^multipart\/form-data\b/i.test(contentType)) {
    throw new WebhookMalformedError('The body must be multipart/form-data, as Inbound Parse sends it.');
  }
  const fields = readFormTexts(contentType, body, FIELDS);
  if (!fields) throw new WebhookMalformedError('The Content-Type multipart/form-data names no boundary.');
  return fields;
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
