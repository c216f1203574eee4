/**
 * What the engine hands to a mail provider and what it gets back. The outcome is the whole contract: a provider never throws and never
 * retries, because only the ledger knows whether trying again could put a second copy into somebody's inbox.
 */

/** One mailbox. `address` is a single addr-spec (RFC 5322 §3.4.1), never a list and never with a display name inside. */
export interface MailAddress {
  address: string;
  name?: string | null;
}

/** One finished message to one recipient, rendered and personalised. */
export interface OutgoingMessage {
  emailId: string;
  tenantId: string;
  campaignId: string | null;
  /** `<…@…>`, the same on every attempt, so that receivers which collapse duplicates can. */
  messageId: string;
  from: MailAddress;
  to: MailAddress;
  replyTo?: MailAddress | null;
  subject: string;
  html: string;
  text: string;
  /** List-Unsubscribe, List-Unsubscribe-Post, X-…: one line each. Checked again here: a control character fails the message. */
  headers: Record<string, string>;
}

/**
 * What became of one message.
 *
 * - `accepted`: the provider has taken responsibility for it.
 * - `retry`: it was definitely not accepted and may be tried again. `scope: 'account'` means the account or the provider is at fault
 *   (throttled, bad credentials): everything of that account waits and no attempt of the message is used up.
 * - `failed`: permanent. `suppress` marks a hard bounce: the address does not exist.
 * - `unknown`: it may or may not have been handed over. Must never be sent again blindly.
 *
 * `reason` is a stable name for programs, `detail` a sentence for people (the provider's own words where there are any, shortened).
 */
export type SendOutcome =
  | { kind: 'accepted'; providerMessageId: string | null }
  | { kind: 'retry'; reason: string; detail: string; retryAfterMs?: number; scope: 'message' | 'account' }
  | { kind: 'failed'; reason: string; detail: string; suppress?: boolean }
  | { kind: 'unknown'; reason: string; detail: string };

/** The way out. One implementation is active per process, chosen by `MAIL_PROVIDER`. */
export abstract class EmailProvider {
  abstract readonly name: 'mailbox' | 'smtp' | 'sendgrid' | 'null';
  /** How many messages one `send()` call takes at most. */
  abstract readonly maxBatch: number;
  /** How many `send()` calls may run at once in this process. */
  abstract readonly maxConcurrency: number;
  /** `send()` has answered for every message after this many milliseconds; a lease must be longer. */
  abstract readonly sendTimeoutMs: number;

  /** Never throws, never retries; answers one outcome per message, in order, within `sendTimeoutMs`. */
  abstract send(messages: OutgoingMessage[]): Promise<SendOutcome[]>;

  /** Lets what is under way finish, then closes connections. A `send()` after that answers `retry`. */
  abstract close(): Promise<void>;
}
