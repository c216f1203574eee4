import { DomainError } from '../../shared/domain-error.js';
import type { SignatureFault } from './domain/sendgrid-signature.js';

const FAULTS: Record<SignatureFault, string> = {
  missing: 'the headers X-Twilio-Email-Event-Webhook-Signature and X-Twilio-Email-Event-Webhook-Timestamp are needed',
  malformed_timestamp: 'the timestamp must have exactly ten digits',
  too_old: 'the timestamp is more than 25 hours old',
  in_future: 'the timestamp is more than 5 minutes ahead',
  wrong: 'the signature does not match the body',
};

/** Not signed by the account's provider, or not now. */
export class WebhookSignatureError extends DomainError {
  readonly code = 'webhook_signature';
  readonly category = 'unauthenticated' as const;

  constructor(readonly fault: SignatureFault) {
    super(`The call is not accepted: ${FAULTS[fault]}.`);
  }
}

/** The URL belongs to no account, or to one for which no key is set. */
export class WebhookNotConfiguredError extends DomainError {
  readonly code = 'webhook_not_configured';
  readonly category = 'not_found' as const;

  constructor(what: string) {
    super(`Nothing is set up here: ${what}.`);
  }
}

export class WebhookMalformedError extends DomainError {
  readonly code = 'webhook_malformed';
  readonly category = 'malformed' as const;

  constructor(message: string) {
    super(message, [{ path: '', message }]);
  }
}

export class WebhookTooLargeError extends DomainError {
  readonly code = 'webhook_too_large';
  readonly category = 'too_large' as const;
}

/** The inbound webhook did not present its secret. */
export class InboundSecretError extends DomainError {
  readonly code = 'inbound_secret';
  readonly category = 'unauthenticated' as const;

  constructor() {
    super('The secret of the inbound webhook is missing or wrong.');
  }
}
