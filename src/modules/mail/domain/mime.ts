import { UnsendableMessageError } from '../mail.errors.js';
import type { OutgoingMessage } from '../mail.types.js';
import { formatMailbox } from './address.js';
import { assertSingleLine, encodeUnstructured, foldAtSpaces, isPrintableAscii } from './header-text.js';

const BASE64_LINE = 76; // RFC 2045 §6.8
// RFC 5322 §2.2, but no dot in front: that would be a line that begins with one, which SMTP would have to be told about.
const HEADER_NAME = /^[!-\-/-9;-~][!-9;-~]{0,75}$/;
const MESSAGE_ID = /^<[!-;=?A-~]+@[!-;=?A-~]+>$/;
const BOUNDARY_SAFE = /^[A-Za-z0-9._-]{1,60}$/;
// Written from the fields of the message. A second copy in `headers` would be a forgery or a parser's coin toss.
const OWN_HEADERS = new Set(
  'from to cc bcc reply-to sender subject date message-id mime-version return-path received dkim-signature'.split(' '),
);

/**
 * The complete message (RFC 5322, multipart/alternative of text and HTML) as it goes over the wire: CRLF lines, ASCII only, bodies in base64.
 * The same message and date give the same bytes, so a second attempt is byte-identical.
 *
 * Measured on two shared cores, 8 KB HTML + 2 KB text: about 40 µs; nodemailer's own composer (base64) takes about 570 µs. Slicing one
 * native base64 string beat a hand-written encoder, per-line native calls and a regular expression.
 *
 * @throws UnsendableMessageError when a header value, name or address is not what it may be (reliability: header injection)
 */
export function buildMime(message: OutgoingMessage, date: Date): Buffer {
  return Buffer.from(mimeText(message, date), 'utf8');
}

/**
 * The same as text, with `end` behind it: ASCII but for the part of an address before its @ (RFC 6532). No line begins with a dot, so that it needs no
 * dot-stuffing (RFC 5321 §4.5.2).
 */
export function mimeText(message: OutgoingMessage, date: Date, end = ''): string {
  const boundary = boundaryFor(message.emailId);
  const lines = [
    ...headersOf(message, date),
    `Content-Type: multipart/alternative;\r\n boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
  ];
  pushBase64(lines, message.text);
  lines.push(`--${boundary}`, 'Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: base64', '');
  pushBase64(lines, message.html);
  lines.push(`--${boundary}--`, end);
  return lines.join('\r\n');
}

/** The checks of {@link buildMime} on subject, names, addresses and headers, for providers that take fields instead of a raw message. */
export function assertSendable(message: OutgoingMessage): void {
  headersOf(message, new Date(0));
}

function headersOf(message: OutgoingMessage, date: Date): string[] {
  assertMessageId(message.messageId);
  const lines = [
    `From: ${formatMailbox(message.from, 6, 'sender')}`,
    `To: ${formatMailbox(message.to, 4, 'recipient')}`,
    ...(message.replyTo ? [`Reply-To: ${formatMailbox(message.replyTo, 10, 'reply-to')}`] : []),
    `Subject: ${encodeUnstructured(message.subject, 9, 'The subject')}`,
    `Date: ${formatDate(date)}`,
    `Message-ID: ${message.messageId}`,
    'MIME-Version: 1.0',
  ];
  for (const name of Object.keys(message.headers)) lines.push(`${name}: ${encodeHeader(name, message.headers[name])}`);
  return lines;
}

export function assertMessageId(messageId: string): void {
  if (!MESSAGE_ID.test(messageId)) throw new UnsendableMessageError('The Message-ID is not of the form <unique@domain>.');
}

/**
 * The value of an extra header, folded and encoded. List-* headers (RFC 2369) hold addresses in angle brackets, which an encoded-word would
 * break: they must be ASCII already.
 */
export function encodeHeader(name: string, value: string): string {
  const lower = name.toLowerCase();
  if (!HEADER_NAME.test(name)) throw new UnsendableMessageError('A header name may hold only printable characters and no colon or space.');
  if (OWN_HEADERS.has(lower) || lower.startsWith('content-')) {
    throw new UnsendableMessageError(`The header ${name} is written from the message itself and cannot be given.`);
  }
  const used = name.length + 2;
  if (!lower.startsWith('list-')) return encodeUnstructured(value, used, `The header ${name}`);
  assertSingleLine(value, `The header ${name}`);
  if (!isPrintableAscii(value)) throw new UnsendableMessageError(`The header ${name} must be ASCII.`);
  return foldAtSpaces(value.trim(), used, `The header ${name}`);
}

/** RFC 5322 §3.3, always UTC. */
function formatDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}

/** Any boundary is safe: `_` and `=` at its start never begin a base64 line. The id keeps it unique when messages are nested (forwarding). */
function boundaryFor(emailId: string): string {
  if (!BOUNDARY_SAFE.test(emailId)) throw new UnsendableMessageError('The email id is not usable in a boundary.');
  return `=_${emailId}`;
}

function pushBase64(lines: string[], body: string): void {
  const encoded = Buffer.from(toCrlf(body), 'utf8').toString('base64');
  for (let at = 0; at < encoded.length; at += BASE64_LINE) lines.push(encoded.slice(at, at + BASE64_LINE));
}

/** RFC 2045 §6.8: text is brought to CRLF line ends before base64. */
function toCrlf(text: string): string {
  if (text.includes('\r')) return text.replace(/\r\n|\r|\n/g, '\r\n');
  return text.includes('\n') ? text.replaceAll('\n', '\r\n') : text;
}
