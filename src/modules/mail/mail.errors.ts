import { DomainError } from '../../shared/domain-error.js';

/** A message that must not be handed to any provider: a control character in a header, more than one address, a forged header name. */
export class UnsendableMessageError extends DomainError {
  readonly code = 'unsendable_message';
  readonly category = 'unprocessable';
}

/** `SMTP_URL` or another provider setting that cannot work. The text never repeats the value: it may hold a password. */
export class MailConfigurationError extends DomainError {
  readonly code = 'mail_configuration';
  readonly category = 'malformed';
}

/** The captured message that was asked for is not in the mailbox. */
export class MailboxMessageNotFoundError extends DomainError {
  readonly code = 'mailbox_message_not_found';
  readonly category = 'not_found';

  constructor() {
    super('There is no such message in the mailbox.');
  }
}
