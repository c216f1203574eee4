import { DomainError } from '../../shared/domain-error.js';

export class WebhookNotFoundError extends DomainError {
  readonly code = 'webhook_not_found';
  readonly category = 'not_found' as const;

  constructor() {
    super('There is no such webhook.');
  }
}

export class WebhookDeliveryNotFoundError extends DomainError {
  readonly code = 'webhook_delivery_not_found';
  readonly category = 'not_found' as const;

  constructor() {
    super('There is no such delivery of this webhook. Deliveries are kept for 30 days.');
  }
}

/** The address is one that we do not go to. */
export class WebhookUrlError extends DomainError {
  readonly code = 'webhook_url';
  readonly category = 'unprocessable' as const;

  constructor(fault: string) {
    super(`The address of the webhook cannot be used: it ${fault}.`, [{ path: 'url', message: fault, code: 'webhook_url' }]);
  }
}

export class TooManyWebhooksError extends DomainError {
  readonly code = 'too_many_webhooks';
  readonly category = 'conflict' as const;

  constructor(limit: number) {
    super(`There are ${limit} webhooks already, which is as many as a tenant may have. Delete one first.`);
  }
}

export class WebhookDisabledError extends DomainError {
  readonly code = 'webhook_disabled';
  readonly category = 'conflict' as const;

  constructor() {
    super('The webhook is switched off: set `enabled` to true first.', [], { currentStatus: 'disabled' });
  }
}
