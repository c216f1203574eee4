import type { SendOutcome } from '../mail.types.js';
import { failed, hardBounce, retryAccount, retryMessage, unknown } from './outcomes.js';

/** What is known about a failed SMTP transaction. */
export interface SmtpFailure {
  /** nodemailer's error code: ECONNECTION, ETIMEDOUT, EENVELOPE, EAUTH … */
  code?: string;
  /** The verb that failed, as nodemailer names it: `RCPT TO`, `MAIL FROM`, `DATA`, `AUTH PLAIN`, `CONN`, `EHLO`, `API`. */
  command?: string;
  /** The server's reply code, when it replied. */
  responseCode?: number;
  /** The whole reply. */
  response?: string;
  message: string;
  /** The server had answered DATA with 354: from then on it may have taken the message whatever happened to the connection. */
  dataAccepted: boolean;
}

const THROTTLE_CODES = new Set([421, 451, 452, 454]);
/** A full mailbox, a bad address, greylisting (RFC 3463 §3.2, §3.3; RFC 6647 §2.7): nobody else's mail has to wait for that. */
const ABOUT_RECIPIENT = /^\d{3}[ -]4\.[12]\.\d|gr[ae]y-?list/i;
const AUTH_CODES = new Set([530, 534, 535, 538]);
const NO_SUCH_MAILBOX = new Set([550, 551, 553]);
const SESSION_COMMANDS = /^(CONN|EHLO|HELO|LHLO|STARTTLS)\b/;

/**
 * The retry table for SMTP. A reply of the server is a definite answer, whenever it came (RFC 5321 §4.2.1). Without one, everything depends
 * on whether 354 had been seen: before it nothing can have been accepted, after it nobody can tell (RFC 1047).
 */
export function classifySmtpFailure(failure: SmtpFailure): SendOutcome {
  const { responseCode } = failure;
  if (responseCode !== undefined && responseCode >= 400 && responseCode < 600) {
    return responseCode < 500 ? transientReply(failure, responseCode) : permanentReply(failure, responseCode);
  }
  if (failure.dataAccepted) {
    return unknown('connection_lost_after_data', `The connection ended after the server had asked for the message: ${failure.message}`);
  }
  return withoutReply(failure);
}

function transientReply(failure: SmtpFailure, code: number): SendOutcome {
  const detail = failure.response ?? failure.message;
  if (failure.command === 'RCPT TO' && ABOUT_RECIPIENT.test(detail)) return retryMessage('deferred', detail);
  if (THROTTLE_CODES.has(code) || isAuth(failure) || isSession(failure)) return retryAccount('throttled', detail);
  return retryMessage('deferred', detail);
}

function permanentReply(failure: SmtpFailure, code: number): SendOutcome {
  const detail = failure.response ?? failure.message;
  if (isAuth(failure) || AUTH_CODES.has(code)) return retryAccount('account_fault', detail);
  // A server that refuses the session (554 in the greeting, 550 to EHLO) refuses us, not this message.
  if (isSession(failure)) return retryAccount('account_fault', detail);
  // Bad sequence of commands: the session went wrong, not the message.
  if (code === 503) return retryMessage('protocol_error', detail);
  const enhanced = /^\d{3}[ -](5\.\d{1,3}\.\d{1,3})\b/.exec(failure.response ?? '')?.[1] ?? '';
  if (enhanced.startsWith('5.7.') || code === 552 || code === 554) return failed('policy', detail);
  if (failure.command === 'RCPT TO') {
    // 5.1.7 and 5.1.8 (RFC 3463) speak of the sender's address.
    if (enhanced === '5.1.7' || enhanced === '5.1.8') return failed('sender_refused', detail);
    if (NO_SUCH_MAILBOX.has(code) || enhanced.startsWith('5.1.')) return hardBounce('recipient_refused', detail);
    return failed('recipient_refused', detail);
  }
  return failed(failure.command === 'MAIL FROM' ? 'sender_refused' : 'message_refused', detail);
}

function withoutReply(failure: SmtpFailure): SendOutcome {
  switch (failure.code) {
    case 'EENVELOPE':
    case 'EMESSAGE':
      // Refused by the client library before a byte was sent: an address it cannot write, or larger than the server's announced SIZE.
      return failed('invalid_message', failure.message);
    case 'EAUTH':
    case 'ENOAUTH':
      return retryAccount('account_fault', failure.message);
    case 'ETIMEDOUT':
    case 'EABORT':
      return retryMessage('timeout', failure.message);
    case 'ETLS':
      return retryMessage('tls_failed', failure.message);
    case 'EDNS':
      return retryMessage('dns_failed', failure.message);
    default:
      return retryMessage('connection_failed', failure.message);
  }
}

function isAuth(failure: SmtpFailure): boolean {
  return failure.code === 'EAUTH' || failure.code === 'ENOAUTH' || /^AUTH\b/.test(failure.command ?? '');
}

/** CONN also marks a connection that ended in the middle of a transaction; there only the failed greeting counts (EPROTOCOL). */
function isSession(failure: SmtpFailure): boolean {
  return SESSION_COMMANDS.test(failure.command ?? '') && !failure.dataAccepted;
}
