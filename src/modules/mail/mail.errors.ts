import { DomainError, type Problem } from '../../shared/domain-error.js';

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

export class ProviderAccountNotFoundError extends DomainError {
  readonly code = 'provider_account_not_found';
  readonly category = 'not_found';

  constructor() {
    super('There is no such provider account.');
  }
}

export class ProviderAccountExistsError extends DomainError {
  readonly code = 'provider_account_exists';
  readonly category = 'conflict';

  constructor() {
    super('Another provider account has this name.', [{ path: 'name', message: 'is taken' }]);
  }
}

/** Settings that contradict each other or that no account can have. */
export class InvalidProviderAccountError extends DomainError {
  readonly code = 'invalid_provider_account';
  readonly category = 'malformed';

  constructor(problems: Problem[]) {
    super(`${problems[0].path} ${problems[0].message}.`, problems);
  }
}

export class TooManyProviderAccountsError extends DomainError {
  readonly code = 'too_many_provider_accounts';
  readonly category = 'unprocessable';

  constructor(limit: number) {
    super(`A tenant has at most ${limit} provider accounts.`);
  }
}

/** Campaigns would lose their way out in the middle of sending. */
export class ProviderAccountInUseError extends DomainError {
  readonly code = 'provider_account_in_use';
  readonly category = 'conflict';

  constructor(campaignIds: string[]) {
    super('Campaigns that are scheduled, active or paused send through this account. Cancel them, or let them complete, first.', [], {
      campaignIds,
    });
  }
}

export class SenderDomainNotFoundError extends DomainError {
  readonly code = 'sender_domain_not_found';
  readonly category = 'not_found';

  constructor() {
    super('There is no such sender domain.');
  }
}

export class SenderDomainExistsError extends DomainError {
  readonly code = 'sender_domain_exists';
  readonly category = 'conflict';

  constructor(domain: string) {
    super(`${domain} is one of the sender domains already.`, [{ path: 'domain', message: 'is registered already' }]);
  }
}

/** What was given cannot be a domain in whose name mail is sent. */
export class InvalidSenderDomainError extends DomainError {
  readonly code = 'invalid_sender_domain';
  readonly category = 'malformed';

  constructor(problems: Problem[]) {
    super(`${problems[0].path} ${problems[0].message}.`, problems);
  }
}

export class TooManySenderDomainsError extends DomainError {
  readonly code = 'too_many_sender_domains';
  readonly category = 'unprocessable';

  constructor(limit: number) {
    super(`A tenant has at most ${limit} sender domains.`);
  }
}
